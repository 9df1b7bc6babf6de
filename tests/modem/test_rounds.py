"""A driver that stands still gets no food from the watchdog; one whose modem does nothing goes on (X-D4)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from gateway.errors import PortBusy
from gateway.health import Notifier
from gateway.modem.channel import AtChannel
from gateway.modem.commands import fixed
from gateway.modem.fleet import ModemFleet
from gateway.modem.modem import ModemState
from gateway.modem.rounds import SLACK_SECONDS, Rounds
from gateway.modem.session import KEEP_ALIVE_SECONDS, ModemSession
from gateway.modem.supervisor import ModemSupervisor
from gateway.settings import DiscoverySettings, ModemSettings
from gateway.telephony.shop import LineSettings
from tests.fakes.transcript import TranscriptModem
from tests.fakes.usb_tree import UsbTree
from tests.modem.fleet_room import room_for
from tests.modem.test_service import audio, hardware, served

__all__ = ["hardware"]

MOST_SECONDS = KEEP_ALIVE_SECONDS + SLACK_SECONDS + 1
"""So long after it has come to a stand a driver that is served is known to stand."""


async def for_ever(*_: object) -> NoReturn:
    """What a deadlock looks like."""
    await asyncio.Event().wait()
    raise AssertionError


@asynccontextmanager
async def never_standing(fleet: ModemFleet) -> AsyncIterator[None]:
    """Looked at every second, as long as the block runs."""

    async def look() -> NoReturn:
        while True:
            assert await fleet.goes_round()
            await asyncio.sleep(1)

    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(look())
        yield
        looking.cancel()


async def seconds_until_it_stands(fleet: ModemFleet, most: float = MOST_SECONDS) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(most):
        while await fleet.goes_round():  # noqa: ASYNC110  # it is looked at, as the watchdog does
            await asyncio.sleep(0.1)
    return loop.time() - began


def cancel(name: str) -> None:
    (task,) = (task for task in asyncio.all_tasks() if task.get_name() == name)
    task.cancel()


# A modem that does nothing is the ladder's affair.


@pytest.mark.parametrize("modems", [(), (ModemSettings(name="m0", at="/nowhere/ttyUSB0"),)], ids=["none", "unplugged"])
async def test_without_modems_everything_goes_round(modems: tuple[ModemSettings, ...]) -> None:
    async with room_for().fleet(modems) as fleet, never_standing(fleet):
        await asyncio.sleep(600)


async def test_a_modem_that_hangs_is_climbed_after(hardware: TranscriptModem) -> None:
    """All the way up the ladder, where it is left alone for minutes at a time."""
    async with served(hardware) as s, never_standing(s.fleet):
        hardware.is_hung = True
        await asyncio.sleep(500)
        assert s.modem.reason == "modem-faulty"
        hardware.is_hung = False
        await s.until(lambda: s.modem.state is ModemState.READY, within=400)


async def test_a_modem_that_is_locked_waits_for_a_person(hardware: TranscriptModem) -> None:
    hardware.answer("AT+CPIN?", "+CPIN: SIM PIN", "OK")
    hardware.answer("AT^CPIN?", "^CPIN: SIM PIN,3,10,3,10,3", "OK")
    room = room_for(LineSettings(name="l0", modem="m0"))
    async with (
        room.fleet((ModemSettings(name="m0", at="/dev/null", voice="/dev/null"),)) as fleet,
        never_standing(fleet),
    ):
        await asyncio.sleep(60)
        assert fleet.modems["m0"].state is ModemState.LOCKED


async def test_a_port_that_another_program_holds_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(path: str, *_: object) -> NoReturn:
        raise PortBusy(f"{path} is held.", port=path)

    monkeypatch.setattr("gateway.modem.session.SerialPort", busy)
    async with room_for().fleet((ModemSettings(name="m0", at="/dev/null"),)) as fleet, never_standing(fleet):
        await asyncio.sleep(20)
        assert fleet.modems["m0"].reason == "port-busy"


async def test_a_command_may_take_75_seconds(hardware: TranscriptModem) -> None:
    """And the driver's own question waits behind it."""
    async with served(hardware) as s, never_standing(s.fleet):
        access = s.modem.access
        assert access is not None
        hardware.answer("AT+LONG")
        asyncio.get_running_loop().call_later(74, hardware.say, "OK")
        await access.ask(fixed("AT+LONG", timeout_seconds=75.0))


async def test_a_call_in_which_the_modem_is_asked_for_its_calls(hardware: TranscriptModem) -> None:
    async with served(hardware) as s:
        leg = await s.talking()
        async with audio(leg), never_standing(s.fleet):
            await asyncio.sleep(60)
            leg.hangup()
            await asyncio.sleep(5)


async def test_a_driver_that_is_late_once_gets_a_second_look(hardware: TranscriptModem) -> None:
    async with served(hardware) as s:
        await asyncio.sleep(KEEP_ALIVE_SECONDS - 0.2 - s.now % KEEP_ALIVE_SECONDS)
        s.modem.rounds.back_within(-SLACK_SECONDS - 1)
        assert s.modem.rounds.are_overdue()
        assert await s.fleet.goes_round()


# A driver that does not come back.


def looks_no_more(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ModemSession, "_look_around", for_ever)


def wakes_no_more(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ModemSession, "_pause", for_ever)


def sends_no_more(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(AtChannel, "_serve", for_ever)


def is_cancelled(patch: pytest.MonkeyPatch) -> None:
    del patch
    cancel("modem m0")


BUGS = [looks_no_more, wakes_no_more, sends_no_more, is_cancelled]


@pytest.mark.parametrize("bug", BUGS)
async def test_a_driver_that_stands_still(
    hardware: TranscriptModem, monkeypatch: pytest.MonkeyPatch, bug: Callable[[pytest.MonkeyPatch], None]
) -> None:
    async with served(hardware) as s:
        async with never_standing(s.fleet):
            await asyncio.sleep(20)
        bug(monkeypatch)
        # Once round before it comes to where it stands.
        await seconds_until_it_stands(s.fleet, KEEP_ALIVE_SECONDS + MOST_SECONDS)
        await asyncio.sleep(60)
        assert not await s.fleet.goes_round()


async def test_also_while_a_call_goes_on_whose_own_questions_are_answered(
    hardware: TranscriptModem, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(hardware) as s:
        leg = await s.talking()
        async with audio(leg):
            looks_no_more(monkeypatch)
            await seconds_until_it_stands(s.fleet, KEEP_ALIVE_SECONDS + MOST_SECONDS)
            hardware.said.clear()
            await asyncio.sleep(30)
            assert "AT+CLCC" in hardware.said
            assert not await s.fleet.goes_round()


async def test_a_supervisor_that_does_not_recover_its_modem(
    hardware: TranscriptModem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModemSupervisor, "_mend", for_ever)
    async with served(hardware) as s:
        hardware.is_hung = True
        await seconds_until_it_stands(s.fleet, 60)


async def test_a_search_for_modems_that_has_ended(tmp_path: Path) -> None:
    tree = UsbTree(tmp_path)
    discovery = DiscoverySettings(sysfs=str(tree.root), devices=str(tree.dev))
    async with room_for().fleet((), discovery=discovery) as fleet:
        assert await fleet.goes_round()
        cancel("search for modems")
        await asyncio.sleep(0)
        assert not await fleet.goes_round()


async def test_the_watchdog_goes_hungry(
    hardware: TranscriptModem, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as manager:
        manager.bind(path)
        service = Notifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "15000000"})
        async with served(hardware) as s, asyncio.TaskGroup() as tasks:
            feeding = tasks.create_task(service.feed_watchdog({"the round of the modems": s.fleet.goes_round}))
            await asyncio.sleep(44)
            assert heard(manager) == 9
            looks_no_more(monkeypatch)
            await asyncio.sleep(100)
            assert heard(manager) <= 4
            feeding.cancel()
    where = "ModemSession._live > ModemSession._serve > for_ever > Event.wait"
    assert f"What drives the modem m0 ({where}) stands still." in caplog.text
    assert "the round of the modems does not work" in caplog.text


def heard(manager: socket.socket) -> int:
    count = 0
    while True:
        try:
            assert manager.recv(4096) == b"WATCHDOG=1"
        except BlockingIOError:
            return count
        count += 1


# What a driver says of itself.


async def test_what_is_promised_is_waited_for_and_no_longer() -> None:
    rounds = Rounds()
    await asyncio.sleep(1000)
    assert not rounds.are_overdue(), "nobody has said anything yet"
    rounds.back_within(20)
    await asyncio.sleep(20 + SLACK_SECONDS - 0.1)
    assert not rounds.are_overdue()
    await asyncio.sleep(0.2)
    assert rounds.are_overdue()
    rounds.waits_outside()
    await asyncio.sleep(100_000)
    assert not rounds.are_overdue()


async def test_only_the_driver_s_own_questions_are_waited_for() -> None:
    rounds = Rounds()

    async def ask() -> None:
        with rounds.asking():
            await asyncio.sleep(50)

    rounds.back_within(0)
    other = asyncio.create_task(ask())
    rounds.channel_busy(60)
    await asyncio.sleep(10)
    assert rounds.are_overdue(), "a question of somebody else is no excuse"
    rounds.back_within(0)
    with rounds.asking():
        await asyncio.sleep(40)
        assert not rounds.are_overdue(), "the command of another runs"
        rounds.channel_busy(0)
        await asyncio.sleep(SLACK_SECONDS + 0.1)
        assert rounds.are_overdue(), "and the next one is not begun"
    assert not rounds.are_overdue()
    await other
