"""SIP between a browser and us, through the panel: the messages of RFC 7118 without a WebSocket of their own.

Who opens a tunnel has signed in to the panel, and speaks as one extension; no password of a phone goes to a browser.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import cycle

from gateway.ids import new_id
from gateway.sip.transport import Address, Receive, is_wildcard, local_host_towards

TRANSPORT = "WSS"
"""What a Via calls it (RFC 7118 section 4.2): it is as safe as the panel's own connection."""
MOST_TUNNELS = 16
_MOST_WAITING = 200
_PORTS = range(1, 1_024)
"""A browser has no port of its own; what stands for it is one that no phone sends from."""


@dataclass(frozen=True, slots=True)
class TunnelFlow:
    """A way to one browser."""

    tunnel: Tunnel = field(repr=False)
    remote: Address
    local: Address
    transport: str = TRANSPORT
    reliable: bool = True

    @property
    def is_open(self) -> bool:
        """The browser listens."""
        return self.tunnel.is_open

    @property
    def extension(self) -> str:
        """As which phone the browser speaks."""
        return self.tunnel.extension

    def send(self, data: bytes) -> None:
        """Send one message; to a browser that has gone it is lost."""
        self.tunnel.put(data)

    def towards(self, remote: Address) -> TunnelFlow:  # noqa: ARG002  # the seam of every Flow
        """The same tunnel: whatever address the browser names, it is reached on this way."""
        return self


class Tunnel:
    """One browser's messages. It is over when nobody reads them any more."""

    def __init__(self, extension: str, owner: str) -> None:
        self.id = new_id()
        self.extension = extension
        self.owner = owner
        """Who has signed in, and alone may send by it."""
        self.is_open = True
        self._waiting: deque[bytes] = deque()
        self._awake = asyncio.Event()

    def put(self, data: bytes) -> None:
        """A message for the browser; one that does not read is given up."""
        if len(self._waiting) >= _MOST_WAITING:
            self.close()
        if self.is_open:
            self._waiting.append(data)
            self._awake.set()

    async def messages(self, *, silence: float) -> AsyncIterator[bytes]:
        """Each message, as it comes, until the tunnel is closed; empty after so many seconds without one."""
        while self.is_open:
            while self._waiting:
                yield self._waiting.popleft()
            self._awake.clear()
            try:
                async with asyncio.timeout(silence):
                    await self._awake.wait()
            except TimeoutError:
                yield b""

    def close(self) -> None:
        """It is over; idempotent."""
        self.is_open = False
        self._awake.set()


class Tunnels:
    """All that are open."""

    def __init__(
        self, receive: Receive, on_lost: Callable[[Address], None], bound: Callable[[], list[Address]]
    ) -> None:
        """`on_lost` gets what stood for a browser's address when its tunnel is over; `bound` is where we listen."""
        self._receive = receive
        self._on_lost = on_lost
        self._bound = bound
        self._flows: dict[str, TunnelFlow] = {}
        self._ports = cycle(_PORTS)

    @property
    def is_full(self) -> bool:
        """No further one is opened now."""
        return len(self._flows) >= MOST_TUNNELS

    def open(self, extension: str, host: str, owner: str) -> Tunnel:
        """For a browser at that address, which speaks as that extension from now on; `owner` alone may use it."""
        tunnel = Tunnel(extension, owner)
        remote = Address(host, next(self._ports))
        self._flows[tunnel.id] = TunnelFlow(tunnel, remote, self._local_towards(host))
        return tunnel

    def receive(self, tunnel_id: str, owner: str, data: bytes) -> bool:
        """A message of the browser's; False when that owner has no such tunnel."""
        flow = self._flows.get(tunnel_id)
        if flow is None or flow.tunnel.owner != owner or not flow.is_open:
            return False
        self._receive(data, flow)
        return True

    def close(self, tunnel_id: str) -> None:
        """The browser is gone; idempotent."""
        flow = self._flows.pop(tunnel_id, None)
        if flow is not None:
            flow.tunnel.close()
            self._on_lost(flow.remote)

    def close_all(self) -> None:
        """We are going."""
        for tunnel_id in tuple(self._flows):
            self.close(tunnel_id)

    def _local_towards(self, host: str) -> Address:
        """Our address as the browser reaches it: where media has to be, for a browser on this machine too."""
        port = self._bound()[0].port if self._bound() else 5060
        known = next((each.host for each in self._bound() if not is_wildcard(each.host)), None)
        if known is not None:
            return Address(known, port)
        towards = "192.0.2.1" if ipaddress.ip_address(host).is_loopback else host
        return Address(local_host_towards(towards) or "127.0.0.1", port)
