"""A serial port as a program sees it: a raw PTY behind a name that stays the same."""

from __future__ import annotations

import os
import select
import termios
import tty
from pathlib import Path


class PtyPort:
    """The modem's end of one port. It exists while plugged in, as a real USB port does.

    The slave end is never held open here: what a modem says while nobody has the port open is lost,
    and TIOCEXCL set by a program that was killed dies with the program.
    """

    def __init__(self, link: Path) -> None:
        self.link = link
        self._master: int | None = None
        self._poll = select.poll()

    @property
    def descriptor(self) -> int | None:
        """The master end, non-blocking; None while unplugged."""
        return self._master

    @property
    def is_open(self) -> bool:
        """Some program has the port open now."""
        if self._master is None:
            return False
        return not any(event & select.POLLHUP for _, event in self._poll.poll(0))

    def plug(self) -> None:
        """Make the port and its name appear."""
        if self._master is not None:
            return
        master, slave = os.openpty()
        tty.setraw(slave, termios.TCSANOW)
        target = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(master, False)
        os.set_inheritable(master, False)
        self._master = master
        self._poll = select.poll()
        self._poll.register(master, 0)
        fresh = self.link.with_name(self.link.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(self.link)

    def unplug(self) -> None:
        """Take the port away: whoever has it open gets EIO, the name is gone."""
        if self._master is None:
            return
        self.link.unlink(missing_ok=True)
        os.close(self._master)
        self._master = None

    def read(self) -> bytes | None:
        """What has arrived, b"" when nothing has; None when nobody has the port open (or it is unplugged)."""
        if self._master is None:
            return None
        try:
            return os.read(self._master, 65536)
        except BlockingIOError:
            return b""
        except OSError:  # EIO: the last program has closed it
            return None

    def write(self, data: bytes) -> int:
        """Send; how many bytes went. What nobody has the port open for counts as sent, and is lost."""
        if self._master is None or not self.is_open:
            return len(data)
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)
