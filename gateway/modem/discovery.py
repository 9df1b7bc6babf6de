"""What hangs at the USB ports, read from sysfs; and who notices when that changes.

A modem is known by its place at the bus ("1-1.4": bus 1, port 1, behind it port 4), which stays the same
over restarts of the modem and of this machine, and by its IMEI once it has told it. The names of its tty
devices are looked up anew each time.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from gateway.modem.bus_news import BusNews
from gateway.modem.discovery_table import KNOWN_MODEMS, MODEM_VENDORS, STORAGE_MODE, KnownModem, UsbId, hexadecimal

LOOK_SECONDS = 1.0
"""How often the bus is looked at; a plug is noticed after this and the time the kernel takes."""
QUIET_LOOK_SECONDS = 30.0
"""The same where the kernel tells of devices by itself, and has not done so lately."""
BUSY_SECONDS = 10.0
"""For so long after such news, and after the start, the bus is looked at as often as without."""
_FLURRY_SECONDS = 0.1
"""A stick is a dozen pieces of news."""

_USB_PATH = re.compile(r"[0-9]+-[0-9]+(?:\.[0-9]+)*", re.ASCII)
_TTY = re.compile(r"tty(?:USB|ACM)[0-9]+", re.ASCII)
_CARD = re.compile(r"card[0-9]+", re.ASCII)

Fingerprint: TypeAlias = frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class UsbPort:
    """A tty of a USB device: the number of its interface, and the kernel's name for it at this moment."""

    interface: int
    tty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbModem:
    """A USB device that is a modem, or looks like one."""

    path: str
    """Its place: "1-1.4"."""
    usb_id: UsbId
    maker: str | None = None
    """What the device calls its maker, else who owns the id."""
    product: str | None = None
    ports: tuple[UsbPort, ...] = ()
    """By interface."""
    card: str | None = None
    """The id of its sound card (ALSA), when it has one."""

    @property
    def known(self) -> KnownModem | None:
        """Its row of the table."""
        return KNOWN_MODEMS.get(self.usb_id)

    @property
    def shows_disc(self) -> bool:
        """It is a disc of Windows drivers until usb_modeswitch has seen to it."""
        return self.usb_id in STORAGE_MODE and not self.ports

    @property
    def shown(self) -> str:
        """For people: "Huawei E1550 (12d1:1001)"."""
        known = self.known
        name = known.name if known is not None else " ".join(filter(None, (self.maker, self.product))) or "modem"
        return f"{name} ({hexadecimal(self.usb_id)})"

    def tty(self, interface: int | None) -> str | None:
        """The tty of that interface, while there is one."""
        return next((port.tty for port in self.ports if port.interface == interface), None)


class UsbBus:
    """The USB devices of this machine as `sysfs` shows them; `devices` is where the ttys are."""

    def __init__(self, sysfs: Path = Path("/sys"), devices: Path = Path("/dev")) -> None:
        self.sysfs = sysfs
        self._devices = sysfs / "bus" / "usb" / "devices"
        self._classes = (sysfs / "class" / "tty", sysfs / "class" / "sound")
        self._dev = devices

    def device(self, tty: str) -> str:
        """The file to open for a tty."""
        return str(self._dev / tty)

    def modems(self) -> tuple[UsbModem, ...]:
        """All modems that are plugged in now, by place."""
        found = (self.modem(path) for path in sorted(_names(self._devices)) if _USB_PATH.fullmatch(path))
        return tuple(modem for modem in found if modem is not None)

    def modem(self, path: str) -> UsbModem | None:
        """The modem at that place now; None: nothing is there, or something else."""
        device = self._devices / path
        vendor, product = (_number(device / name) for name in ("idVendor", "idProduct"))
        if vendor is None or product is None:
            return None
        usb_id = (vendor, product)
        if usb_id not in KNOWN_MODEMS and vendor not in MODEM_VENDORS:
            return None
        interfaces = sorted(name for name in _names(self._devices) if name.startswith(f"{path}:"))
        modem = UsbModem(
            path=path,
            usb_id=usb_id,
            maker=_text(device / "manufacturer") or MODEM_VENDORS.get(vendor),
            product=_text(device / "product"),
            ports=tuple(sorted(self._ports(interfaces), key=lambda port: port.interface)),
            card=next(self._cards(interfaces), None),
        )
        return modem if modem.ports or modem.shows_disc else None

    def place_of(self, device: str) -> str | None:
        """The place of the modem to which a port belongs; None for a port that is none of a USB modem's."""
        file = os.path.realpath(device)
        for modem in self.modems():
            if file in {os.path.realpath(self.device(port.tty)) for port in modem.ports}:
                return modem.path
        return None

    def fingerprint(self) -> Fingerprint:
        """Changes when anything is plugged in or out; cheap enough for once a second.

        Whatever is plugged in anew has a new inode, under its old name too. Ttys and sound cards come a moment later
        than the device.
        """
        seen: set[tuple[str, int]] = set()
        for directory in (self._devices, *self._classes):
            try:
                with os.scandir(directory) as entries:
                    seen.update((entry.name, entry.inode()) for entry in entries)
            except OSError:
                continue  # no such devices, or they went just now: the next look tells
        return frozenset(seen)

    def _ports(self, interfaces: Iterable[str]) -> Iterator[UsbPort]:
        for name in interfaces:
            directory = self._devices / name
            number = _number(directory / "bInterfaceNumber")
            if number is None:
                continue
            # ttyUSB0 stands in the interface itself (usb-serial), ttyACM0 below "tty" (cdc-acm).
            for tty in sorted(_names(directory) | _names(directory / "tty")):
                if _TTY.fullmatch(tty):
                    yield UsbPort(number, tty)

    def _cards(self, interfaces: Iterable[str]) -> Iterator[str]:
        for name in interfaces:
            sound = self._devices / name / "sound"
            for card in sorted(_names(sound)):
                if _CARD.fullmatch(card):
                    yield _text(sound / card / "id") or card.removeprefix("card")


class BusWatch:
    """Looks at the bus, off the loop, and tells what is there whenever that has changed."""

    def __init__(
        self, bus: UsbBus, changed: Callable[[tuple[UsbModem, ...]], None], news: BusNews | None = None
    ) -> None:
        """`news`: what the kernel tells of devices; None: nothing."""
        self._bus = bus
        self._changed = changed
        self._news = news
        self._busy_until = asyncio.get_running_loop().time() + BUSY_SECONDS
        self._seen: Fingerprint | None = None

    async def look(self) -> None:
        """Look once; `changed` is called when there is news, and at the first look."""
        fingerprint = await asyncio.to_thread(self._bus.fingerprint)
        if fingerprint != self._seen:
            modems = await asyncio.to_thread(self._bus.modems)
            self._seen = fingerprint
            self._changed(modems)

    async def worth_a_look(self) -> None:
        """Wait until it is time for the next look: at once when the kernel has news, else later."""
        if self._news is None:
            await asyncio.sleep(LOOK_SECONDS)
            return
        now = asyncio.get_running_loop().time()
        if await self._news.came(within=LOOK_SECONDS if now < self._busy_until else QUIET_LOOK_SECONDS):
            self._busy_until = asyncio.get_running_loop().time() + BUSY_SECONDS
            await asyncio.sleep(_FLURRY_SECONDS)


def _names(directory: Path) -> set[str]:
    try:
        return {entry.name for entry in directory.iterdir()}
    except OSError:
        return set()  # it is not there, or went while we looked


def _text(file: Path) -> str | None:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")[:80]
    except OSError:
        return None
    return "".join(letter for letter in text if letter.isprintable()).strip() or None


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"), 16)
    except (OSError, ValueError):
        return None
