"""Visitors of the shop's web site who wanted to be called: bounded, kept for a while, and told with their calls."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from gateway.clock import WallClock, wire_time
from gateway.store.schema_site import site_visits
from gateway.store.writer import Writer
from gateway.telephony.shop import ShopView
from gateway.telephony.widget import SiteVisit

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_NET_BITS = 64
"""Whoever has an address of IPv6 has all of these."""


def visit_of_call(connection: Connection, visit_id: str | None) -> dict[str, object] | None:
    """The schema `SiteVisit` of the visit that asked for a call; None: none did, or it is forgotten."""
    if visit_id is None:
        return None
    row = connection.execute(select(site_visits).where(site_visits.c.id == visit_id)).first()
    return visit_wire(row) if row is not None else None


def visit_wire(row: Row[Any]) -> dict[str, object]:
    """The schema `SiteVisit` of a row."""
    return {
        "id": row.id, "number": row.number, "name": row.name, "origin": row.origin, "asked_at": wire_time(row.asked_at),
        "due_at": wire_time(row.due_at), "page_url": row.page_url, "landing_url": row.landing_url,
        "referrer": row.referrer, "consent": row.consent, "marks": row.marks,
    }  # fmt: skip


async def forget_visits(writer: Writer, before: datetime) -> None:
    """Remove those whose days are over. Raises StoreError."""
    old = delete(site_visits).where(site_visits.c.asked_at < before)
    await writer.write(lambda connection: connection.execute(old))


class StoredVisits:
    """Implements telephony.site_desk.VisitLedger."""

    def __init__(self, writer: Writer, *, gateway_id: str, shop: ShopView, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._shop = shop
        self._clock = clock

    async def admit(self, visit: SiteVisit, *, address: str) -> bool:
        """Commit the visit, unless the address, the number or the shop has had as many as the owner allows.

        Counted and kept in one transaction: of two at the same moment the second one sees the first.
        """
        rules, now = self._shop().widget, self._clock()
        digest = self._digest(address)
        row = {
            **asdict(visit),
            "marks": dict(visit.marks),
            "gateway_id": self._gateway_id,
            "address_digest": digest,
        }

        def admit(connection: Connection) -> bool:
            today = site_visits.c.asked_at > now - _DAY
            bounds = (
                (rules.per_day, today),
                (rules.number_per_day, today & (site_visits.c.number == visit.number)),
                (
                    rules.address_per_hour,
                    (site_visits.c.asked_at > now - _HOUR) & (site_visits.c.address_digest == digest),
                ),
            )
            for most, which in bounds:
                if connection.execute(select(func.count()).select_from(site_visits).where(which)).scalar_one() >= most:
                    return False
            connection.execute(insert(site_visits).values(row))
            return True

        return await self._writer.write(admit)

    def _digest(self, address: str) -> str:
        """Enough to tell addresses apart; the address itself is not kept."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            network = address
        else:
            network = str(ipaddress.ip_network((parsed, _NET_BITS), strict=False) if parsed.version == 6 else parsed)
        return hashlib.sha256(f"{self._gateway_id} {network}".encode()).hexdigest()[:32]
