"""The shop's web site as the API sees it: visits in memory, promises noted, and forms that age by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from gateway.api.form_tokens import FormTokens
from gateway.api.widget_routes import Site
from gateway.store.schema_site import site_visits
from gateway.store.site_visits import StoredVisits
from gateway.telephony.shop import ShopView
from gateway.telephony.site_desk import SiteDesk
from tests.fakes.call_backs import FakeCallBacks
from tests.fakes.direct_store import memory_writer


class FakeSite:
    """`seconds` is how old every form is that was issued before it was set."""

    def __init__(self, shop: ShopView, call_backs: FakeCallBacks) -> None:
        self.seconds = 0.0
        self._looks = 0
        self.items: list[dict[str, Any]] = []
        """Of the report."""
        self._writer = memory_writer()
        visits = StoredVisits(self._writer, gateway_id="g", shop=shop, clock=lambda: datetime.now(UTC))
        desk = SiteDesk(promises=call_backs, visits=visits, shop=shop, clock=lambda: datetime.now(UTC))
        self.site = Site(visitors=desk, clock=lambda: datetime.now(UTC), tokens=FormTokens(self._clock))

    def visits(self) -> list[dict[str, object]]:
        """What was kept of visitors."""
        with self._writer.engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(select(site_visits))]

    def widget(self, since: datetime, until: datetime) -> dict[str, Any]:
        """The worker's report."""
        del since, until
        calls = [call for item in self.items for call in item["calls"]]
        total = {
            "visitors": len(self.items), "calls": len(calls), "reached": sum(each["answered"] for each in calls),
            "talk_seconds": sum(each["talk_seconds"] for each in calls), "cost": sum(each["cost"] for each in calls),
        }  # fmt: skip
        return {"currency": "RUB", "total": total, "items": self.items}

    def metrica(self, since: datetime, until: datetime, key: str) -> tuple[list[str], list[list[object]]]:
        """The worker's file."""
        del until
        return [key, "DateTime"], [["77", int(since.timestamp())]]

    def _clock(self) -> float:
        self._looks += 2  # a form is filled in two seconds after it was opened
        return self.seconds + self._looks
