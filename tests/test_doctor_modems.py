"""What the doctor says of the USB ports, on a copied sysfs tree."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from gateway.doctor import Finding, Severity, findings
from gateway.messages import finding_text
from gateway.settings import ApiSettings, DiscoverySettings, ModemSettings, Settings
from tests.fakes.usb_tree import UsbTree


def settings_of(tree: UsbTree, *modems: ModemSettings, **discovery: Any) -> Settings:
    found = DiscoverySettings(sysfs=str(tree.root), devices=str(tree.dev), **discovery)
    # Nobody serves port 1: a gateway that runs on this machine is none of these tests' business.
    nobody = ApiSettings(bind="127.0.0.1:1")
    return Settings(data_dir=tree.root.parent / "data", modems=modems, discovery=found, api=nobody)


def said(settings: Settings) -> list[Finding]:
    wanted = ("usb-", "serial-", "discovery", "no-modems")
    return [finding for finding in findings(settings) if finding.code.startswith(wanted)]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UsbTree:
    monkeypatch.setattr(list_ports, "comports", list)
    return UsbTree(tmp_path)


def test_everything_at_the_bus_is_named(tree: UsbTree) -> None:
    tree.plug("1-1", "12d1:1001", {1: "ttyUSB1", 2: "ttyUSB2"})
    tree.plug("1-2", "12d1:1446")
    tree.plug("1-3", "12d1:1c07", {0: "ttyUSB3"}, product="HUAWEI Mobile")
    tree.plug("1-4", "1e0e:9001", {2: "ttyUSB6"})
    tree.plug("1-5", "2c7c:0125", {1: "ttyUSB8", 2: "ttyUSB9"}, card="Android")
    tree.plug("1-6", "12d1:1506", {3: "ttyUSB12"})
    found = said(settings_of(tree, ignore=("1-6",)))
    assert [(each.code, each.values["place"], each.severity) for each in found] == [
        ("usb-modem-found", "1-1", Severity.GOOD),
        ("usb-modem-shows-disc", "1-2", Severity.PROBLEM),
        ("usb-modem-unknown", "1-3", Severity.WARNING),
        ("usb-modem-without-voice", "1-4", Severity.WARNING),
        ("usb-modem-found", "1-5", Severity.GOOD),
        ("usb-modem-ignored", "1-6", Severity.GOOD),
    ]
    assert found[4].values["voice"] == "ALSA Android"
    for finding in found:
        for language in ("en", "ru"):
            title, _ = finding_text(finding.code, language, finding.values)
            assert finding.values["place"] in title


def test_a_modem_of_the_settings_is_not_told_twice(tree: UsbTree) -> None:
    tree.plug("1-1", "12d1:1001", {2: "ttyUSB2"})
    assert said(settings_of(tree, ModemSettings(name="m0", at=str(tree.dev / "ttyUSB2")))) == []


def test_nothing_at_all_and_nothing_looked_for(tree: UsbTree) -> None:
    assert [finding.code for finding in said(settings_of(tree))] == ["no-modems"]
    assert [finding.code for finding in said(settings_of(tree, enabled=False))] == ["discovery-off", "no-modems"]


def test_a_port_that_somebody_holds(tree: UsbTree, tmp_path: Path) -> None:
    port = tmp_path / "port"
    descriptor = os.open(port, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        tree.plug("1-1", "12d1:1001", {1: "ttyUSB1", 2: "ttyUSB2"}, targets={2: str(port)})
        held = [each for each in said(settings_of(tree)) if each.code == "usb-port-held"]
    finally:
        os.close(descriptor)
    assert [each.values["path"] for each in held] == [str(port)]
    assert held[0].values["holder"]


def test_serial_ports_of_other_things_are_named_and_left_alone(tree: UsbTree, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter, board = ListPortInfo("/dev/ttyUSB77"), ListPortInfo("/dev/ttyS0")
    adapter.vid, adapter.description = 0x10C4, "CP2102 adapter"
    monkeypatch.setattr(list_ports, "comports", lambda: [board, adapter])
    found = [finding for finding in said(settings_of(tree)) if finding.code == "serial-port-unknown"]
    assert [finding.values for finding in found] == [{"path": "/dev/ttyUSB77", "description": "CP2102 adapter"}]
