"""The kernel's own word that a device came or went (netlink, NETLINK_KOBJECT_UEVENT; include/linux/netlink.h)."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

log = logging.getLogger(__name__)

_KOBJECT_UEVENT = 15
_FROM_THE_KERNEL = 1
"""The group of what the kernel says; udev repeats it to another one."""
_FIRST_USER_NAMESPACE = 0xEFFFFFFD
"""PROC_USER_INIT_INO of include/linux/proc_ns.h. In any other one the socket opens, and nothing is ever said."""
_OURS = re.compile(rb"\0SUBSYSTEM=(?:usb|tty|sound)\0")
_LONGEST_BYTES = 8192


def kernel_socket(sysfs: Path) -> socket.socket | None:
    """Where the kernel tells of devices; None: not for that copy of sysfs, or not to us."""
    if sysfs != Path("/sys"):
        return None
    try:
        if Path("/proc/self/ns/user").stat().st_ino != _FIRST_USER_NAMESPACE:
            return None
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        opened = socket.socket(socket.AF_NETLINK, kind, _KOBJECT_UEVENT)
    except OSError as fault:
        log.debug("The kernel tells nothing of devices: %s", fault)
        return None
    try:
        opened.bind((0, _FROM_THE_KERNEL))
    except OSError as fault:
        log.debug("The kernel tells nothing of devices: %s", fault)
        opened.close()
        return None
    return opened


class BusNews:
    """Within `with` on the running loop: `came` waits for news of USB devices, ttys or sound cards."""

    def __init__(self, source: socket.socket) -> None:
        """`source` is closed at the end."""
        self._source = source
        self._news = asyncio.Event()

    def __enter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._source.fileno(), self._read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._source.fileno())
        self._source.close()

    async def came(self, *, within: float) -> bool:
        """Wait for news, at most so many seconds; False: there was none."""
        try:
            async with asyncio.timeout(within):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True

    def _read(self) -> None:
        while True:
            try:
                message = self._source.recv(_LONGEST_BYTES)
            except BlockingIOError:
                return
            except OSError as fault:  # ENOBUFS: more was said than the socket could hold
                log.debug("News of devices were lost: %s", fault)
                self._news.set()
                return
            if _OURS.search(message):
                self._news.set()
