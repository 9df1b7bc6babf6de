"""The tunnels of a server that keeps what browsers have said."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from gateway.api.browser_phone_routes import BrowserPhones
from gateway.sip.transport import Address, Flow
from gateway.sip.tunnel import Tunnels
from gateway.telephony.shop import ShopView


@dataclass
class FakeBrowserPhones:
    """The real tunnels; what came is in `said`, and by which way in `flows`."""

    shop: ShopView
    said: list[bytes] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    lost: list[Address] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.has_lost = asyncio.Event()
        self.tunnels = Tunnels(self._receive, self._lose, lambda: [Address("127.0.0.1", 5060)])
        self.noted: list[tuple[str, str, str]] = []
        self.phones = BrowserPhones(
            self.tunnels, lambda extension: self.shop().phone(extension) is not None, self._note
        )

    async def _note(self, extension: str, *, by: str, address: str) -> None:
        self.noted.append((extension, by, address))

    def _lose(self, remote: Address) -> None:
        self.lost.append(remote)
        self.has_lost.set()

    def _receive(self, data: bytes, flow: Flow) -> None:
        self.said.append(data)
        self.flows.append(flow)
