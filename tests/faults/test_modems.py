"""X-M1, X-M2, X-M3, X-M8: modems that are pulled out at any moment, come back elsewhere, hang, and vanish together.

The modems are emulated, on PTYs or in memory; what a real stick does beyond that is not shown here.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.emulator.client import EmulatorClient, RemoteModem
from gateway.errors import NoFreeLine
from gateway.modem.fleet import ModemFleet
from gateway.modem.gsm_leg import GsmLeg
from gateway.modem.modem import ModemState
from gateway.settings import ModemSettings
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from gateway.telephony.shop import LineSettings
from tests.fakes.numbers import dialable
from tests.fakes.transcript import TRANSCRIPTS, SilentPort, TranscriptModem, stories_of
from tests.faults import SOAKS, rounds
from tests.modem.fleet_room import Room, ready, room_for, served, until
from tests.modem.test_discovery_fleet import bench

COURIER = "+79161234567"
OTHER = "+79167654321"
PHASES = ("idle", "dialling", "ringing", "talking", "message")
UNPLUGS = rounds(8, 500)
VANISHINGS = rounds(2, 100)
HANGS = rounds(4, 50)
MOVES = rounds(1, 100)


def dial(fleet: ModemFleet, line: str, number: str = COURIER) -> GsmLeg:
    return fleet.lines[line].dial(dialable(number), call_id="call", extension=None)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Tasks and descriptors are as many afterwards as before."""
    tasks, files = len(asyncio.all_tasks()), descriptors()
    yield
    await until(lambda: len(asyncio.all_tasks()) <= tasks and descriptors() <= files)


@pytest.mark.real_time
@pytest.mark.timeout(60 + 10 * UNPLUGS)
async def test_pulled_out_at_any_moment(tmp_path: Path, seed: int) -> None:
    """X-M1: the leg ends within 2 s, nothing leaks, a call on another modem goes on through all of it."""
    dice = random.Random(seed)
    async with served(tmp_path, "huawei", "quectel", "simcom", "huawei") as (room, fleet, emulator, modems):
        await emulator.subscriber(COURIER, ring_seconds=0.15)
        await emulator.subscriber(OTHER, ring_seconds=0.1)
        for number in range(4):
            await ready(fleet, f"l{number}")
        bystander = dial(fleet, "l3", OTHER)
        assert await bystander.up(within=10)
        slowest_end = slowest_return = 0.0
        async with nothing_left():
            for turn in range(UNPLUGS):
                number = turn % 3
                phase = PHASES[turn % len(PHASES)]
                leg = await in_phase(phase, fleet, f"l{number}", emulator, modems[number])
                await asyncio.sleep(dice.random() * 0.1)
                gone = time.monotonic()
                await modems[number].unplug()
                if leg is not None:
                    assert await leg.ended(within=5) is Cause.MODEM_LOST, phase
                    slowest_end = max(slowest_end, time.monotonic() - gone)
                modem = fleet.modems[f"m{number}"]
                await until(lambda modem=modem: modem.state is ModemState.LOST)  # type: ignore[misc]  # bound early
                await modems[number].replug()
                back = time.monotonic()
                await ready(fleet, f"l{number}", within=15)
                slowest_return = max(slowest_return, time.monotonic() - back)
                assert bystander.state is LegState.UP, phase
        bystander.hangup()
        await ready(fleet, "l3")
        assert len(room.budget.closed) == len(room.budget.opened)
        print(f"{UNPLUGS} unplugs: a leg ended after {slowest_end:.2f} s at most, back after {slowest_return:.1f} s")
        assert slowest_end <= 2


async def in_phase(
    phase: str, fleet: ModemFleet, line: str, emulator: EmulatorClient, modem: RemoteModem
) -> GsmLeg | None:
    """Bring a line into the phase in which it loses its modem."""
    if phase == "message":
        await emulator.send_sms("+79031112233", modem.number, "On its way. " * 20)
    if phase in ("idle", "message"):
        return None
    leg = dial(fleet, line)
    if phase == "ringing":
        await until(lambda: leg.state in (LegState.RINGING, LegState.UP))
    elif phase == "talking":
        assert await leg.up(within=10)
    return leg


@pytest.mark.real_time
@pytest.mark.timeout(90 + 40 * VANISHINGS)
async def test_eight_modems_vanish_together(tmp_path: Path) -> None:
    """X-M8: a hub restarts; all calls end, and all eight are back within 30 s of their return."""
    families = ["huawei", "quectel", "simcom", "generic"] * 2
    async with served(tmp_path, *families) as (_room, fleet, emulator, modems):
        await emulator.subscriber(COURIER, ring_seconds=0.1)
        await emulator.subscriber(OTHER, ring_seconds=0.1)
        for number in range(8):
            await ready(fleet, f"l{number}", within=30)
        slowest = 0.0
        async with nothing_left():
            for _ in range(VANISHINGS):
                legs = [dial(fleet, "l0"), dial(fleet, "l5", OTHER)]
                for leg in legs:
                    assert await leg.up(within=10)
                await asyncio.gather(*(modem.unplug() for modem in modems))
                for leg in legs:
                    assert await leg.ended(within=5) is Cause.MODEM_LOST
                await until(lambda: all(modem.state is ModemState.LOST for modem in fleet.modems.values()))
                with pytest.raises(NoFreeLine):
                    dial(fleet, "l0")
                await asyncio.gather(*(modem.replug() for modem in modems))
                back = time.monotonic()
                for number in range(8):
                    await ready(fleet, f"l{number}", within=30)
                slowest = max(slowest, time.monotonic() - back)
        print(f"{VANISHINGS} times eight modems: all back after {slowest:.1f} s at most")
        assert slowest <= 30


@pytest.mark.real_time
@pytest.mark.timeout(60 + 20 * MOVES)
async def test_it_comes_back_under_other_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """X-M2: known by its place and IMEI in whatever socket and by whatever ttyUSB; cheap while it is absent."""
    monkeypatch.setattr("gateway.modem.place.PORTS_SETTLE_SECONDS", 0.3)
    slowest, absent_seconds, absent_work = 0.0, 0.0, 0.0
    async with bench(tmp_path) as b:
        (stick,) = await b.emulator.modems()
        socket = "1-1.1"
        b.plug(socket, stick)
        await ready(b.fleet, "l0")
        async with nothing_left():
            for turn in range(MOVES):
                b.tree.unplug(socket)
                await stick.unplug()
                gone = b.fleet.modems[f"usb-{socket}"]
                await until(lambda gone=gone: gone.state is ModemState.LOST)  # type: ignore[misc]  # bound early
                began, worked = time.monotonic(), time.process_time()
                await asyncio.sleep(1.5)
                absent_seconds += time.monotonic() - began
                absent_work += time.process_time() - worked
                await stick.replug()
                socket = ("1-1.2", "1-1.2", "1-1.1", "1-1.1")[turn % 4]
                b.plug(socket, stick, first_tty=3 * (turn % 5))
                back = time.monotonic()
                await ready(b.fleet, "l0", within=15)
                slowest = max(slowest, time.monotonic() - back)
                await until(lambda: len(b.fleet.modems) == 1)
    share = absent_work / absent_seconds
    print(f"{MOVES} moves: in service after {slowest:.1f} s at most; {share:.1%} of a core while it was absent")
    assert slowest <= 15
    assert share < (0.02 if SOAKS else 0.5), "a short look says little of the cost"


class HangingModem(TranscriptModem):
    """Takes everything and says nothing from the command on that it is told to hang at."""

    left: int | None = None
    hung_at: float | None = None

    def _host_said(self, line: str) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0 and self.hung_at is None:
                self.is_hung, self.hung_at = True, asyncio.get_running_loop().time()
        super()._host_said(line)

    def hang_at(self, command: int) -> None:
        self.left, self.hung_at = command, None

    def wake(self) -> None:
        self.is_hung, self.left = False, None


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> HangingModem:
    stories = stories_of(TRANSCRIPTS / "huawei-e1550.at")
    made = HangingModem(stories["init"] + stories["at any time"], 10_000)
    monkeypatch.setattr("gateway.modem.session.SerialPort", made.open)
    monkeypatch.setattr("gateway.modem.voice.tty_pcm.SerialPort", SilentPort)
    return made


@pytest.mark.timeout(60 + 5 * HANGS)
@pytest.mark.parametrize("wakes", ["reopened", "AT+CFUN=1,1", "AT^RESET"])
async def test_a_modem_hangs_at_any_command(hanging: HangingModem, seed: int, wakes: str) -> None:
    """X-M3: noticed in 30 s wherever it hangs, and mended by the first step that works. In virtual time."""
    dice = random.Random(seed)
    room = room_for(LineSettings(name="l0", modem="m0"))
    async with room.fleet((ModemSettings(name="m0", at="/dev/null", voice="/dev/null"),)) as fleet:
        await slowly(lambda: fleet.lines["l0"].state is LineState.READY)
        start = len(hanging.said)
        assert start > 20
        for turn in range(HANGS):
            await one_hang(hanging, room, fleet, turn if start < HANGS else dice.randrange(start), wakes)
        assert room.alerts.count("at-timeout") == room.cleared.count("at-timeout") == HANGS


async def one_hang(modem: HangingModem, room: Room, fleet: ModemFleet, at_command: int, wakes: str) -> None:
    """The modem has restarted by itself, is set up anew, and hangs at that command of it."""
    modem.answer("AT+CMEE?", "+CMEE: 0", "OK")
    before = len(modem.opened_at)
    modem.say("RDY")
    await slowly(lambda: len(modem.opened_at) > before)
    modem.answer("AT+CMEE?", "+CMEE: 1", "OK")
    modem.hang_at(at_command)
    await slowly(lambda: modem.hung_at is not None)
    opened, said, alerts = len(modem.opened_at), len(modem.said), len(room.alerts)
    await slowly(lambda: len(room.alerts) > alerts)
    assert modem.hung_at is not None
    assert asyncio.get_running_loop().time() - modem.hung_at <= 30, at_command
    if wakes == "reopened":
        await slowly(lambda: len(modem.opened_at) > opened)
    else:
        await slowly(lambda: wakes in modem.said[said:])
    modem.wake()
    await slowly(lambda: fleet.lines["l0"].state is LineState.READY)


async def slowly(condition: Callable[[], bool], *, within: float = 300.0) -> None:
    """`until` for virtual time, where a look costs more than the time it waits for."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event to wait on
            await asyncio.sleep(0.25)
