"""The reception over whole processes, an emulated modem and SIP peers, judged by what is heard (A7, A11 to A13, E5)."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from gateway.audio.hold_music import hold_music
from gateway.audio.prompts import prompt_path
from gateway.demo.judge import RATE, Samples, find, judge
from gateway.demo.site import SIM_NUMBERS, STRANGER
from gateway.emulator.client import RemoteCall
from gateway.emulator.demo_people import COURIER_VOICE
from gateway.emulator.sip_call import PhoneCall
from gateway.emulator.sip_phone import SipPhone
from gateway.emulator.sound import load_wav
from gateway.sip.message import Request
from tests.end_to_end.house import House, house
from tests.end_to_end.test_couriers import dialled
from tests.end_to_end.test_trunk import is_ready
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER, Provider, accepting

pytestmark = [pytest.mark.interop, pytest.mark.real_time]

TOLL_FREE, FAR_AWAY = "+78001234567", "+79035550001"
TWO_RINGS, THREE_RINGS = 2 * 13 / 3, 13.0
GIVE_OR_TAKE = 0.5


def prompt(key: str) -> Samples:
    """A packaged prompt."""
    return np.array(load_wav(prompt_path("en", key)), dtype=np.int16)


def music(seconds: float) -> Samples:
    """The beginning of the music for whoever waits."""
    source = hold_music()
    frames = [source.next_frame() for _ in range(round(seconds * 50))]
    return np.concatenate([frame for frame in frames if frame is not None])


async def heard(listener: RemoteCall) -> Samples:
    """All that came through the modem so far."""
    return np.frombuffer((await listener.heard()).data, dtype="<i2").astype(np.int16)


async def hears_prompt(listener: RemoteCall, key: str, *, within: float) -> None:
    """The first second of a packaged prompt has come through the modem, wherever it stands."""
    said = prompt(key)[:RATE]
    async with asyncio.timeout(within):
        while True:
            so_far = await heard(listener)
            if len(so_far) > len(said) and judge(said, so_far).correlation > 0.9:
                return
            await asyncio.sleep(0.5)


async def rings(phone: SipPhone, *, within: float) -> PhoneCall:
    """The phone rings, and nobody has picked up yet."""
    async with asyncio.timeout(within):
        call = await phone.incoming()
        call.ring()
        return call


async def nobody_waits(stack: House) -> None:
    """No call-back is promised any more, as the panel has it."""

    def none(answer: dict[str, list[object]]) -> bool:
        return answer["waiting"] == []

    await stack.api.until("/call-backs", none, within=10)


class TollFreeCaller:
    """Somebody calls the toll-free number at the provider."""

    def __init__(self, provider: Provider, port: int) -> None:
        self._provider = provider
        contact = f"Contact: <sip:{provider.address}>"
        self._invite = [
            f"INVITE sip:{SHOP_USER}@127.0.0.1:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {provider.address};rport;branch=z9hG4bKfree",
            "Max-Forwards: 70",
            f"From: <sip:{FAR_AWAY}@{provider.host}>;tag=far",
            f"To: <sip:{TOLL_FREE}@{provider.host}>",
            "Call-ID: toll-free",
            "CSeq: 1 INVITE",
            contact,
            "Content-Type: application/sdp",
        ]

    async def calls(self) -> None:
        """Until it rings there."""
        self._provider.send(self._invite, self._provider.media.offer())
        await self._provider.next_response(100)
        await self._provider.next_response(180)

    def has_heard_nothing_but_ringing(self) -> bool:
        """Neither an answer nor early media has come since: nobody pays."""
        return self._provider.calls == []

    async def is_answered(self) -> None:
        """Until a person is there."""
        answer = await self._provider.next_response(200)
        ack = [line.replace("INVITE", "ACK").replace("bKfree", "bKack") for line in self._invite[:-1]]
        ack[4] = f"To: {answer.headers.get('To')}"
        self._provider.send(ack)

    async def is_let_go(self) -> None:
        """The other side has hung up."""
        message = await self._provider.next()
        assert isinstance(message, Request)
        assert message.method == "BYE"
        self._provider.respond(message, 200)


async def test_everybody_is_busy_and_the_customer_is_called_back(tmp_path: Path) -> None:
    """One phone, which a caller of the toll-free number keeps busy while a customer calls a SIM."""
    with Provider(accepting()) as provider:

        def with_toll_free(shop: str) -> str:
            return shop + (
                f'\n[[trunks]]\nname = "free"\nhost = "{provider.address}"\nuser = "{SHOP_USER}"\n'
                f'password = "{SHOP_PASSWORD}"\nnumber = "{TOLL_FREE}"\n'
            )

        async with house(tmp_path, shop=with_toll_free) as stack, stack.phone() as phone:
            await stack.api.until("/snapshot", is_ready, within=10)
            await phone.register()
            customer = await stack.emulator.subscriber(STRANGER, when_called="answer", ring_seconds=0.2)
            far = TollFreeCaller(provider, stack.site.ports.sip)
            await far.calls()
            first = await rings(phone, within=10)
            calling = await customer.call_in(SIM_NUMBERS["red"])

            # A7: two rings cost the customer nothing. The toll-free number goes on ringing, also after these (E5).
            facts = await calling.answered(within=20)
            assert facts.ringing is not None
            assert facts.answered is not None
            waited = facts.answered - facts.ringing
            assert far.has_heard_nothing_but_ringing()
            first.answer()
            await far.is_answered()

            # A11, A12: greeting, music, the offer, the key.
            await hears_prompt(calling, "press-1-call-back", within=40)
            await calling.press("1")
            await hears_prompt(calling, "we-will-call-you", within=15)
            await calling.ended(within=15)
            whole = await heard(calling)
            greeting, second = find(prompt("greeting"), whole), find(prompt("all-busy"), whole)
            assert greeting is not None
            assert second is not None
            played = (second - greeting - len(prompt("greeting"))) / RATE
            print(f"answered after {waited:.2f} s of ringing; music of {played:.2f} s")
            assert waited == pytest.approx(TWO_RINGS, abs=GIVE_OR_TAKE)
            assert played == pytest.approx(THREE_RINGS, abs=GIVE_OR_TAKE)
            assert judge(music(2.0), whole[greeting:second]).correlation > 0.9
            assert await dialled(stack) == []

            # A13: whoever is free is rung within five seconds, and the customer hears a person.
            loop = asyncio.get_running_loop()
            free_since = loop.time()
            first.hang_up()
            await far.is_let_go()
            front = await rings(phone, within=20)
            print(f"called back {loop.time() - free_since:.2f} s after the phone was free")
            assert loop.time() - free_since < 5.0
            front.answer()
            back = await customer.next_call(within=20)
            await back.answered(within=15)
            await nobody_waits(stack)
            front.play(load_wav(COURIER_VOICE))
            await asyncio.sleep(1.5)
            said = np.array(load_wav(COURIER_VOICE), dtype=np.int16)[: RATE // 2]
            assert judge(said, await heard(back)).correlation > 0.9
            await back.hang_up()
            assert await dialled(stack) == [f"ATD{STRANGER};"]
            await _is_listed_as_returned(stack)


async def _is_listed_as_returned(stack: House) -> None:
    """The customer stands among those who were missed, and who has called back, and after how long."""
    await stack.ended_calls(3)
    missed = (await stack.api.get("/missed?since=2020-01-01T00:00:00Z"))["items"]
    (row,) = [each for each in missed if each["number"] == STRANGER]
    took = datetime.fromisoformat(row["ended"]["at"]) - datetime.fromisoformat(row["first_at"])
    assert (row["ended"]["how"], row["ended"]["by"]) == ("talked", "101")
    print(f"returned in {took.total_seconds():.1f} s")
    assert 25 < took.total_seconds() < 120
    assert (await stack.api.get("/missed"))["items"] == []
