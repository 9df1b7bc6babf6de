"""The door of the SIP side without its wires: the real guard, book and alerts, and where phones are signed in."""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway.api.security_routes import SipDoor
from gateway.clock import utc_now
from gateway.events import Publish
from gateway.sip.guard import Guard
from gateway.sip.login_book import LoginBook
from gateway.sip.stranger_alerts import StrangerAlerts
from gateway.telephony.shop import Shop


class KnownDoor:
    """`fails` is what an attacker does; `bound` has extensions by host; `noted` is what went on record."""

    def __init__(self, shop: Callable[[], Shop], publish: Publish = lambda _event: None) -> None:
        self.bound: dict[str, tuple[str, ...]] = {}
        self.noted: list[tuple[str, str, str]] = []
        self.breaks: Exception | None = None
        """What putting on record fails with."""
        self.guard = Guard(time.monotonic)
        book = LoginBook(
            self.guard,
            StrangerAlerts(publish),
            shop,
            now=time.monotonic,
            clock=utc_now,
            bound_at=lambda host: self.bound.get(host, ()),
        )
        self.door = SipDoor(logins=book, note=self.note)

    async def note(self, by: str, action: str, subject: str) -> None:
        if self.breaks is not None:
            raise self.breaks
        self.noted.append((by, action, subject))

    def fails(self, host: str, account: str, times: int = 5) -> None:
        """So many wrong passwords; five are a ban."""
        for _ in range(times):
            self.guard.has_failed(host, account)
