"""The AT port of a modem on the event loop: bytes in, bytes out, each of them logged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.emulator.at_log import AtLog
from gateway.emulator.pty_port import PtyPort

_LOOK_SECONDS = 0.02
"""How often a closed port is looked at, to see whether a program has opened it."""
_MOST_PENDING_BYTES = 262_144


class AtPort:
    """From `plug` to `unplug` it takes what the host sends, and gives what is sent to it."""

    def __init__(self, port: PtyPort, log: AtLog) -> None:
        self.log = log
        self._port = port
        self._received: Callable[[bytes], None]
        self._opened: Callable[[], None]
        self._pending = bytearray()
        self._reading = False
        self._writing = False
        self._look: asyncio.TimerHandle | None = None

    def plug(self, received: Callable[[bytes], None], opened: Callable[[], None]) -> None:
        """The port appears; `received` gets what the host sends, `opened` is called when a program opens it."""
        self._received, self._opened = received, opened
        self._port.plug()
        self._look_for_host()

    def unplug(self) -> None:
        """The port goes."""
        self._stop_reading()
        self._stop_writing()
        if self._look is not None:
            self._look.cancel()
            self._look = None
        self._port.unplug()

    def send(self, data: bytes) -> None:
        """Send to the host, if a program has the port open; what exceeds 256 KiB unread is lost."""
        if not self._port.is_open:
            return
        self.log.add(data, to_modem=False)
        if len(self._pending) + len(data) <= _MOST_PENDING_BYTES:
            self._pending += data
        self._flush()

    def _flush(self) -> None:
        descriptor = self._port.descriptor
        if descriptor is None:
            return
        del self._pending[: self._port.write(bytes(self._pending))]
        if self._pending and not self._writing:
            self._writing = True
            asyncio.get_running_loop().add_writer(descriptor, self._flush)
        elif not self._pending:
            self._stop_writing()

    def _stop_writing(self) -> None:
        if self._writing and self._port.descriptor is not None:
            asyncio.get_running_loop().remove_writer(self._port.descriptor)
        self._writing = False
        self._pending.clear()

    def _look_for_host(self) -> None:
        loop = asyncio.get_running_loop()
        if self._port.is_open and self._port.descriptor is not None:
            self._look = None
            self._reading = True
            loop.add_reader(self._port.descriptor, self._readable)
            self._opened()
        else:
            self._look = loop.call_later(_LOOK_SECONDS, self._look_for_host)

    def _readable(self) -> None:
        data = self._port.read()
        if data is None:
            self._stop_reading()
            self._stop_writing()
            self._look_for_host()
        elif data:
            self.log.add(data, to_modem=True)
            self._received(data)

    def _stop_reading(self) -> None:
        if self._reading and self._port.descriptor is not None:
            asyncio.get_running_loop().remove_reader(self._port.descriptor)
        self._reading = False
