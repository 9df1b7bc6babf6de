"""What is read from sysfs: which modem hangs where, by which ports it is spoken to, and what is left alone."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gateway.modem.dialects import DIALECTS
from gateway.modem.discovery import BusWatch, UsbBus, UsbModem
from gateway.modem.discovery_table import KNOWN_MODEMS, MODEM_VENDORS, STORAGE_MODE
from gateway.modem.place import FixedPlace, UsbPlace
from gateway.modem.port_owner import owner_of
from gateway.settings import ModemSettings
from tests.fakes.usb_tree import UsbTree


@pytest.fixture
def tree(tmp_path: Path) -> UsbTree:
    return UsbTree(tmp_path)


def bus_of(tree: UsbTree) -> UsbBus:
    return UsbBus(tree.root, tree.dev)


def test_the_table_names_families_that_there_are() -> None:
    families = {dialect.family for dialect in DIALECTS}
    for usb_id, known in KNOWN_MODEMS.items():
        assert known.family in families, known.name
        assert usb_id[0] in MODEM_VENDORS, known.name
        assert known.voice not in known.at, known.name
        assert known.source
    assert not STORAGE_MODE & KNOWN_MODEMS.keys()


def test_modems_are_found_among_other_devices(tree: UsbTree) -> None:
    tree.plug("usb1", "1d6b:0002")
    tree.plug("1-1", "2109:3431", product="USB2.0 Hub")
    tree.plug("1-1.2", "046d:c31c", product="Keyboard")
    tree.plug("1-1.3", "10c4:ea60", {0: "ttyUSB9"}, product="CP2102 adapter")
    tree.plug("1-1.4", "12d1:1001", {0: "ttyUSB0", 1: "ttyUSB1", 2: "ttyUSB2"}, product="HUAWEI Mobile")
    tree.plug("1-1.1", "2c7c:0125", {0: "ttyUSB3", 1: "ttyUSB4", 2: "ttyUSB5", 3: "ttyUSB6"}, card="Android")
    tree.plug("3-2", "12d1:1446")
    found = {modem.path: modem for modem in bus_of(tree).modems()}
    assert sorted(found) == ["1-1.1", "1-1.4", "3-2"]
    assert found["1-1.4"].tty(2) == "ttyUSB2"
    assert found["1-1.4"].shown == "Huawei E1550 (12d1:1001)"
    assert found["1-1.1"].card == "Android"
    assert found["3-2"].shows_disc


def test_nothing_is_found_where_there_is_no_bus(tmp_path: Path) -> None:
    bus = UsbBus(tmp_path / "none", tmp_path)
    assert bus.modems() == ()
    assert bus.fingerprint() == frozenset()


@pytest.mark.parametrize("broken", ["idVendor", "idProduct"])
def test_a_device_that_goes_while_it_is_read_is_none(tree: UsbTree, broken: str) -> None:
    tree.plug("1-1", "12d1:1001", {2: "ttyUSB0"})
    (tree.devices / "1-1" / broken).unlink()
    assert bus_of(tree).modems() == ()


async def test_ports_follow_the_modem_and_not_their_numbers(tree: UsbTree) -> None:
    tree.plug("1-1.4", "12d1:1001", {1: "ttyUSB1", 2: "ttyUSB2"})
    bus = bus_of(tree)
    place = UsbPlace("usb-1-1.4", _only(bus), bus)
    found = await place.locate(ask=False)
    assert found == ModemSettings(name="usb-1-1.4", at=str(tree.dev / "ttyUSB2"), voice=str(tree.dev / "ttyUSB1"))
    tree.unplug("1-1.4")
    assert await place.locate(ask=False) is None
    tree.plug("1-1.4", "12d1:1001", {1: "ttyUSB5", 2: "ttyUSB7"})
    found = await place.locate(ask=False)
    assert found is not None
    assert (found.at, found.voice) == (str(tree.dev / "ttyUSB7"), str(tree.dev / "ttyUSB5"))


async def test_a_modem_with_a_sound_card_speaks_by_it(tree: UsbTree) -> None:
    tree.plug("1-1", "2c7c:0125", {1: "ttyUSB1", 2: "ttyUSB2"}, card="Android_1")
    bus = bus_of(tree)
    found = await UsbPlace("m", _only(bus), bus).locate(ask=False)
    assert found is not None
    assert found.voice == "alsa:hw:CARD=Android_1,DEV=0"


async def test_ports_that_come_late_are_waited_for(tree: UsbTree) -> None:
    """The port of the voice comes after that of AT; it is not taken for missing."""
    tree.plug("1-1", "1e0e:9001", {2: "ttyUSB2"})
    bus = bus_of(tree)
    place = UsbPlace("m", _only(bus), bus)

    async def come_later() -> None:
        await asyncio.sleep(1)
        tree.unplug("1-1")
        tree.plug("1-1", "1e0e:9001", {2: "ttyUSB2", 4: "ttyUSB4"})

    coming = asyncio.create_task(come_later())
    found = await place.locate(ask=False)
    await coming
    assert found is not None
    assert found.voice == str(tree.dev / "ttyUSB4")


async def test_ports_that_never_come_are_done_without(tree: UsbTree) -> None:
    tree.plug("1-1", "1e0e:9001", {2: "ttyUSB2"})
    bus = bus_of(tree)
    began = asyncio.get_running_loop().time()
    found = await UsbPlace("m", _only(bus), bus).locate(ask=False)
    assert found is not None
    assert found.voice is None
    assert 3 <= asyncio.get_running_loop().time() - began < 4


async def test_what_the_owner_wrote_is_used_as_it_is(tree: UsbTree, tmp_path: Path) -> None:
    port = tmp_path / "dev" / "ttyUSB2"
    tree.plug("1-1", "12d1:1001", {2: "ttyUSB2"})
    settings = ModemSettings(name="m0", at=str(port))
    place = FixedPlace(settings, bus_of(tree))
    assert await place.locate(ask=True) is None
    port.touch()
    assert await place.locate(ask=True) is settings
    assert place.path == "1-1"


@pytest.mark.parametrize("names", ["same", "other"])
async def test_a_change_is_told_once(tree: UsbTree, names: str) -> None:
    told: list[list[str]] = []
    watch = BusWatch(bus_of(tree), lambda modems: told.append([port.tty for each in modems for port in each.ports]))
    await watch.look()
    await watch.look()
    tree.plug("1-1", "12d1:1001", {2: "ttyUSB2"})
    await watch.look()
    await watch.look()
    tree.unplug("1-1")
    if names == "same":
        await watch.look()
    tree.plug("1-1", "12d1:1001", {2: "ttyUSB2" if names == "same" else "ttyUSB4"})
    await watch.look()
    assert told == [[], ["ttyUSB2"], [], ["ttyUSB2"]] if names == "same" else [[], ["ttyUSB2"], ["ttyUSB4"]]


def test_who_holds_a_port_is_named(tmp_path: Path) -> None:
    port = tmp_path / "tty"
    port.touch()
    proc = tmp_path / "proc"
    for pid, name in ((11, "bash"), (812, "ModemManager")):
        (proc / str(pid) / "fd").mkdir(parents=True)
        (proc / str(pid) / "comm").write_text(f"{name}\n")
    assert owner_of(str(port), proc) == "ModemManager (812)?"
    (proc / "11" / "fd" / "3").symlink_to(port)
    assert owner_of(str(port), proc) == "bash (11)"
    assert owner_of(str(tmp_path / "other"), tmp_path / "nothing", tmp_path / "services") is None
    service = tmp_path / "services" / "ModemManager.service"
    service.mkdir(parents=True)
    (service / "cgroup.events").write_text("populated 0\nfrozen 0\n")
    assert owner_of(str(tmp_path / "other"), tmp_path / "nothing", tmp_path / "services") is None
    (service / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    assert owner_of(str(tmp_path / "other"), tmp_path / "nothing", tmp_path / "services") == "ModemManager?"


def test_our_own_open_port_is_no_other_owner(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "tty", os.O_CREAT | os.O_RDWR)
    try:
        assert f"({os.getpid()})" not in (owner_of(str(tmp_path / "tty")) or "")
    finally:
        os.close(descriptor)


def _only(bus: UsbBus) -> UsbModem:
    (modem,) = bus.modems()
    return modem
