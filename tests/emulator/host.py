"""A program on the other side of an emulated modem: plain file descriptors and nothing of the gateway."""

from __future__ import annotations

import asyncio
import os
import time
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.emulator.emulator import Emulator, ModemOrder
from gateway.emulator.modem import Modem
from gateway.emulator.network import Pace

QUICK = Pace(alert=0.02, page=0.02, patience=0.5, message=0.02, ussd=0.02)

FINALS = ("OK", "ERROR", "NO CARRIER", "BUSY", "NO ANSWER")


class Host:
    """Opens the ports of a modem, sends commands, collects lines and sound."""

    def __init__(self, modem: Modem, directory: Path) -> None:
        self.text = b""
        self.sound = bytearray()
        self.sound_chunks: list[tuple[float, int]] = []
        self._at_path = directory / f"{modem.name}-at"
        self._voice_path = directory / f"{modem.name}-voice"
        self._at: int | None = None
        self._voice: int | None = None
        self._arrived = asyncio.Event()

    def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._at = _open(self._at_path)
        self._voice = _open(self._voice_path)
        loop.add_reader(self._at, self._read_at)
        loop.add_reader(self._voice, self._read_voice)

    def close(self) -> None:
        loop = asyncio.get_running_loop()
        for descriptor in (self._at, self._voice):
            if descriptor is not None:
                loop.remove_reader(descriptor)
                os.close(descriptor)
        self._at = self._voice = None

    @property
    def lines(self) -> list[str]:
        return [line for line in self.text.decode("latin-1").replace("\r", "\n").split("\n") if line]

    def write(self, data: bytes) -> None:
        assert self._at is not None
        os.write(self._at, data)

    def speak(self, data: bytes) -> None:
        assert self._voice is not None
        os.write(self._voice, data)

    async def until(self, *ends: str, within: float = 3.0) -> list[str]:
        """Wait until a line that starts with one of `ends` has come; the lines up to it, which are then forgotten."""
        async with asyncio.timeout(within):
            while not any(line.startswith(ends) for line in self._whole_lines()):
                self._arrived.clear()
                await self._arrived.wait()
        said = []
        while True:
            line, _, self.text = self.text.replace(b"\r", b"\n").partition(b"\n")
            said += [line.decode("latin-1")] if line else []
            if said and said[-1].startswith(ends):
                self.text = self.text.removeprefix(b"\n")
                return said

    def _whole_lines(self) -> list[str]:
        return self.text[: self.text.rfind(b"\n") + 1].decode("latin-1").replace("\r", "\n").split("\n")

    async def ask(self, command: str, within: float = 3.0) -> list[str]:
        """Send a command; its answer, with whatever else came, up to the final result."""
        self.text = b""
        self.write(command.encode() + b"\r")
        return await self.until(*FINALS, "+CME ERROR", "+CMS ERROR", within=within)

    async def quiet(self, seconds: float = 0.1) -> list[str]:
        """What comes by itself within a time."""
        await asyncio.sleep(seconds)
        lines, self.text = self.lines, b""
        return lines

    def _read_at(self) -> None:
        assert self._at is not None
        try:
            self.text += os.read(self._at, 65536)
        except OSError:  # unplugged
            asyncio.get_running_loop().remove_reader(self._at)
        self._arrived.set()

    def _read_voice(self) -> None:
        assert self._voice is not None
        try:
            data = os.read(self._voice, 65536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self._voice)
            return
        self.sound_chunks.append((time.monotonic(), len(data)))
        self.sound += data


def _open(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(descriptor)
    return descriptor


@asynccontextmanager
async def one_modem(
    directory: Path, family: str = "huawei", *, is_noisy: bool = False, pin: str | None = None, ppm: float = 0.0
) -> AsyncIterator[tuple[Emulator, Modem, Host]]:
    """An emulator with one modem, a quick network, and a host that has its ports open, echo off."""
    async with Emulator(directory, pace=QUICK) as emulator:
        modem = emulator.add_modem(ModemOrder(family=family, is_noisy=is_noisy, pin=pin, ppm=ppm))
        host = Host(modem, directory)
        host.open()
        try:
            await host.ask("ATE0")
            yield emulator, modem, host
        finally:
            host.close()
