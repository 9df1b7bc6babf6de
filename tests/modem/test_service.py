"""What a session does over time: limits of calls, modems that hang, forget or keep a call. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from gateway.errors import NoFreeLine
from gateway.modem import gsm_call
from gateway.modem.fleet import ModemFleet
from gateway.modem.gsm_leg import GsmLeg
from gateway.modem.modem import Modem
from gateway.modem.pin_files import PinFiles
from gateway.modem.voice.tty_pcm import TtyPcmPort
from gateway.settings import ModemSettings
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from gateway.telephony.shop import LineSettings
from tests.fakes.numbers import dialable
from tests.fakes.sms_network import status_report
from tests.fakes.transcript import TRANSCRIPTS, SilentPort, TranscriptModem, stories_of
from tests.modem.fleet_room import Room, room_for

COURIER = "+79161234567"
DIAL = f"ATD{COURIER};"


@dataclass
class Scene:
    hardware: TranscriptModem
    room: Room
    fleet: ModemFleet

    @property
    def modem(self) -> Modem:
        return self.fleet.modems["m0"]

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def dial(self) -> GsmLeg:
        return self.fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension="101")

    async def dialled(self) -> GsmLeg:
        """A call that rings there; the modem lets go of it when it is told to."""
        self.hardware.reactions["AT+CHUP"] = self.will_let_go
        self.hardware.answer(DIAL, "OK", "^ORIG:1,0", "^CONF:1")
        self.hardware.answer("AT+CLCC", '+CLCC: 1,0,3,0,0,"+79161234567",145', "OK")
        leg = self.dial()
        await self.until(lambda: leg.state is LegState.RINGING)
        return leg

    async def talking(self) -> GsmLeg:
        """A call that is up."""
        leg = await self.dialled()
        self.hardware.answer("AT+CLCC", '+CLCC: 1,0,0,0,0,"+79161234567",145', "OK")
        self.hardware.say("^CONN:1,0")
        assert leg.state is LegState.UP
        return leg

    def will_let_go(self) -> None:
        self.hardware.answer("AT+CLCC", "OK")

    async def until(self, condition: object, within: float = 30.0) -> None:
        async with asyncio.timeout(within):
            while not condition():  # type: ignore[operator]  # noqa: ASYNC110  # there is no event for it
                await asyncio.sleep(0.05)


@pytest.fixture
def hardware(monkeypatch: pytest.MonkeyPatch) -> TranscriptModem:
    stories = stories_of(TRANSCRIPTS / "huawei-e1550.at")
    made = TranscriptModem(stories["init"] + stories["at any time"], 10_000)
    monkeypatch.setattr("gateway.modem.session.SerialPort", made.open)
    monkeypatch.setattr("gateway.modem.voice.tty_pcm.SerialPort", SilentPort)
    return made


@asynccontextmanager
async def served(hardware: TranscriptModem, *, pins: PinFiles | None = None) -> AsyncIterator[Scene]:
    room = room_for(LineSettings(name="l0", modem="m0"))
    async with room.fleet((ModemSettings(name="m0", at="/dev/null", voice="/dev/null"),), pins=pins) as fleet:
        assert fleet.lines["l0"].state is LineState.READY
        await asyncio.sleep(1.0)
        hardware.said.clear()
        yield Scene(hardware, room, fleet)


@asynccontextmanager
async def audio(leg: GsmLeg) -> AsyncIterator[None]:
    """Blocks come from the modem; seldom, to be quick."""
    assert isinstance(leg.port, TtyPcmPort)
    port = leg.port

    async def flow() -> None:
        while True:
            port.received(bytes(320))
            await asyncio.sleep(2.0)

    flowing = asyncio.create_task(flow())
    try:
        yield
    finally:
        flowing.cancel()
        with suppress(asyncio.CancelledError):
            await flowing


async def test_a_call_ends_with_its_last_minute(hardware: TranscriptModem) -> None:
    async with served(hardware) as s:
        s.room.budget.minutes = 3
        leg = await s.talking()
        began = s.now
        async with audio(leg):
            assert await leg.ended(within=300) is Cause.BUDGET_SPENT
        assert 180 <= s.now - began <= 181
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY)
        assert "AT+CHUP" in hardware.said
        assert 180 <= next(iter(s.room.budget.closed.values())) <= 181


async def test_minutes_are_committed_before_they_begin(hardware: TranscriptModem) -> None:
    async with served(hardware) as s:
        s.room.budget.minutes = 10
        leg = await s.talking()
        async with audio(leg):
            await asyncio.sleep(54)
            assert s.room.budget.minutes == 9
            await asyncio.sleep(5)
            assert s.room.budget.minutes == 8
        s.will_let_go()
        leg.hangup()


async def test_no_call_is_longer_than_the_cap(hardware: TranscriptModem, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gsm_call.LONGEST_CALL_SECONDS == 3600
    monkeypatch.setattr(gsm_call, "LONGEST_CALL_SECONDS", 300.0)
    async with served(hardware) as s:
        leg = await s.talking()
        began = s.now
        async with audio(leg):
            assert await leg.ended(within=400) is Cause.TOO_LONG
        assert 300 <= s.now - began <= 301


async def test_a_voice_port_that_gives_nothing_ends_the_call(hardware: TranscriptModem) -> None:
    """X-M9: opened anew after 5 s, with the voice asked for again; given up after 15 s."""
    async with served(hardware) as s:
        leg = await s.talking()
        began = s.now
        hardware.said.clear()
        await asyncio.sleep(6)
        assert hardware.said.count("AT^DDSETEX=2") == 1
        assert await leg.ended(within=30) is Cause.NO_AUDIO
        assert 15 <= s.now - began <= 16


@pytest.mark.parametrize(("stage", "seconds", "cause"), [("2", 45, Cause.UNREACHABLE), ("3", 150, Cause.NO_ANSWER)])
async def test_every_state_of_a_dial_has_a_deadline(
    hardware: TranscriptModem, stage: str, seconds: float, cause: Cause
) -> None:
    async with served(hardware) as s:
        hardware.answer(DIAL, "OK", "^ORIG:1,0")
        hardware.answer("AT+CLCC", f'+CLCC: 1,0,{stage},0,0,"+79161234567",145', "OK")
        hardware.reactions["AT+CHUP"] = s.will_let_go
        leg = s.dial()
        began = s.now
        assert await leg.ended(within=200) is cause
        assert seconds <= s.now - began <= seconds + 1.1


async def test_a_call_that_ends_without_a_word(hardware: TranscriptModem) -> None:
    async with served(hardware) as s:
        leg = await s.talking()
        async with audio(leg):
            await asyncio.sleep(10)
            s.will_let_go()
            before = s.now
            assert await leg.ended(within=10) is Cause.HUNG_UP
            assert s.now - before < 5
            assert leg.ended_by_peer


async def test_news_of_an_end_that_was_none_leaves_no_call_up(hardware: TranscriptModem) -> None:
    """A stray NO CARRIER: the leg is over for us, so the modem has to let go of it too."""
    async with served(hardware) as s:
        leg = await s.talking()
        hardware.said.clear()
        hardware.say("NO CARRIER")
        assert leg.cause is Cause.HUNG_UP
        await asyncio.sleep(0.2)
        assert [line for line in hardware.said if line != "AT+CMEE?"][:2] == ["AT+CLCC", "AT+CHUP"]
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY)


async def test_a_modem_that_does_not_let_go_is_started_anew(hardware: TranscriptModem) -> None:
    """The worst fault of all: a paid call that stays up. The line is no good until the call is gone."""
    async with served(hardware) as s:
        leg = await s.talking()
        hardware.reactions.clear()
        leg.hangup()
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.FAULTY, within=30)
        assert {"AT+CHUP", "ATH"} <= set(hardware.said)
        assert leg.cause is Cause.HUNG_UP
        hardware.answer("ATH", "OK")
        hardware.answer("AT+CFUN=1,1", "OK")
        await s.until(lambda: "AT+CFUN=1,1" in hardware.said, within=60)
        s.will_let_go()
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY, within=60)


async def test_a_ring_without_a_call_is_nobody(hardware: TranscriptModem) -> None:
    async with served(hardware) as s:
        hardware.say("RING")
        await asyncio.sleep(3)
        assert s.room.legs.empty()
        assert s.fleet.lines["l0"].state is LineState.READY


async def test_a_caller_is_announced_after_a_second_at_the_latest(hardware: TranscriptModem) -> None:
    async with served(hardware) as s:
        hardware.answer("AT+CLCC", '+CLCC: 1,1,4,0,0,"",128', "OK")
        began = s.now
        hardware.say("RING")
        leg = await s.room.legs.get()
        assert 0.9 < s.now - began < 1.3
        assert leg.peer == ""
        s.will_let_go()
        leg.hangup()


async def test_a_second_call_changes_nothing(hardware: TranscriptModem) -> None:
    async with served(hardware) as s:
        leg = await s.talking()
        hardware.say("RING", '+CLIP: "+79990000000",145', '+CLCC: 2,1,5,0,0,"+79990000000",145', "^CEND:2,0,28,16")
        await asyncio.sleep(0.1)
        assert leg.state is LegState.UP
        assert s.room.legs.empty()
        with pytest.raises(NoFreeLine):
            s.dial()
        s.will_let_go()
        leg.hangup()


async def test_a_call_that_comes_while_we_dial(hardware: TranscriptModem) -> None:
    """The modem refuses to dial; the caller is not thrown out, and is announced."""
    async with served(hardware) as s:
        hardware.answer(DIAL, "RING", "+CME ERROR: 3")
        hardware.answer("AT+CLCC", '+CLCC: 1,1,4,0,0,"+79990000000",145', "OK")
        leg = s.dial()
        assert await leg.ended(within=5) is Cause.CONGESTION
        await asyncio.sleep(0.1)
        assert "AT+CHUP" not in hardware.said
        hardware.say("RING")
        incoming = await asyncio.wait_for(s.room.legs.get(), 2)
        assert incoming.peer == "+79990000000"
        s.will_let_go()
        incoming.hangup()


async def test_a_modem_that_has_forgotten_everything_is_told_again(hardware: TranscriptModem) -> None:
    async with served(hardware) as s:
        hardware.say("RDY")
        await asyncio.sleep(1)
        assert len(hardware.opened_at) == 1
        hardware.answer("AT+CMEE?", "+CMEE: 0", "OK")
        hardware.say("RDY")
        await s.until(lambda: len(hardware.opened_at) == 2)
        hardware.answer("AT+CMEE?", "+CMEE: 1", "OK")
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY)
        assert hardware.said.count("AT+CLIP=1") == 1


@pytest.mark.parametrize("after", [0.0, 1.3, 2.6, 3.9])
async def test_a_hung_modem_is_noticed_within_ten_seconds(hardware: TranscriptModem, after: float) -> None:
    async with served(hardware) as s:
        await asyncio.sleep(after)
        hardware.is_hung = True
        began = s.now
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.FAULTY)
        assert s.now - began < 10
        with pytest.raises(NoFreeLine):
            s.dial()
        hardware.is_hung = False
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY)
        assert len(hardware.opened_at) == 1
        assert s.room.alerts == s.room.cleared == ["at-timeout"]


async def test_the_ladder_of_recovery(hardware: TranscriptModem) -> None:
    """X-M3: twice more, reopened, told to restart in two ways, then left alone for longer and longer, to 5 minutes."""
    async with served(hardware) as s:
        hardware.is_hung = True
        await asyncio.sleep(2000)
        pauses = [later - earlier for earlier, later in pairwise(hardware.opened_at)]
        told = [line for line in hardware.said if line in ("AT+CFUN=1,1", "AT^RESET")]
        assert told[:3] == ["AT+CFUN=1,1", "AT^RESET", "AT+CFUN=1,1"]
        assert pauses[0] < 30
        rest = pauses[4:]
        assert all(later > earlier - 1 for earlier, later in pairwise(rest))
        assert 300 <= rest[-1] < 340
        assert s.room.alerts == ["at-timeout", "modem-faulty"]
        hardware.is_hung = False
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY, within=400)
        assert s.room.cleared == ["at-timeout", "modem-faulty"]


@pytest.mark.parametrize("obeys", ["AT+CHUP", "ATH"])
async def test_a_call_of_an_earlier_life_is_hung_up_at_the_start(hardware: TranscriptModem, obeys: str) -> None:
    """T-F14: within 5 s of a restart, before anything else is done with the modem."""
    hardware.answer("ATH", "OK")
    hardware.answer("AT+CLCC", '+CLCC: 1,0,0,0,0,"+79161234567",145', "OK")
    hardware.reactions[obeys] = lambda: hardware.answer("AT+CLCC", "OK")
    room = room_for(LineSettings(name="l0", modem="m0"))
    began = asyncio.get_running_loop().time()
    async with room.fleet((ModemSettings(name="m0", at="/dev/null", voice="/dev/null"),)) as fleet:
        assert fleet.lines["l0"].state is LineState.READY
        assert asyncio.get_running_loop().time() - began < 4
        assert hardware.said[:2] == ["AT", "AT+CHUP"]
        assert hardware.said.index(obeys) < hardware.said.index("AT+CMGF=0")


async def test_the_port_goes_in_a_call(hardware: TranscriptModem) -> None:
    async with served(hardware) as s:
        leg = await s.talking()
        s.room.budget.minutes = 7
        service = s.modem.service
        assert service is not None
        service.calls.lost()
        assert leg.cause is Cause.MODEM_LOST
        s.will_let_go()
        await s.until(lambda: s.fleet.lines["l0"].state is LineState.READY)
        assert len(s.room.budget.closed) == 1


async def test_a_report_that_comes_while_the_modem_is_made_ready_is_not_lost(hardware: TranscriptModem) -> None:
    """The modem has stored it nowhere: whoever does not take it now never gets it."""
    report = status_report(7, "+79161234567", datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC), 0)
    hardware.reactions["AT+CSQ"] = lambda: hardware.say("+CDS: 25", report.hex().upper())
    room = room_for(LineSettings(name="l0", modem="m0"))
    async with room.fleet((ModemSettings(name="m0", at="/dev/null", voice="/dev/null"),)):
        hardware.reactions.clear()
        await asyncio.sleep(2)
    assert {each.reference for each in room.inbox.reports} == {7}
