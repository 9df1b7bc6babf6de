"""A serial port as a bare file descriptor on the event loop, held exclusively.

Half the CPU of the usual wrappers, and an unplugged device is seen at once: EOF and EIO take the
reader off the loop (it would spin otherwise) and report the loss, once. Baud rates mean nothing on
USB; 115200 is set because some UART bridges listen to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import termios
from collections.abc import Callable
from typing import Protocol, TypeAlias

from gateway.errors import ModemLost, PortBusy
from gateway.media_loop import no_longer_readable, on_readable

log = logging.getLogger(__name__)

READ_BYTES = 16 * 1024
VOICE_READ_BYTES = 2 * 1024
"""A fifth of what a modem may have waiting: the loop comes back while there is more."""
BACKLOG_BYTES = 16 * 1024
"""So much may wait for a port that does not drain; more, and the port counts as lost."""

_C_CC = 6
_IFLAG, _OFLAG, _CFLAG, _LFLAG, _ISPEED, _OSPEED = range(6)


class BytePort(Protocol):
    """What the AT channel needs of a port."""

    @property
    def is_open(self) -> bool:
        """False once the port was closed or lost."""

    def write(self, data: bytes) -> None:
        """Send all of it, now or as the port drains; silently nothing on a port that is not open."""


class ClosablePort(BytePort, Protocol):
    """What a session needs besides."""

    def close(self, *, drop_output: bool = True) -> None:
        """Close it; idempotent. What was not sent is dropped, unless asked for."""


OpenPort: TypeAlias = Callable[[str, Callable[[bytes], None], Callable[[], None]], ClosablePort]
"""Opens the port of that path: what arrives goes to the first callback, its loss to the second."""


class SerialPort:
    """An open, locked port. `on_data` gets what arrives; `on_lost` is called once, when the device is gone."""

    def __init__(
        self,
        path: str,
        on_data: Callable[[bytes], None],
        on_lost: Callable[[], None],
        *,
        carries_voice: bool = False,
    ) -> None:
        """Open it. Raises PortBusy where another program holds it, ModemLost where it cannot be opened.

        What `carries_voice` is served before everything else on the media loop.
        """
        self.path = path
        self._on_data = on_data
        self._on_lost = on_lost
        self._backlog = bytearray()
        self._loop = asyncio.get_running_loop()
        self._descriptor: int | None = open_locked(path)
        self._carries_voice = carries_voice
        self._read_bytes = VOICE_READ_BYTES if carries_voice else READ_BYTES
        try:
            if carries_voice:
                on_readable(self._descriptor, self._read)
            else:
                self._loop.add_reader(self._descriptor, self._read)
        except PermissionError:  # epoll's word for a file or a directory
            close_locked(self._descriptor)
            raise ModemLost(f"{path} is no port.", port=path) from None

    @property
    def is_open(self) -> bool:
        """False once the port was closed or lost."""
        return self._descriptor is not None

    def write(self, data: bytes) -> None:
        """Send all of it, now or as the port drains; silently nothing on a port that is not open."""
        if self._descriptor is None:
            return
        if self._backlog:
            self._backlog += data
        else:
            sent = self._write_now(data)
            if self._descriptor is None or sent == len(data):
                return
            self._backlog += data[sent:]
            self._loop.add_writer(self._descriptor, self._drain)
        if len(self._backlog) > BACKLOG_BYTES:
            log.warning("%s takes no more data.", self.path)
            self._lose()

    def write_or_drop(self, data: bytes) -> int:
        """Send what fits at this moment: the count of bytes sent. For audio, which must not wait."""
        return self._write_now(data)

    def flush_input(self) -> None:
        """Drop what has arrived and was not read yet."""
        if self._descriptor is None:
            return
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(self._descriptor, termios.TCIFLUSH)
        with contextlib.suppress(OSError):
            while os.read(self._descriptor, READ_BYTES):
                pass

    def close(self, *, drop_output: bool = True) -> None:
        """Close it; idempotent. What was not sent is dropped, so that a dead USB device cannot block us."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        if self._carries_voice:
            no_longer_readable(descriptor)
        else:
            self._loop.remove_reader(descriptor)
        self._loop.remove_writer(descriptor)
        close_locked(descriptor, drop_output=drop_output)

    def _read(self) -> None:
        if self._descriptor is None:
            return
        try:
            data = os.read(self._descriptor, self._read_bytes)
        except BlockingIOError:
            return
        except OSError as fault:
            log.debug("%s: %s", self.path, fault)
            data = b""
        if data:
            self._on_data(data)
        else:
            self._lose()

    def _write_now(self, data: bytes | bytearray) -> int:
        if self._descriptor is None:
            return 0
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except OSError as fault:
            log.debug("%s: %s", self.path, fault)
            # Not from within a caller's write: it learns of the loss as everybody else does.
            self._loop.call_soon(self._lose)
            return 0

    def _drain(self) -> None:
        del self._backlog[: self._write_now(self._backlog)]
        if not self._backlog and self._descriptor is not None:
            self._loop.remove_writer(self._descriptor)

    def _lose(self) -> None:
        if self._descriptor is not None:
            self.close()
            self._on_lost()


def open_locked(path: str) -> int:
    """Open a port raw, non-blocking and exclusively. Raises PortBusy or ModemLost."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as fault:
        if fault.errno == errno.EBUSY:
            raise PortBusy(f"Another program holds {path}.", port=path) from None
        raise ModemLost(f"{path} cannot be opened: {fault.strerror}.", port=path) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise PortBusy(f"Another program holds {path}.", port=path) from None
    with contextlib.suppress(OSError, termios.error):  # not a tty: a socket or pipe in its place
        if _mark_dies_with_us(descriptor):
            fcntl.ioctl(descriptor, termios.TIOCEXCL)
        _make_raw(descriptor)
    return descriptor


def close_locked(descriptor: int, *, drop_output: bool = True) -> None:
    """Give the port back: unlocked, closed, without waiting for a device that does not drain."""
    with contextlib.suppress(OSError, termios.error):
        # The mark stays on a terminal that somebody else keeps open, and would lock us out next time.
        fcntl.ioctl(descriptor, termios.TIOCNXCL)
    if drop_output:
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(descriptor, termios.TCOFLUSH)
    with contextlib.suppress(OSError):
        os.close(descriptor)


def _mark_dies_with_us(descriptor: int) -> bool:
    """Whether TIOCEXCL cannot lock us out after a crash.

    A real terminal forgets the mark at the last close. A pseudo-terminal keeps it for as long as its
    other side is open, and then nobody but root could open it again after a kill -9.
    """
    return os.geteuid() == 0 or not os.ttyname(descriptor).startswith("/dev/pts/")


def _make_raw(descriptor: int) -> None:
    """115200 8N1, no translation, no echo, no flow control by software; the modem's control lines are ignored."""
    attributes = termios.tcgetattr(descriptor)
    attributes[_IFLAG] = 0
    attributes[_OFLAG] = 0
    attributes[_CFLAG] = termios.CS8 | termios.CREAD | termios.CLOCAL
    attributes[_LFLAG] = 0
    attributes[_ISPEED] = attributes[_OSPEED] = termios.B115200
    control = attributes[_C_CC]
    control[termios.VMIN] = 1
    control[termios.VTIME] = 0
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
