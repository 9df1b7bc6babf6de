"""What becomes of a part by what the modem says, and of what the SIM holds; in virtual time on a scripted port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from gateway.errors import ModemLost
from gateway.modem import gsm7
from gateway.modem.channel import AtChannel
from gateway.modem.dialect import UssdCoding
from gateway.modem.messages import SimMessages
from gateway.modem.sms_causes import is_ambiguous, refusal_of
from gateway.modem.ussd import decode
from gateway.telephony.messages import PartOutcome, PartRefused, PartTaken, PartUnknown
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.shop import NumberRules
from tests.fakes import sms_network
from tests.fakes.modem_ledgers import MemoryInbox
from tests.fakes.numbers import dialable

SENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class Desk:
    """A channel on a port that answers from a table; `on_body` is what it does with a message."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    on_body: Callable[[Desk], None] = lambda desk: desk.say("+CMGS: 7", "OK")
    prompts: bool = True
    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    said: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    """The PDUs, with the octet for the service centre."""
    is_open: bool = True

    def __post_init__(self) -> None:
        self.channel = AtChannel(self, lambda line, pdu: None, name="m0")
        policy = NumberPolicy(NumberRules())
        self.messages = SimMessages(
            "m0", self.channel, self.inbox, line=lambda: "red", imsi=lambda: "25002",
            normalise=lambda number: policy.normalise(number) or number,
        )  # fmt: skip

    def write(self, data: bytes) -> None:
        for line in data.replace(b"\x1b", b"").replace(b"\x1a", b"\x1a\r").decode().split("\r"):
            if line.endswith("\x1a"):
                self.said.append("body")
                self.bodies.append(bytes.fromhex(line.removesuffix("\x1a")))
                self.on_body(self)
            elif line.startswith("AT+CMGS"):
                self.said.append(line)
                if self.prompts:
                    asyncio.get_running_loop().call_soon(self.channel.data_received, b"\r\n> ")
            elif line:
                self.said.append(line)
                self.say(*self.answers.get(line, ["+CMEE: 1", "OK"] if line == "AT+CMEE?" else ["OK"]))

    def say(self, *lines: str) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(self.channel.data_received, ("".join(f"\r\n{line}\r\n" for line in lines)).encode())


@asynccontextmanager
async def served(desk: Desk) -> AsyncIterator[Desk]:
    task = asyncio.create_task(desk.channel.run())
    try:
        yield desk
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, ModemLost):
            await task


async def _send(desk: Desk) -> PartOutcome:
    async with served(desk):
        return await desk.messages.send_part(dialable("+79161234567"), "x", reference=1, part=1)


async def test_the_reference_of_the_network_comes_back() -> None:
    assert await _send(Desk()) == PartTaken(7)


@pytest.mark.parametrize(("valid_for", "octet"), [(None, None), (timedelta(hours=14), 147), (timedelta(days=1), 167)])
async def test_the_validity_travels_with_the_message(valid_for: timedelta | None, octet: int | None) -> None:
    """TP-VPF and TP-VP of 23.040 section 9.2.3: the octet behind the coding, where the format bits say so."""
    desk = Desk()
    async with served(desk):
        await desk.messages.send_part(dialable("+79161234567"), "x", reference=1, part=1, valid_for=valid_for)
    (body,) = desk.bodies
    tpdu = body[1:]
    assert tpdu[0] & 0x18 == (0x10 if octet is not None else 0)
    behind_coding = 2 + 2 + 6 + 2
    assert tpdu[behind_coding] == (octet if octet is not None else 1)


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ("+CMS ERROR: 1", PartRefused("sms-number-wrong", is_final=True)),
        ("+CMS ERROR: 42", PartRefused("sms-network-busy", is_final=False)),
        ("ERROR", PartRefused("sms-sim-trouble", is_final=False)), ("+CMS ERROR: 332", PartUnknown("at-refused")),
    ],
)  # fmt: skip
async def test_a_refusal_behind_the_body(result: str, outcome: PartOutcome) -> None:
    assert await _send(Desk(on_body=lambda desk: desk.say(result))) == outcome


async def test_a_modem_that_is_silent_behind_the_body_may_have_sent_it() -> None:
    assert await _send(Desk(on_body=lambda _: None)) == PartUnknown("at-timeout")


async def test_a_modem_that_is_lost_behind_the_body_may_have_sent_it() -> None:
    assert await _send(Desk(on_body=lambda desk: desk.channel.port_lost())) == PartUnknown("modem-lost")


async def test_without_a_prompt_nothing_was_sent() -> None:
    desk = Desk(prompts=False)
    assert await _send(desk) == PartRefused("at-timeout", is_final=False)
    assert "body" not in desk.said


async def test_a_modem_that_is_lost_before_the_body_has_sent_nothing() -> None:
    desk = Desk(prompts=False)
    asyncio.get_running_loop().call_later(1.0, desk.channel.port_lost)
    assert await _send(desk) == PartRefused("modem-lost", is_final=False)


async def test_a_service_that_is_cancelled_behind_the_body_may_have_sent_it() -> None:
    """Another task of the session fails, and the channel is cancelled in the midst."""
    desk = Desk(on_body=lambda _: None)
    async with served(desk):
        sending = asyncio.create_task(desk.messages.send_part(dialable("+79161234567"), "x", reference=1, part=1))
        await asyncio.sleep(1.0)
    assert await sending == PartUnknown("modem-lost")


def test_every_cause_has_an_answer() -> None:
    for number in range(600):
        assert refusal_of(f"+CMS ERROR: {number}").cause.startswith("sms-")
        assert refusal_of(f"+CME ERROR: {number}").cause.startswith("sms-")
        assert is_ambiguous(f"+CMS ERROR:{number}") == (number == 332)


@pytest.mark.parametrize(
    ("result", "cause", "is_final"),
    [
        ("+CMS ERROR: 8", "sms-barred", True), ("+CMS ERROR: 28", "sms-number-wrong", True),
        ("+CMS ERROR: 38", "sms-network-busy", False), ("+CMS ERROR: 304", "sms-rejected", True),
        ("+CMS ERROR: 330", "sms-centre-unknown", True), ("+CMS ERROR: 331", "sms-no-network", False),
        ("+CMS ERROR: 500", "sms-sim-trouble", False), ("+CME ERROR: 30", "sms-no-network", False),
        ("+CMS ERROR: network timeout", "sms-sim-trouble", False), ("ABORTED", "sms-sim-trouble", False),
    ],
)  # fmt: skip
def test_causes(result: str, cause: str, is_final: bool) -> None:
    assert refusal_of(result) == PartRefused(cause, is_final=is_final)


async def _swept(*pdus: bytes, inbox: MemoryInbox | None = None) -> Desk:
    listed = [line for index, pdu in enumerate(pdus, 1) for line in (f"+CMGL: {index},0,,20", pdu.hex().upper())]
    desk = Desk(answers={"AT+CMGL=4": [*listed, "OK"]}, inbox=inbox or MemoryInbox())
    async with served(desk):
        task = asyncio.create_task(desk.messages.run())
        await asyncio.sleep(5.0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return desk


async def test_what_lies_on_the_sim_is_kept_and_then_deleted() -> None:
    flash = sms_network.deliver("MegaFon", "now", SENT, coding=0x10)
    local = sms_network.deliver("89161234567", "local", SENT)
    broken = bytes.fromhex("0791198914330000FFFF00")
    desk = await _swept(flash, local, broken)
    assert [(part.sender, part.text, part.flash) for part in desk.inbox.parts[:3]] == [
        ("MegaFon", "now", True), ("+79161234567", "local", False), (None, None, False),
    ]  # fmt: skip
    assert desk.inbox.parts[2].pdu == broken
    assert {"AT+CMGD=1", "AT+CMGD=2", "AT+CMGD=3"} <= set(desk.said)


async def test_a_delivery_report_reaches_the_ledger_before_it_is_deleted() -> None:
    desk = await _swept(sms_network.status_report(7, "+79161234567", SENT, SENT, 0x41))
    (report, *_) = desk.inbox.reports
    assert (report.imsi, report.reference, report.recipient, report.status) == ("25002", 7, "+79161234567", 0x41)
    assert not report.is_delivered
    assert not report.is_pending
    assert "AT+CMGD=1" in desk.said


async def test_what_the_disk_does_not_take_stays_on_the_sim() -> None:
    inbox = MemoryInbox()
    inbox.broken = True
    desk = await _swept(
        sms_network.deliver("MegaFon", "x", SENT),
        sms_network.status_report(7, "+79161234567", SENT, SENT, 0),
        inbox=inbox,
    )
    assert not [line for line in desk.said if line.startswith("AT+CMGD")]


BALANCE_IN_UCS2 = "Баланс".encode("utf-16-be").hex().upper()


@pytest.mark.parametrize(
    ("text", "coding", "family", "said"),
    [
        (BALANCE_IN_UCS2, 72, UssdCoding.PLAIN, "Баланс"), (BALANCE_IN_UCS2, 8, UssdCoding.PACKED, "Баланс"),
        (BALANCE_IN_UCS2, 0x58, UssdCoding.PLAIN, "Баланс"), (BALANCE_IN_UCS2, 15, UssdCoding.UCS2, "Баланс"),
        ("7275" + BALANCE_IN_UCS2, 0x11, UssdCoding.PACKED, "Баланс"),
        (gsm7.pack_ussd("Balance 5").hex(), 15, UssdCoding.PACKED, "Balance 5"),
        ("Balance 5", 15, UssdCoding.PACKED, "Balance 5"), ("*100#", None, UssdCoding.PLAIN, "*100#"),
    ],
)  # fmt: skip
def test_what_a_network_says(text: str, coding: int | None, family: UssdCoding, said: str) -> None:
    assert decode(text, coding, family) == said
