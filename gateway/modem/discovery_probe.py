"""Asks a port whether it speaks AT: gently, and never a port that somebody else has open."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from gateway.errors import ModemLost, PortBusy
from gateway.modem.serial_port import SerialPort

PATIENCE_SECONDS = 1.0
_TRIES = 2


async def speaks_at(device: str) -> bool:
    """Whether AT is answered with OK. Raises PortBusy while another program holds the port; False when it is gone."""
    heard = bytearray()
    answered = asyncio.Event()

    def take(data: bytes) -> None:
        heard.extend(data[-256:])
        del heard[:-512]  # a port that pours out diagnosis text is no reason to keep it
        if b"\r\nOK\r\n" in heard or b"\rOK\r" in heard:
            answered.set()

    try:
        port = SerialPort(device, take, answered.set)
    except ModemLost:
        return False
    try:
        for _ in range(_TRIES):
            port.write(b"AT\r")
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await answered.wait()
            except TimeoutError:
                continue
            return port.is_open
        return False
    finally:
        port.close()


async def first_that_speaks_at(devices: Iterable[str]) -> str | None:
    """The first of these ports that answers; None when none does.

    Raises PortBusy when none answers and another program holds one of them: it may have the right one.
    """
    busy: PortBusy | None = None
    for device in devices:
        try:
            if await speaks_at(device):
                return device
        except PortBusy as fault:
            busy = busy or fault
    if busy is not None:
        raise busy
    return None
