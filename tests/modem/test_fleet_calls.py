"""Calls of real modems' dialects, on emulated modems behind real PTYs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from gateway.emulator.client import EmulatorClient, RemoteModem, RemoteSubscriber
from gateway.errors import NoFreeLine
from gateway.modem.fleet import ModemFleet
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Direction, LegState
from gateway.telephony.line import LineState
from tests.fakes.numbers import dialable
from tests.modem.fleet_room import Room, ready, served, until

pytestmark = pytest.mark.timeout(60)
FAMILIES = ["huawei", "quectel", "simcom", "generic"]
COURIER = "+79161234567"


async def idle(fleet: ModemFleet, line: str = "l0") -> None:
    await until(lambda: fleet.lines[line].state is LineState.READY)


@pytest.mark.real_time
@pytest.mark.parametrize("family", FAMILIES)
async def test_outgoing_calls_and_how_they_end(tmp_path: Path, family: str) -> None:
    async with served(tmp_path, family) as (room, fleet, emulator, _modems):
        line = fleet.lines["l0"]
        await ready(fleet, "l0")
        endings = {
            "busy": Cause.BUSY,
            "reject": Cause.REJECTED,
            "off": Cause.UNREACHABLE,
            "no-answer": Cause.NO_ANSWER,
        }
        for when_called, cause in endings.items():
            await emulator.subscriber(COURIER, when_called=when_called, ring_seconds=0.2)
            leg = line.dial(dialable(COURIER), call_id="call", extension="101")
            assert leg.state is LegState.NEW
            assert line.state is LineState.BUSY
            with pytest.raises(NoFreeLine):
                line.dial(dialable(COURIER), call_id="other", extension="101")
            if when_called == "no-answer":
                await until(lambda leg=leg: leg.state is LegState.RINGING)  # type: ignore[misc]  # bound early
                leg.hangup(Cause.NO_ANSWER)
            assert await leg.ended(within=8) is cause, when_called
            await idle(fleet)
        assert set(room.budget.closed.values()) == {0}
        said = {(each.way, each.text) for each in room.traces.of_call("", [("", "l0")], 0.0)}
        assert {("out", "ATD+…567;"), ("in", "OK")} <= said, "the dialogue is in the trace, the number is not"
        assert not any("CPIN=" in text and "***" not in text for _, text in said)

        courier = await emulator.subscriber(COURIER, ring_seconds=0.2)
        leg = line.dial(dialable(COURIER), call_id="call", extension="101")
        assert await leg.up(within=5)
        call = await courier.next_call(within=5)
        while (await call.facts()).state != "active":
            call = await courier.next_call(within=5)
        await call.hang_up()
        assert await leg.ended(within=5) is Cause.HUNG_UP
        assert leg.ended_by_peer
        await idle(fleet)

        leg = line.dial(dialable(COURIER), call_id="call", extension="101")
        assert await leg.up(within=5)
        leg.hangup()
        ended = await (await courier.next_call(within=5)).ended(within=5)
        assert ended.ended_by == "modem"
        assert leg.cause is Cause.HUNG_UP
        assert not leg.ended_by_peer
        await idle(fleet)
        assert len(room.budget.closed) == 6
        assert sorted(room.budget.closed.values())[-2:] == [1, 1]


@pytest.mark.real_time
@pytest.mark.parametrize("family", FAMILIES)
async def test_incoming_calls(tmp_path: Path, family: str) -> None:
    async with served(tmp_path, family) as (room, fleet, emulator, modems):
        await ready(fleet, "l0")
        stranger = await emulator.subscriber("+79031112233")

        call = await stranger.call_in(modems[0].number)
        leg = await asyncio.wait_for(room.legs.get(), 5)
        facts = await call.facts()
        assert facts.ringing is not None
        assert time.monotonic() - facts.ringing < 0.25
        assert (leg.direction, leg.peer, leg.called, leg.line) == (Direction.INCOMING, "+79031112233", "l0", "l0")
        leg.ring()
        leg.answer()
        assert await leg.up(within=5)
        await call.answered(within=5)
        await call.hang_up()
        assert await leg.ended(within=5) is Cause.HUNG_UP
        await idle(fleet)

        call = await stranger.call_in(modems[0].number)
        leg = await asyncio.wait_for(room.legs.get(), 5)
        await call.hang_up()
        assert await leg.ended(within=5) is Cause.CANCELLED
        assert leg.ended_by_peer
        await idle(fleet)

        call = await stranger.call_in(modems[0].number)
        leg = await asyncio.wait_for(room.legs.get(), 5)
        leg.hangup(Cause.REJECTED)
        assert (await call.ended(within=5)).answered is None
        await idle(fleet)

        call = await stranger.call_in(modems[0].number, shows_number=False)
        leg = await asyncio.wait_for(room.legs.get(), 5)
        facts = await call.facts()
        assert facts.ringing is not None
        assert time.monotonic() - facts.ringing < 1.3
        assert leg.peer == ""
        leg.hangup()
        await call.ended(within=5)
        await idle(fleet)
        assert room.legs.empty()


@pytest.mark.real_time
@pytest.mark.parametrize("family", ["huawei", "quectel", "simcom"])
async def test_keys_both_ways(tmp_path: Path, family: str) -> None:
    async with served(tmp_path, family) as (_room, fleet, emulator, _modems):
        await ready(fleet, "l0")
        courier = await emulator.subscriber(COURIER, ring_seconds=0.1)
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert await leg.up(within=5)
        call = await courier.next_call(within=5)
        await asyncio.sleep(0.1)
        await call.press("48#*", tone_seconds=0.08, gap_seconds=0.06)
        heard = [await leg.next_key(within=4) for _ in range(4)]
        assert "".join(key or "?" for key in heard) == "48#*"
        assert await leg.next_key(within=0.3) is None  # each key once: never by news and by ear
        for key in "15#":
            leg.send_key(key)
        await until(lambda: not leg.keys_to_send)
        await asyncio.sleep(0.2)
        assert "".join(key for _, key in (await call.facts()).keys) == "15#"
        leg.hangup()
        await idle(fleet)


async def _call_through(room: Room, fleet: ModemFleet, courier: RemoteSubscriber, modem: RemoteModem) -> None:
    """A call out and a call in, both answered and ended."""
    leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
    assert await leg.up(within=10)
    call = await courier.next_call(within=5)
    await call.hang_up()
    assert await leg.ended(within=10) is Cause.HUNG_UP
    await until(lambda: fleet.lines["l0"].state is LineState.READY, within=15)
    call = await courier.call_in(modem.number)
    incoming = await asyncio.wait_for(room.legs.get(), 10)
    assert incoming.peer == COURIER
    incoming.answer()
    assert await incoming.up(within=10)
    await call.answered(within=5)
    incoming.hangup()
    await call.ended(within=10)
    await until(lambda: fleet.lines["l0"].state is LineState.READY, within=15)


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("family", "noises"),
    [
        ("huawei", ["urc_inside_answer", "half_lines"]),
        ("quectel", ["ok_glued_to_urc", "garbage"]),
        ("simcom", ["urc_inside_answer", "short_voice_reads"]),
    ],
)
async def test_calls_through_every_kind_of_noise(tmp_path: Path, family: str, noises: list[str]) -> None:
    async with served(tmp_path, family) as (room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        courier = await emulator.subscriber(COURIER, ring_seconds=0.1)
        for name in noises:
            await modem.misbehave(name)
            await _call_through(room, fleet, courier, modem)
            await modem.behave(name)
        assert room.states("m0").count("faulty") == 0


@pytest.mark.real_time
@pytest.mark.parametrize("family", ["huawei", "simcom"])
async def test_an_echo_that_stays_on(tmp_path: Path, family: str) -> None:
    async def prepare(_emulator: EmulatorClient, modems: list[RemoteModem]) -> None:
        await modems[0].misbehave("echo_stays_on")

    async with served(tmp_path, family, prepare=prepare) as (room, fleet, emulator, (modem,)):
        await ready(fleet, "l0")
        courier = await emulator.subscriber(COURIER, ring_seconds=0.1)
        await _call_through(room, fleet, courier, modem)
        await emulator.send_sms("Shop", modem.number, "echo " * 50)
        await until(lambda: room.inbox.texts == ["echo " * 50])


@pytest.mark.real_time
async def test_no_minute_no_call(tmp_path: Path) -> None:
    async with served(tmp_path, "huawei") as (room, fleet, _emulator, (modem,)):
        await ready(fleet, "l0")
        room.budget.minutes = 0
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension="101")
        assert await leg.ended(within=2) is Cause.BUDGET_SPENT
        room.budget.minutes, room.budget.broken = 10, True
        await idle(fleet)
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension="101")
        assert await leg.ended(within=2) is Cause.FAULT
        await idle(fleet)
        assert [line for _, line in await modem.commands() if line.startswith("ATD")] == []


@pytest.mark.real_time
async def test_leaving_ends_the_calls(tmp_path: Path) -> None:
    async with served(tmp_path, "quectel") as (room, fleet, emulator, _modems):
        await ready(fleet, "l0")
        courier = await emulator.subscriber(COURIER, ring_seconds=0.1)
        leg = fleet.lines["l0"].dial(dialable(COURIER), call_id="call", extension=None)
        assert await leg.up(within=5)
        call = await courier.next_call(within=5)
        await fleet.hang_up_all(within=2.0)
        assert leg.cause is Cause.SHUTDOWN
        assert (await call.ended(within=1)).ended_by == "modem"
        assert list(room.budget.closed.values()) == [1]
