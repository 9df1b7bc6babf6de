"""Emulated modems beside the daemon: their process comes, is put up again, comes back after a restart, and goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.api.emulated_routes import RealModemsThere
from gateway.api.playground import Playground
from gateway.emulated_modems import MIXED_ALERT, EmulatedModems
from gateway.errors import TryLater
from gateway.events import AlertCleared, AlertRaised, Event, EventBus, ModemChanged, ModemRemoved
from gateway.settings import ModemSettings, Settings
from gateway.telephony.emulated import NAMES, Brought
from gateway.telephony.shop import LineSettings, Shop
from tests.fakes.call_backs import FakeCallBacks

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(60)]


class Around:
    """What the daemon has around them, in memory."""

    def __init__(self, directory: Path) -> None:
        self.settings = Settings(data_dir=directory)
        self.now = Shop(name="My shop")
        self.bus = EventBus()
        self.events: list[Event] = []
        self.bus.subscribe(lambda published: self.events.append(published.event))
        self.served: list[str] = []
        self.removed: list[Brought] = []
        self.promises = FakeCallBacks()
        self.world = Playground(None, shop=self.shop, registrar=lambda: ("127.0.0.1", 9))

    def modems(self) -> EmulatedModems:
        return EmulatedModems(
            self.settings, kept=self, fleet=self, world=self.world, bus=self.bus, promises=self.promises
        )

    def shop(self) -> Shop:
        return self.now

    async def change_whole(self, change: Callable[[Shop], Shop], *, by: str) -> None:
        self.now = change(self.now)

    async def remove_trial(self, recordings_dir: Path, brought: Brought) -> None:
        self.removed.append(brought)

    def add(self, settings: ModemSettings) -> None:
        assert Path(settings.at).exists()
        self.served.append(settings.name)

    async def take_away(self, name: str) -> None:
        self.served.remove(name)

    def plug(self, modem: str, state: str = "ready") -> None:
        self.bus.publish(ModemChanged(modem=modem, line=None, state=state, reason=None))

    @property
    def told(self) -> list[str]:
        """Alerts that were raised, and with a dash those that were cleared."""
        marks = {AlertRaised: "", AlertCleared: "-"}
        return [marks[type(each)] + each.code for each in self.events if isinstance(each, AlertRaised | AlertCleared)]


@pytest.fixture
def around(tmp_path: Path) -> Around:
    return Around(tmp_path)


async def test_they_come_are_put_up_again_come_back_and_go(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.emulated_modems.RESTART_SECONDS", 0.05)
    monkeypatch.setattr("gateway.emulated_modems.LAST_WORDS_SECONDS", 0.5)
    modems = around.modems()
    with pytest.raises(TryLater):
        await modems.begin(by="anna")
    async with modems:
        await modems.begin(by="anna")
        assert (modems.state, around.served, tuple(line.name for line in around.now.lines)) == ("on", [*NAMES], NAMES)
        assert {each["name"] for each in (await around.world.state())["modems"]} == set(NAMES)  # type: ignore[attr-defined]  # a list
        await modems.begin(by="anna")
        process = modems.process
        assert process is not None
        process.kill()
        await process.wait()
        async with asyncio.timeout(20):
            while modems.process is process or modems.state != "on":  # noqa: ASYNC110  # a process is waited for
                await asyncio.sleep(0.02)
        assert around.served == [*NAMES], "the fleet finds the ports again by itself"
    assert (modems.process, around.world.control) == (None, None)
    around.served.clear()

    again = around.modems()
    async with again:
        async with asyncio.timeout(20):
            while again.state != "on":  # noqa: ASYNC110  # a process is waited for
                await asyncio.sleep(0.02)
        assert around.served == [*NAMES]
        await again.end(by="anna")
        assert (again.state, around.served, around.now, len(around.removed)) == ("off", [], Shop(name="My shop"), 1)
        assert around.world.control is None
        assert not (around.settings.data_dir / "emulated").exists()
        await again.end(by="anna")
        assert len(around.removed) == 1
    async with AsyncExitStack() as stack:
        third = await stack.enter_async_context(around.modems())
        assert (third.state, third.is_possible) == ("off", True)


async def test_they_do_not_begin_among_real_ones(around: Around) -> None:
    modems = around.modems()
    async with modems:
        around.plug("usb-1-1.4")
        assert (modems.is_possible, modems.real) == (False, 1)
        with pytest.raises(RealModemsThere):
            await modems.begin(by="anna")
        around.plug("usb-1-1.4", "lost")
        assert modems.real == 0
        around.plug("usb-1-1.5")
        around.bus.publish(ModemRemoved(modem="usb-1-1.5"))
        assert (modems.real, modems.is_possible) == (0, True)
        around.now = replace(around.now, lines=(LineSettings(name="red", modem="m0"),))
        assert (modems.real, modems.is_possible) == (0, False)
        with pytest.raises(RealModemsThere):
            await modems.begin(by="anna")
        assert modems.state == "off"


async def test_a_real_one_that_comes_is_told_of_and_promises_go_with_the_end(
    around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.emulated_modems.LAST_WORDS_SECONDS", 0.5)
    modems = around.modems()
    async with modems:
        await modems.begin(by="anna")
        for called, number in (("emulated-1", "+79035550001"), ("red", "+79031112233"), ("red", "+79035550002")):
            around.promises.add(number, called=called)
        around.plug("emulated-1")
        assert around.told == []
        around.plug("usb-1-1.4")
        assert around.told == [MIXED_ALERT]
        await modems.end(by="anna")
        assert around.told == [MIXED_ALERT, f"-{MIXED_ALERT}"]
        assert [each.number for each in around.promises.waiting()] == ["+79035550002"]


async def test_those_of_a_demo_are_not_ours_to_end(tmp_path: Path) -> None:
    around = Around(tmp_path)
    around.world.control = tmp_path / "control.sock"
    modems = around.modems()
    async with modems:
        around.plug("m0")
        assert (modems.state, modems.is_possible, modems.real) == ("configured", False, 0)
        await modems.begin(by="anna")
        await modems.end(by="anna")
        assert (around.served, around.removed, around.told) == ([], [], [])
