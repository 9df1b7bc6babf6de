"""Whether this machine is in a network at all: an address, and a way out of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from gateway.events import AlertCleared, AlertRaised, Publish
from gateway.sip.addresses import machine_addresses

LOOK_SECONDS = 30.0
GONE_SECONDS = 120.0
"""A router that restarts is back by then."""
CODE, SUBJECT = "network-gone", "network"
_ROUTES, _ROUTES_6 = Path("/proc/net/route"), Path("/proc/net/ipv6_route")
_IS_UP = 0x1
"""RTF_UP of <linux/route.h>."""


def is_connected() -> bool:
    """An address besides those of the loopback interface, and a default route that is up."""
    return bool(machine_addresses()) and has_default_route(_ROUTES, _ROUTES_6)


def has_default_route(routes: Path, routes_6: Path) -> bool:
    """As the kernel lists them: /proc/net/route and /proc/net/ipv6_route (proc(5))."""
    names = {name for _, name in socket.if_nameindex() if name != "lo"}
    for line in _lines(routes)[1:]:
        interface, destination, _gateway, flags, *_ = line.split()
        if destination == "00000000" and int(flags, 16) & _IS_UP and interface in names:
            return True
    for line in _lines(routes_6):
        destination, length, *_, flags, interface = line.split()
        if (destination, length) == ("0" * 32, "00") and int(flags, 16) & _IS_UP and interface in names:
            return True
    return False


class NetworkWatch:
    """Raises an alert when the network has been gone for a while, for as long as `run` is not cancelled."""

    def __init__(self, publish: Publish, look: Callable[[], bool] = is_connected) -> None:
        self._publish = publish
        self._look = look

    async def run(self) -> NoReturn:
        """Look twice a minute. A machine that never was in a network, as on a bench, misses none."""
        loop = asyncio.get_running_loop()
        was_seen, is_raised, seen_at = False, False, loop.time()
        while True:
            if self._look():
                was_seen, seen_at = True, loop.time()
                if is_raised:
                    self._publish(AlertCleared(code=CODE, subject=SUBJECT))
                    is_raised = False
            elif was_seen and not is_raised and loop.time() - seen_at >= GONE_SECONDS:
                self._publish(AlertRaised(code=CODE, subject=SUBJECT, values={}))
                is_raised = True
            await asyncio.sleep(LOOK_SECONDS)


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text("ascii").splitlines() if line.strip()]
    except OSError:  # a kernel without it
        return []
