"""The operator keeps call waiting on: who rings as the call before ends is a call of its own."""

from __future__ import annotations

import asyncio

import pytest

from gateway.modem.gsm_leg import GsmLeg
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.shop import LineSettings, Shop
from tests.fakes.transcript import TranscriptModem
from tests.modem.test_service import DIAL, Scene, hardware, served

__all__ = ["hardware"]

FIRST, SECOND = "+79035550001", "+79035550002"


async def rung(s: Scene, number: str) -> Leg:
    s.hardware.say("RING", f'+CLIP: "{number}",145,,,,0')
    return await asyncio.wait_for(s.room.legs.get(), 5)


@pytest.mark.parametrize("waits_as", [4, 5])
@pytest.mark.parametrize("we_end_it", [True, False])
async def test_whoever_waits_is_not_hung_up_with_the_call_before(
    hardware: TranscriptModem, waits_as: int, we_end_it: bool
) -> None:
    async with served(hardware) as s:
        hardware.answer("AT+CLCC", f'+CLCC: 1,1,4,0,0,"{FIRST}",145', "OK")
        hardware.answer("ATA", "OK")
        hardware.answer("AT+CHUP", "OK")
        first = await rung(s, FIRST)
        first.answer()
        await s.until(lambda: first.state is LegState.UP)
        waiting = f'+CLCC: 2,1,{waits_as},0,0,"{SECOND}",145'
        hardware.answer("AT+CLCC", f'+CLCC: 1,1,0,0,0,"{FIRST}",145', waiting, "OK")
        await asyncio.sleep(1)
        hardware.said.clear()
        hardware.reactions["AT+CHUP"] = lambda: hardware.answer("AT+CLCC", waiting, "OK")
        if we_end_it:
            first.hangup()
        else:
            hardware.answer("AT+CLCC", waiting, "OK")
            hardware.say("^CEND:1,5,104,16", "NO CARRIER")
        await s.until(lambda: not s.modem.service or not s.modem.service.calls.is_busy)
        assert hardware.said.count("AT+CHUP") == int(we_end_it), "who waits has not been hung up on"
        hardware.answer("AT+CLCC", f'+CLCC: 2,1,4,0,0,"{SECOND}",145', "OK")
        second = await rung(s, SECOND)
        assert second.peer == SECOND
        hardware.reactions["AT+CHUP"] = s.will_let_go
        second.hangup(Cause.REJECTED)
        await asyncio.sleep(3)


async def test_a_call_that_is_given_up_just_before_the_dial_rings_nowhere(hardware: TranscriptModem) -> None:
    async with served(hardware) as s:
        s.room.shop = Shop(lines=(LineSettings(name="l0", modem="m0", hide_number=True),))
        s.fleet.shop_changed()
        legs: list[GsmLeg] = []
        hardware.answer("AT+CLIR=1", "OK")
        hardware.reactions["AT+CLIR=1"] = lambda: legs[0].hangup()  # noqa: PLW0108  # the leg is made below
        legs.append(s.dial())
        await s.until(lambda: not s.modem.service or not s.modem.service.calls.is_busy)
        assert "AT+CLIR=1" in hardware.said
        assert DIAL not in hardware.said
