"""Root's side of the USB power: what it writes where, and what it refuses. On a copied sysfs tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.modem.usb_power import OFF_SECONDS, UsbPowerUnit, cycle, is_place, main
from tests.fakes.usb_tree import UsbTree


class Switch:
    """Notes what stands in the file while the socket is off."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.while_off: list[str] = []
        self.waited: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.while_off.append(self.file.read_text().strip())


@pytest.fixture
def tree(tmp_path: Path) -> UsbTree:
    return UsbTree(tmp_path)


@pytest.mark.parametrize(
    ("place", "hub", "port"),
    [("1-1.4", "1-1:1.0", "1-1-port4"), ("1-2", "1-0:1.0", "usb1-port2"), ("3-1.2.7", "3-1.2:1.0", "3-1.2-port7")],
)
def test_the_socket_of_a_modem_is_switched(tree: UsbTree, place: str, hub: str, port: str) -> None:
    tree.plug(place, "12d1:1001")
    switch = Switch(tree.switch(hub, port))
    assert cycle(place, sysfs=tree.root, wait=switch.wait) == "power"
    assert switch.while_off == ["1"]
    assert switch.waited == [OFF_SECONDS]
    assert switch.file.read_text() == "0"
    assert (tree.devices / place / "authorized").read_text() == "1\n"


def test_an_empty_socket_is_switched_too(tree: UsbTree) -> None:
    """A stick that hangs may be gone from the bus and still have power."""
    switch = Switch(tree.switch("1-1:1.0", "1-1-port4"))
    assert cycle("1-1.4", sysfs=tree.root, wait=switch.wait) == "power"
    assert switch.file.read_text() == "0"


def test_without_a_switch_the_device_is_unauthorized_and_authorized(tree: UsbTree) -> None:
    tree.plug("1-1.4", "2c7c:0125")
    switch = Switch(tree.devices / "1-1.4" / "authorized")
    assert cycle("1-1.4", sysfs=tree.root, wait=switch.wait) == "authorization"
    assert switch.while_off == ["0"]
    assert switch.file.read_text() == "1"


def test_the_power_comes_back_whatever_happens(tree: UsbTree) -> None:
    file = tree.switch("1-1:1.0", "1-1-port4")

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt(seconds)

    with pytest.raises(KeyboardInterrupt):
        cycle("1-1.4", sysfs=tree.root, wait=interrupted)
    assert file.read_text() == "0"


@pytest.mark.parametrize("usb_id", ["046d:c31c", "0781:5581", "2109:3431"])
def test_the_power_of_anything_else_is_left_alone(tree: UsbTree, usb_id: str) -> None:
    tree.plug("1-1.4", usb_id)
    file = tree.switch("1-1:1.0", "1-1-port4")
    with pytest.raises(ValueError, match="is no modem"):
        cycle("1-1.4", sysfs=tree.root, wait=lambda seconds: None)
    assert file.read_text() == "0\n"


@pytest.mark.parametrize(
    "place",
    ["", "1", "1-", "-1", "1-1.", "1-1..4", "../1-1", "1-1/../..", "usb1", "1-1:1.0", "1-1.4\n", " 1-1", "1-1.4;reboot",
     "1-1.4%n", "\u0661-1", "1-" + "1." * 30 + "1"],
)  # fmt: skip
def test_what_is_no_place_is_refused(tree: UsbTree, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not is_place(place)
    with pytest.raises(ValueError, match="no place"):
        cycle(place, sysfs=tree.root, wait=lambda seconds: None)
    assert main([place]) == 1
    assert "no place" in capsys.readouterr().err


def test_nothing_to_switch_is_said(tree: UsbTree) -> None:
    with pytest.raises(ValueError, match="can be switched off"):
        cycle("1-1.4", sysfs=tree.root, wait=lambda seconds: None)
    assert main([]) == 2


@pytest.mark.real_time
async def test_the_daemon_starts_its_one_unit(tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {said}\ncase "$*" in *1-1.9*) exit 1;; esac\n')
    program.chmod(0o755)
    power = UsbPowerUnit(str(program))
    assert await power.cycle("1-1.4")
    assert not await power.cycle("1-1.9")
    assert not await power.cycle("1-1.4/../x")
    assert said.read_text().splitlines() == [
        "--no-ask-password start simbridge-usb-power@1-1.4.service",
        "--no-ask-password start simbridge-usb-power@1-1.9.service",
    ]
    assert not await UsbPowerUnit(str(tmp_path / "none")).cycle("1-1.4")
