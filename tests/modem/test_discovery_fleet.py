"""Plug in a stick, and it works: emulated modems found through a copied sysfs tree, pulled out, and moved."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.emulator.client import EmulatorClient, RemoteModem, running_emulator
from gateway.events import ModemChanged, ModemRemoved
from gateway.modem.discovery import UsbBus
from gateway.modem.fleet import ModemFleet
from gateway.modem.modem import ModemState
from gateway.settings import DiscoverySettings, ModemSettings
from gateway.telephony.line import LineState
from gateway.telephony.shop import LineSettings
from tests.fakes.usb_tree import UsbTree
from tests.modem.fleet_room import Room, ready, room_for, until

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(90)]

HUAWEI = "12d1:1001"


@pytest.fixture(autouse=True)
def _ports_settle_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.modem.place.PORTS_SETTLE_SECONDS", 0.3)


@dataclass
class Bench:
    """The sockets of a machine, and sticks to put into them."""

    tree: UsbTree
    emulator: EmulatorClient
    room: Room
    fleet: ModemFleet

    def plug(self, path: str, stick: RemoteModem, *, first_tty: int = 0, usb_id: str = HUAWEI) -> None:
        self.tree.plug(
            path,
            usb_id,
            {number: f"ttyUSB{first_tty + number}" for number in range(3)},
            targets={1: str(stick.voice), 2: str(stick.at)},
        )

    def last(self, modem: str) -> ModemChanged:
        return [each for each in self.room.events if isinstance(each, ModemChanged) and each.modem == modem][-1]

    @property
    def forgotten(self) -> list[str]:
        return [each.modem for each in self.room.events if isinstance(each, ModemRemoved)]


@contextlib.asynccontextmanager
async def bench(
    directory: Path, *, fixed: tuple[ModemSettings, ...] = (), ignore: tuple[str, ...] = (), lines: int = 1
) -> AsyncIterator[Bench]:
    tree = UsbTree(directory)
    async with running_emulator(directory / "emulator", modems=["huawei"] * lines) as emulator:
        sticks = await emulator.modems()
        room = room_for(*(LineSettings(name=f"l{number}", imei=each.imei) for number, each in enumerate(sticks)))
        discovery = DiscoverySettings(sysfs=str(tree.root), devices=str(tree.dev), ignore=ignore)
        async with room.fleet(fixed, discovery=discovery) as fleet:
            yield Bench(tree, emulator, room, fleet)


async def test_a_stick_becomes_a_line_and_comes_back_in_another_socket(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with bench(tmp_path) as b:
        (stick,) = await b.emulator.modems()
        assert b.fleet.lines["l0"].state is LineState.ABSENT
        began = time.monotonic()
        b.plug("1-1.4", stick)
        await until(lambda: "usb-1-1.4" in b.fleet.modems)
        assert time.monotonic() - began < 3
        await ready(b.fleet, "l0")
        state = b.last("usb-1-1.4")
        assert (state.line, state.usb_path, state.usb_device) == ("l0", "1-1.4", "Huawei E1550 (12d1:1001)")
        assert (state.imei, state.sim, state.creg, state.voice) == (stick.imei, "ready", "home", True)
        assert state.port == str(b.tree.dev / "ttyUSB2")

        b.tree.unplug("1-1.4")
        await stick.unplug()
        await until(lambda: b.fleet.modems["usb-1-1.4"].state is ModemState.LOST)
        assert b.room.alerts == ["modem-lost"]
        await stick.replug()
        b.plug("1-1.2", stick, first_tty=6)
        await ready(b.fleet, "l0")
        await until(lambda: b.forgotten == ["usb-1-1.4"])
        assert b.fleet.modem_of("l0") is b.fleet.modems["usb-1-1.2"]
        assert b.room.cleared == ["modem-lost"]

        b.tree.unplug("1-1.2")
        await stick.unplug()
        await until(lambda: b.fleet.modems["usb-1-1.2"].state is ModemState.LOST)
        await stick.replug()
        b.plug("1-1.2", stick, first_tty=3)
        await ready(b.fleet, "l0")
        assert b.last("usb-1-1.2").port == str(b.tree.dev / "ttyUSB5")
        facts = b.fleet.modems["usb-1-1.2"].facts
        said = "\n".join(record.getMessage() for record in caplog.records if record.levelno >= logging.INFO)
        assert "Plugged in at 1-1.2" in said
        for secret in (facts.imei, facts.imsi, facts.iccid):
            assert secret is not None
            assert secret not in said


async def test_two_sticks_that_swap_their_ports(tmp_path: Path) -> None:
    """A restart of both at once may give each the tty names of the other: the sockets tell who is who."""
    async with bench(tmp_path, lines=2) as b:
        one, two = await b.emulator.modems()
        b.plug("1-1", one, first_tty=0)
        b.plug("1-2", two, first_tty=3)
        for number in range(2):
            await ready(b.fleet, f"l{number}")
        for path, stick in (("1-1", one), ("1-2", two)):
            b.tree.unplug(path)
            await stick.unplug()
        for stick in (one, two):
            await stick.replug()
        b.plug("1-1", one, first_tty=3)
        b.plug("1-2", two, first_tty=0)
        for number, (name, stick) in enumerate((("usb-1-1", one), ("usb-1-2", two))):
            await ready(b.fleet, f"l{number}")
            assert b.fleet.modems[name].facts.imei == stick.imei


async def test_an_unknown_product_is_asked_which_port_takes_at(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        (stick,) = await b.emulator.modems()
        b.tree.plug("1-1", "12d1:1c07", {0: "ttyUSB0", 3: "ttyUSB3"}, targets={0: str(stick.voice), 3: str(stick.at)})
        await until(lambda: b.fleet.lines["l0"].state is LineState.READY, within=15)
        state = b.last("usb-1-1")
        assert state.port == str(b.tree.dev / "ttyUSB3")
        assert state.voice is False


async def test_a_disc_of_drivers_and_silent_ports_say_what_they_are(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        (stick,) = await b.emulator.modems()
        b.tree.plug("1-1", "12d1:1446")
        await until(lambda: "usb-1-1" in b.fleet.modems and b.fleet.modems["usb-1-1"].state is ModemState.FAULTY)
        assert b.last("usb-1-1").reason == "mode-switch-needed"
        b.tree.unplug("1-1")
        await until(lambda: b.forgotten == ["usb-1-1"])
        b.tree.plug("1-2", "12d1:1c07", {0: "ttyUSB0"}, targets={0: str(stick.voice)})
        await until(lambda: "usb-1-2" in b.fleet.modems and b.fleet.modems["usb-1-2"].state is ModemState.FAULTY)
        assert b.last("usb-1-2").reason == "port-unknown"


async def test_a_modem_of_the_settings_wins_and_an_ignored_one_is_left_alone(tmp_path: Path) -> None:
    async with running_emulator(tmp_path / "emulator", modems=["huawei"]) as emulator:
        (stick,) = await emulator.modems()
        tree = UsbTree(tmp_path)
        tree.plug("1-1", HUAWEI, {2: "ttyUSB2"}, targets={2: str(stick.at)})
        tree.plug("1-2", HUAWEI, {2: "ttyUSB5"})
        tree.plug("1-3", "12d1:1506", {3: "ttyUSB8"})
        room = room_for(LineSettings(name="l0", modem="m0"))
        fixed = ModemSettings(name="m0", at=str(stick.at), voice=str(stick.voice))
        discovery = DiscoverySettings(sysfs=str(tree.root), devices=str(tree.dev), ignore=("1-2", "12d1:1506"))
        async with room.fleet((fixed,), discovery=discovery) as fleet:
            await ready(fleet, "l0")
            assert list(fleet.modems) == ["m0"]
            assert fleet.modems["m0"].facts.usb_path == "1-1"
        async with room.fleet((fixed,), discovery=replace(discovery, enabled=False, ignore=())) as fleet:
            await ready(fleet, "l0")
            assert list(fleet.modems) == ["m0"]


OPENED = "import fcntl, os, sys, time; port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)"
SHARE = f"{OPENED}; print('open', flush=True); time.sleep(60)"
HOLD = f"{OPENED}; fcntl.flock(port, 2); print('held', flush=True); time.sleep(60)"


async def test_another_program_on_the_port_is_named(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        (stick,) = await b.emulator.modems()
        holder = await asyncio.create_subprocess_exec(
            sys.executable, "-c", HOLD, str(stick.at), stdout=asyncio.subprocess.PIPE
        )
        assert holder.stdout is not None
        await holder.stdout.readline()
        try:
            b.plug("1-1", stick)
            await until(lambda: "usb-1-1" in b.fleet.modems and b.fleet.modems["usb-1-1"].state is ModemState.FAULTY)
            state = b.last("usb-1-1")
            assert state.reason == "port-busy"
            assert state.port_holder is not None
            assert f"({holder.pid})" in state.port_holder
        finally:
            holder.kill()
            await holder.wait()
        await ready(b.fleet, "l0", within=15)
        assert b.last("usb-1-1").port_holder is None


async def test_a_fault_of_the_look_costs_no_modem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench(tmp_path) as b:
        (stick,) = await b.emulator.modems()
        b.plug("1-1", stick)
        await ready(b.fleet, "l0")
        looks: list[UsbBus] = []

        def fail(bus: UsbBus) -> None:
            looks.append(bus)
            raise ZeroDivisionError

        with monkeypatch.context() as patched:
            patched.setattr(UsbBus, "fingerprint", fail)
            await until(lambda: len(looks) >= 2)
        assert caplog.text.count("could not be looked at") == 1
        assert b.fleet.lines["l0"].state is LineState.READY
        b.tree.unplug("1-1")
        await stick.unplug()
        await until(lambda: b.fleet.modems["usb-1-1"].state is ModemState.LOST)


async def test_a_program_that_shares_the_port_without_a_lock_is_named(tmp_path: Path) -> None:
    """It eats our answers: the modem seems to hang."""
    async with bench(tmp_path) as b:
        (stick,) = await b.emulator.modems()
        await stick.misbehave("silent_after", commands=0, until="cleared")
        sharer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SHARE, str(stick.at), stdout=asyncio.subprocess.PIPE
        )
        assert sharer.stdout is not None
        await sharer.stdout.readline()
        try:
            b.plug("1-1", stick)
            await until(
                lambda: "usb-1-1" in b.fleet.modems and b.fleet.modems["usb-1-1"].facts.port_holder is not None,
                within=30,
            )
            assert f"({sharer.pid})" in str(b.last("usb-1-1").port_holder)
        finally:
            sharer.kill()
            await sharer.wait()


async def test_a_name_that_comes_late_still_belongs_to_the_modem_of_the_settings(tmp_path: Path) -> None:
    """The kernel's tty is there a moment before udev's name for it, which the owner has written down."""
    async with running_emulator(tmp_path / "emulator", modems=["huawei"]) as emulator:
        (stick,) = await emulator.modems()
        tree = UsbTree(tmp_path)
        room = room_for(LineSettings(name="l0", modem="m0"))
        name = tmp_path / "by-path"
        discovery = DiscoverySettings(sysfs=str(tree.root), devices=str(tree.dev))
        async with room.fleet((ModemSettings(name="m0", at=str(name)),), discovery=discovery) as fleet:
            tree.plug("1-1", HUAWEI, {2: "ttyUSB2"}, targets={2: str(stick.at)})
            await until(lambda: "usb-1-1" in fleet.modems)
            name.symlink_to(tree.dev / "ttyUSB2")
            await until(lambda: list(fleet.modems) == ["m0"])
            await until(lambda: fleet.modems["m0"].state is ModemState.READY, within=15)
