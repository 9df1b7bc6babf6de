"""Strangers try to have somebody called, by SIP, SMS and keys; every byte at a modem is looked at (T-F1 to T-F9).

One gateway as an owner has it, with emulated modems. The oracle is the modems' own log: the courier's registered mobile
may be rung, five times an hour at most, and nothing else may ever be dialled.
"""

from __future__ import annotations

import asyncio
import random
import re
import socket
import string
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.demo.site import COURIER, LINES, PIN, SIM_NUMBERS
from gateway.emulator.client import EmulatorRefused
from gateway.sip.grammar import MalformedMessage
from gateway.sip.transport import Address
from tests.end_to_end.house import House, house
from tests.fakes.sip_peer import Peer
from tests.faults import rounds

pytestmark = [pytest.mark.interop, pytest.mark.real_time]

TRIES = rounds(80, 10_000)
INSIDER = "an-honest-phone-of-the-shop"
MOST_RINGS = 5
"""Of the registered mobile in an hour, for nothing but a number that anybody can show (T-F8)."""
FOREIGN = ("+882161234567", "00441632960961", "810441632960961", "01144163296", "+37369123456", "+8816123456789")
PREMIUM = ("88091234567", "+78091234567", "0900123456", "88831234567890", "118", "+19005551234")
SERVICE = ("*21*+882161234567#", "**61*0900123456#", "*#06#", "#31#+79031112233", "%2331%23+79031112233", "**04*1234#")
INJECTED = (
    "0%0D%0AATD900123%3B", "+79031112233;ATD900;", "+79031112233%3Bext%3D1", "101%22%3BAT+CUSD=1", "112%0D+CMGS=1",
    "0%1AATD900;", "+79031112233,,1", "%D9%A7%D9%A9%D9%A0%D9%A3", "sip:0900123456@pstn", "+7903111223x", "%00112",
)  # fmt: skip


class Patient(Peer):
    """A phone that looks over what it cannot read: a refusal repeats the broken address that was dialled."""

    def take(self, data: bytes) -> None:
        with suppress(MalformedMessage):
            super().take(data)


@dataclass
class Tally:
    """What was tried, and how SIP was answered."""

    tried: Counter[str] = field(default_factory=Counter)
    answered: Counter[int] = field(default_factory=Counter)


def opened(shop: str) -> str:
    """All doors that an owner can open: a PIN, commands by SMS, a prompt for extensions."""
    shop = shop.replace(f'pin = "{PIN}"\n', f'pin = "{PIN}"\nby_sms = true\n')
    shop = re.sub(r'(name = "green"\n)', r"\1asks_extension = true\n", shop)
    return shop.replace("[[couriers]]", f'[[phones]]\nextension = "102"\npassword = "{INSIDER}"\n\n[[couriers]]')


def dial_string(dice: random.Random) -> str:
    """What must never be dialled, as it stands in a URI."""
    match dice.randrange(6):
        case 0:
            return dice.choice(FOREIGN) + "".join(dice.choices(string.digits, k=dice.randrange(3)))
        case 1:
            return dice.choice(PREMIUM)
        case 2:
            return dice.choice(SERVICE)
        case 3:
            return dice.choice(INJECTED)
        case 4:
            return "+7903" + "".join(dice.choices(string.digits, k=dice.randint(17, 60)))
        case _:
            letters = string.ascii_letters + ",;*#"
            return "+7903" + "".join(dice.choices(string.digits + letters, k=9)) + dice.choice(letters)


async def strangers_call(stack: House, count: int, dice: random.Random, tally: Tally) -> None:
    """INVITEs from many addresses, in the name of whomever; what is allowed to phones of the shop is not to these."""
    server = ("127.0.0.1", stack.site.ports.sip)
    names = ("101", "102", "2001", "admin", COURIER, "anonymous", "provider")
    for number in range(count):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            stranger.bind((f"127.77.{number // 200}.{1 + number % 200}", 0))
            host, port = stranger.getsockname()
            wanted = dice.choice(("2001", "101", "89031112233", "+79031112233", "112", dial_string(dice)))
            name, method = dice.choice(names), dice.choice(("INVITE", "INVITE", "INVITE", "REFER", "MESSAGE"))
            lines = (
                f"{method} sip:{wanted}@{server[0]}:{server[1]} SIP/2.0",
                f"Via: SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bKstranger{number}",
                "Max-Forwards: 70", f"From: <sip:{name}@{server[0]}>;tag=s{number}", f"To: <sip:{wanted}@{server[0]}>",
                f"Call-ID: stranger-{number}", f"CSeq: 1 {method}", f"Contact: <sip:{name}@{host}:{port}>",
                f"P-Asserted-Identity: <sip:101@{server[0]}>", f"Refer-To: <sip:{dial_string(dice)}@{server[0]}>",
                "Content-Length: 0", "", "",
            )  # fmt: skip
            stranger.sendto("\r\n".join(lines).encode(), server)
            tally.tried["strangers"] += 1
            await asyncio.sleep(0.012)
            for _ in range(3):
                try:
                    tally.answered[int(stranger.recv(4096).split()[1])] += 1
                    break
                except BlockingIOError:
                    await asyncio.sleep(0.05)


async def guessers_call(stack: House, count: int, dice: random.Random, tally: Tally) -> None:
    """Answers to our challenge with wrong passwords: from a new address each, as five of one are heard no more."""
    server = Address("127.0.0.1", stack.site.ports.sip)
    for number in range(count):
        host = f"127.78.{number // 200}.{1 + number % 200}"
        password = dice.choice(("", "101", "1234", PIN, "password"))
        with Patient(server, "101", host=host, password=password) as guesser:
            tally.tried["wrong passwords"] += 1
            tally.answered[await final_answer(guesser, dice.choice(("2001", "+79031112233", "112")))] += 1


async def insider_calls(stack: House, count: int, dice: random.Random, tally: Tally) -> None:
    """A phone whose password is known dials what the number policy does not allow."""
    with Patient(Address("127.0.0.1", stack.site.ports.sip), "102", password=INSIDER) as phone:
        await phone.register()
        for number in range(count):
            tally.tried["dial strings"] += 1
            tally.answered[await final_answer(phone, dial_string(dice), call_id=f"insider-{number}")] += 1


async def final_answer(peer: Peer, user: str, *, call_id: str = "guess") -> int:
    """The status that an INVITE ends with, its challenge answered; 0: what cannot be read is not answered."""
    extra: tuple[str, ...] = ()
    for number in (1, 2):
        peer.request("INVITE", user, call_id=call_id, number=number, extra=extra, body=peer.media.offer())
        try:
            answer = await peer.response(*range(100, 700), within=2)
            while answer.status < 200:
                answer = await peer.response(*range(100, 700), within=20)
        except TimeoutError:
            return 0
        assert answer.status >= 300, f"{user!r} was answered"
        peer.ack(user, answer)
        if answer.status != 401:
            break
        extra = (peer.authorization(answer, "INVITE", f"sip:{user}@{peer.server}"),)
    return answer.status


async def texts_come(stack: House, count: int, dice: random.Random, tally: Tally) -> None:
    """Commands by SMS, in the courier's name too: order 1001 is the courier's own, the rest means nothing."""
    for number in range(count):
        sender = dice.choice((COURIER, COURIER, f"+7903{number:07}", "MegaFon", "900"))
        text = dice.choice(
            (
                "1001",
                "2001",
                "1002",
                "call +882161234567",
                "+79031112233",
                "ATD+79031112233;",
                "*100#",
                "1001\r\nATD900;",
            )
        )
        await stack.emulator.send_sms(sender, dice.choice(list(SIM_NUMBERS.values())), text)
        tally.tried["SMS"] += 1
        await asyncio.sleep(0.05)


async def callers_press_keys(stack: House, line: str, count: int, dice: random.Random, tally: Tally) -> None:
    """Calls to a SIM, from nobody or in the courier's name, and keys: PINs, numbers, codes."""
    for number in range(count):
        caller = dice.choice((COURIER, f"+7905{number:07}"))
        person = await stack.emulator.subscriber(caller, when_called="reject")
        call = await person.call_in(SIM_NUMBERS[line])
        keys = dice.choice(("00441632960961#", "*21*0900#", "**61*1#", "482914#0900123456#", "1001#", "", "999999#"))
        keys += "".join(dice.choices("013456789*#", k=dice.randint(3, 9)))
        tally.tried["calls with keys"] += 1
        try:
            await call.answered(within=12)
            await call.press(keys, tone_seconds=0.06, gap_seconds=0.05)
            await asyncio.sleep(0.11 * len(keys) + 0.3)
            await call.hang_up()
        except (EmulatorRefused, TimeoutError):
            await call.hang_up()  # nobody picks up a stranger's call, or the line is busy
        await call.ended(within=15)


async def said_to_modems(stack: House) -> list[str]:
    """Whatever calls somebody, sends something or asks the network, on any modem."""
    found = []
    for modem in await stack.emulator.modems():
        sent = b"".join(data for _, to_modem, data in await modem.at_bytes() if to_modem).upper()
        found += [text.decode("latin-1") for text in re.findall(rb"(?<![A-Z+])AT[ ]*D[^\r]*|[^\r;]*;[ ]*D[^\r]*", sent)]
        found += [
            text.decode("latin-1") for text in re.findall(rb"AT\+CUSD=1,[^\r]*|AT\+CMGS=[^\r]*|ATH?O[^\r]*", sent)
        ]
    return found


async def said_in_the_end(stack: House, command: str) -> bool:
    for _ in range(100):
        if command in await said_to_modems(stack):
            return True
        await asyncio.sleep(0.2)
    return False


@pytest.mark.timeout(5400)  # for the full count
async def test_nobody_is_called_for_strangers(tmp_path: Path, seed: int) -> None:
    dice, tally = random.Random(seed), Tally()
    async with house(tmp_path, shop=opened) as stack:
        await stack.emulator.subscriber(COURIER, when_called="reject", ring_seconds=0.1)
        await stack.api.post("/orders", {"number": "1001", "phone": "+79031112233", "courier": "2001"})
        # What is allowed is done: an SMS in the courier's name rings the registered mobile.
        await stack.emulator.send_sms(COURIER, SIM_NUMBERS["red"], "1001")
        assert await said_in_the_end(stack, f"ATD{COURIER};")
        keyed = TRIES // 40
        async with asyncio.TaskGroup() as group:
            for line in LINES:
                group.create_task(callers_press_keys(stack, line, max(1, keyed // len(LINES)), dice, tally))
            group.create_task(texts_come(stack, TRIES // 20, dice, tally))
            group.create_task(guessers_call(stack, TRIES // 10, dice, tally))
            group.create_task(insider_calls(stack, TRIES // 5, dice, tally))
            rest = TRIES - TRIES // 20 - TRIES // 10 - TRIES // 5 - keyed
            group.create_task(strangers_call(stack, rest, dice, tally))
        await asyncio.sleep(3)
        dialled = await said_to_modems(stack)
        print(f"{dict(tally.tried)}; SIP answered {dict(tally.answered)}; dialled: {dialled}")
        assert set(dialled) <= {f"ATD{COURIER};"}
        assert len(dialled) <= MOST_RINGS
        assert sum(tally.tried.values()) >= TRIES - len(LINES)
        assert not {status for status in tally.answered if status < 300} - {0}
        heard = sum(count for status, count in tally.answered.items() if status)
        assert heard > 0.5 * sum(tally.answered.values()), "most were heard and refused, not only lost"

        # And what is allowed is dialled: the log that was looked at tells of calls.
        with Peer(Address("127.0.0.1", stack.site.ports.sip), "102", password=INSIDER) as phone:
            await phone.invite("89031112233", call_id="allowed")
            await phone.response(100)
            assert await said_in_the_end(stack, "ATD+79031112233;")
            phone.request("CANCEL", "89031112233", call_id="allowed", number=2)
