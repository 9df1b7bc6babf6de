"""USB ids of modems: family, and which interface does what. Data, with its source; nothing is decided here.

The number of an interface is `bInterfaceNumber`. The number of a ttyUSB follows it only while nothing else
is plugged in, and says nothing afterwards.

Sources: CD = chan_dongle (pdiscovery.c), IQ = chan_quectel (pdiscovery.c), CP = CallPilot, KO = the Linux
driver `option`. What stands here was read there, and was seen on hardware by nobody of this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

UsbId: TypeAlias = tuple[int, int]
"""idVendor, idProduct."""


@dataclass(frozen=True, slots=True)
class KnownModem:
    """One USB id. `at` are the interfaces that take AT, best first; `voice` the one that carries sound, if any does."""

    name: str
    family: str
    at: tuple[int, ...]
    voice: int | None
    source: str


KNOWN_MODEMS: dict[UsbId, KnownModem] = {
    (0x12D1, 0x1001): KnownModem("Huawei E1550", "huawei", (2,), 1, "CD"),
    (0x12D1, 0x140C): KnownModem("Huawei E173", "huawei", (3,), 2, "CD, KO"),
    (0x12D1, 0x14AC): KnownModem("Huawei E153Du-1", "huawei", (4,), 3, "CD"),
    (0x12D1, 0x1436): KnownModem("Huawei E1750", "huawei", (4,), 3, "CD, KO"),
    (0x12D1, 0x1406): KnownModem("Huawei E1750", "huawei", (4,), 3, "KO; interfaces as of 1436"),
    (0x12D1, 0x1506): KnownModem("Huawei E171, E3131", "huawei", (3,), 2, "CD"),
    (0x12D1, 0x1465): KnownModem("Huawei K3765", "huawei", (2,), 1, "KO, CD"),
    (0x2C7C, 0x0125): KnownModem("Quectel EC25, EC20, EG25-G", "quectel", (2, 3), 1, "IQ, CP, KO"),
    (0x2C7C, 0x0121): KnownModem("Quectel EC21", "quectel", (2, 3), 1, "KO; interfaces unverified"),
    (0x2C7C, 0x0191): KnownModem("Quectel EG91", "quectel", (2, 3), 1, "KO; interfaces unverified"),
    (0x2C7C, 0x0195): KnownModem("Quectel EG95", "quectel", (2, 3), 1, "KO; interfaces unverified"),
    (0x2C7C, 0x0306): KnownModem("Quectel EP06", "quectel", (2, 3), 1, "KO; interfaces unverified"),
    (0x2C7C, 0x0435): KnownModem("Quectel AG35", "quectel", (2, 3), 1, "KO; interfaces unverified"),
    (0x05C6, 0x9215): KnownModem("Quectel EC20 (first)", "quectel", (2,), 1, "KO; interfaces unverified"),
    (0x05C6, 0x9003): KnownModem("Quectel UC20", "quectel", (2,), 1, "KO; interfaces unverified"),
    (0x05C6, 0x9090): KnownModem("Quectel UC15", "quectel", (2,), 1, "KO; interfaces unverified"),
    (0x1E0E, 0x9001): KnownModem("SIMCom SIM7500, SIM7600", "simcom", (2, 3), 4, "IQ, KO"),
}
"""Ids whose interfaces are known. 1e0e:9011 is not among them: a SIM7600 and an A7670E share it."""

STORAGE_MODE: frozenset[UsbId] = frozenset(
    {(0x12D1, 0x1446), (0x12D1, 0x14FE), (0x12D1, 0x1520), (0x12D1, 0x155B), (0x12D1, 0x1F01)}
)
"""A stick that still shows its disc of Windows drivers: usb_modeswitch makes a modem of it."""

MODEM_VENDORS: dict[int, str] = {
    0x12D1: "Huawei",
    0x2C7C: "Quectel",
    0x1E0E: "SIMCom",
    0x05C6: "Qualcomm",
    0x19D2: "ZTE",
    0x1199: "Sierra Wireless",
    0x1BC7: "Telit",
    0x0BDB: "Ericsson",
    0x1C9E: "Longcheer",
    0x1BBB: "Alcatel",
    0x2CB7: "Fibocom",
}
"""Makers of nothing but modems: an unknown product of theirs is asked, port by port, whether it speaks AT.

Behind the id of an adapter (CP210x, FTDI, CH340) may hang a till, a scale or a UPS: those are left alone
until the owner names the port in gateway.toml.
"""


def hexadecimal(usb_id: UsbId) -> str:
    """As lsusb writes it: 12d1:1001."""
    return f"{usb_id[0]:04x}:{usb_id[1]:04x}"
