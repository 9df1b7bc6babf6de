"""Where the ports of a modem are: as gateway.toml says, or wherever the kernel has put them now."""

from __future__ import annotations

import asyncio
import os
from typing import Protocol

from gateway.errors import ModemLost
from gateway.modem.discovery import UsbBus, UsbModem
from gateway.modem.discovery_probe import first_that_speaks_at
from gateway.settings import ModemSettings

PORTS_SETTLE_SECONDS = 3.0
"""The ports of a stick come one after the other; so long is waited for those that the table promises."""
ASK_AGAIN_SECONDS = 30.0
"""A modem whose ports are all silent is left in peace for so long, unless it is plugged in anew."""
_LOOK_SECONDS = 0.25
_UNKNOWN_PORT = "port-unknown"
_DISC = "mode-switch-needed"


class Place(Protocol):
    """Where one modem is plugged in, or was."""

    @property
    def path(self) -> str | None:
        """The place at the USB bus ("1-1.4"); None when it is no USB modem's, or not known."""

    @property
    def device(self) -> str | None:
        """What the USB bus calls it: "Huawei E1550 (12d1:1001)"; None where it is not known."""

    @property
    def why_not(self) -> str:
        """A code of the error catalogue: why the last `locate` gave None."""

    async def locate(self, *, ask: bool) -> ModemSettings | None:
        """The ports now; None while the modem is not there, or cannot be spoken to.

        `ask`: the ports that are thought right have failed; ask each one whether it speaks AT. Raises PortBusy
        when another program holds the one that might be right.
        """


class FixedPlace:
    """The ports of a [[modems]] entry."""

    why_not = ModemLost.code

    def __init__(self, settings: ModemSettings, bus: UsbBus) -> None:
        self._settings = settings
        self._bus = bus
        self._found: UsbModem | None = None

    @property
    def path(self) -> str | None:
        """See Place."""
        return self._found.path if self._found is not None else None

    @property
    def device(self) -> str | None:
        """See Place."""
        return self._found.shown if self._found is not None else None

    async def locate(self, *, ask: bool) -> ModemSettings | None:
        """See Place. What the owner has written down is never doubted."""
        del ask
        if not os.path.exists(self._settings.at):  # noqa: ASYNC240, PTH110  # one stat of a device node
            return None
        self._found = await asyncio.to_thread(self._owner) or self._found
        return self._settings

    def _owner(self) -> UsbModem | None:
        path = self._bus.place_of(self._settings.at)
        return self._bus.modem(path) if path is not None else None


class UsbPlace:
    """A socket of the USB bus, and the modem in it."""

    def __init__(self, name: str, found: UsbModem, bus: UsbBus) -> None:
        self.why_not = ModemLost.code
        self._silent: tuple[UsbModem, float] | None = None
        """A modem none of whose ports has answered, and until when it is not asked again."""
        self._name = name
        self._path = found.path
        self._found = found
        self._bus = bus

    @property
    def path(self) -> str:
        """See Place."""
        return self._path

    @property
    def device(self) -> str:
        """See Place."""
        return self._found.shown

    async def locate(self, *, ask: bool) -> ModemSettings | None:
        """See Place."""
        found = await self._settled()
        self.why_not = ModemLost.code if found is None else _UNKNOWN_PORT if found.ports else _DISC
        if found is None or not found.ports:
            return None
        self._found = found
        known = found.known
        at = next((tty for tty in map(found.tty, known.at) if tty is not None), None) if known is not None else None
        voice = found.tty(known.voice) if known is not None else None
        if at is None or ask:
            spoken = await self._asked(found, first=at, never=voice)
            at = spoken or at
        if at is None:
            return None
        return ModemSettings(
            name=self._name,
            at=self._bus.device(at),
            voice=f"alsa:hw:CARD={found.card},DEV=0" if found.card is not None else self._file(voice),
        )

    async def _settled(self) -> UsbModem | None:
        """The modem, once the ports that the table promises are there, or have had their time."""
        deadline = asyncio.get_running_loop().time() + PORTS_SETTLE_SECONDS
        while True:
            found = await asyncio.to_thread(self._bus.modem, self._path)
            if found is None or not found.ports or _is_whole(found):
                return found
            if asyncio.get_running_loop().time() >= deadline:
                return found
            await asyncio.sleep(_LOOK_SECONDS)

    async def _asked(self, found: UsbModem, *, first: str | None, never: str | None) -> str | None:
        """The tty that answers AT, the likely one first; the port of the voice is not asked."""
        now = asyncio.get_running_loop().time()
        if first is None and self._silent is not None and self._silent[0] == found and now < self._silent[1]:
            return None
        ttys = [port.tty for port in found.ports if port.tty not in (first, never)]
        devices = {self._bus.device(tty): tty for tty in ([first] if first is not None else []) + ttys}
        spoken = await first_that_speaks_at(devices)
        self._silent = (found, now + ASK_AGAIN_SECONDS) if spoken is None else None
        return devices[spoken] if spoken is not None else None

    def _file(self, tty: str | None) -> str | None:
        return self._bus.device(tty) if tty is not None else None


def _is_whole(found: UsbModem) -> bool:
    known = found.known
    if known is None:
        return False
    return found.tty(known.at[0]) is not None and (known.voice is None or found.tty(known.voice) is not None)
