"""USB power: the daemon's wish to have one socket switched off and on again, and root's side that does it.

The daemon has no right over USB devices. The only unit that it may start (systemd/50-simbridge.rules) is
`simbridge-usb-power@PLACE.service`, which runs this file as root for one place at the bus. It trusts nothing of
what it is given: the place must be written as one, and must be empty or hold a modem.

This module is run on its own and imports nothing that must be installed.
"""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from gateway.modem.discovery_table import MODEM_VENDORS

log = logging.getLogger(__name__)

OFF_SECONDS = 3.0
"""Long enough for the capacitors of a stick to run empty."""
UNIT_SECONDS = 30.0
_PLACE = re.compile(r"([0-9]+)-(?:[0-9]+\.)*([0-9]+)", re.ASCII)


class UsbPower(Protocol):
    """Who can take the power from a USB socket."""

    def can_cycle(self, place: str) -> bool:
        """Whether there is a hub there that can, as far as the kernel tells."""

    async def cycle(self, place: str) -> bool:
        """Switch the socket off and on again; False when that cannot be done."""


class UsbPowerUnit:
    """Has root do it, by the one unit that we may start."""

    def __init__(self, systemctl: str = "systemctl", sysfs: Path = Path("/sys")) -> None:
        self._systemctl = systemctl
        self._devices = sysfs / "bus" / "usb" / "devices"

    def can_cycle(self, place: str) -> bool:
        """See UsbPower."""
        return shutil.which(self._systemctl) is not None and _switch(self._devices, place) is not None

    async def cycle(self, place: str) -> bool:
        """See UsbPower."""
        program = shutil.which(self._systemctl)
        if program is None or not is_place(place):
            return False
        process = await asyncio.create_subprocess_exec(
            program, "--no-ask-password", "start", f"simbridge-usb-power@{place}.service",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(UNIT_SECONDS):
                return await process.wait() == 0
        except TimeoutError:
            return False
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def is_place(place: str) -> bool:
    """Whether this is how the kernel writes a place at the USB bus: 1-1.4."""
    return len(place) <= 40 and _PLACE.fullmatch(place) is not None


def cycle(place: str, *, sysfs: Path = Path("/sys"), wait: Callable[[float], None] = time.sleep) -> str:
    """Take the power from one socket and give it back; says how. Raises ValueError, in a sentence, when it must not.

    `disable` of the hub's port cuts the power where the hub can (Linux 6.0, ABI sysfs-bus-usb); where the
    kernel has no such file, `authorized` at least has the device start anew on the bus.
    """
    if not is_place(place):
        raise ValueError("That is no place at the USB bus; it is written like 1-1.4.")
    devices = sysfs / "bus" / "usb" / "devices"
    device = devices / place
    if device.exists() and not _is_modem(device):
        raise ValueError(f"What is plugged in at {place} is no modem; its power is left alone.")
    switch = _switch(devices, place)
    if switch is not None:
        return _off_and_on(switch, off="1", on="0", wait=wait, how="power")
    authorized = device / "authorized"
    if authorized.exists():
        return _off_and_on(authorized, off="0", on="1", wait=wait, how="authorization")
    raise ValueError(f"Nothing at {place} can be switched off.")


def main(arguments: list[str]) -> int:
    """`python -m gateway.modem.usb_power PLACE`; the exit status says whether it was done."""
    if len(arguments) != 1:
        print("Give one place at the USB bus, such as 1-1.4.", file=sys.stderr)
        return 2
    try:
        how = cycle(arguments[0])
    except (ValueError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 1
    print(f"{arguments[0]} was switched off and on ({how}).")
    return 0


def _is_modem(device: Path) -> bool:
    try:
        return int((device / "idVendor").read_text(encoding="ascii"), 16) in MODEM_VENDORS
    except (OSError, ValueError):
        return False


def _switch(devices: Path, place: str) -> Path | None:
    """The file that switches the hub's port: 1-1.4 is port 4 of the hub 1-1, and 1-1 is port 1 of usb1."""
    match = _PLACE.fullmatch(place)
    if match is None:
        return None
    bus, port = match.groups()
    hub, _, _ = place.rpartition(".")
    interface, name = (f"{hub}:1.0", f"{hub}-port{port}") if hub else (f"{bus}-0:1.0", f"usb{bus}-port{port}")
    switch = devices / interface / name / "disable"
    return switch if switch.exists() else None


def _off_and_on(switch: Path, *, off: str, on: str, wait: Callable[[float], None], how: str) -> str:
    switch.write_text(off, encoding="ascii")
    try:
        wait(OFF_SECONDS)
    finally:
        switch.write_text(on, encoding="ascii")  # whatever happens: never leave a socket dead
    return how


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
