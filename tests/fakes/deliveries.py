"""A log of deliveries, kept in a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

_MOMENT = datetime(2027, 1, 31, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class DeliveryRow:
    """A stored job that delivered an alert, or could not."""

    id: str = "j1"
    kind: str = "alert-telegram"
    state: str = "failed"
    attempts: int = 1
    last_error: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime = _MOMENT
    due_at: datetime = _MOMENT
    finished_at: datetime | None = None


class FakeDeliveries:
    """What a test puts into `rows`."""

    def __init__(self) -> None:
        self.rows: list[DeliveryRow] = []
        self.places = 0

    async def log(self, kinds: Sequence[str]) -> Sequence[DeliveryRow]:
        return [row for row in self.rows if row.kind in kinds]

    async def retry(self, delivery_id: str, kinds: Sequence[str]) -> bool | None:
        found = next((row for row in self.rows if row.id == delivery_id and row.kind in kinds), None)
        if found is None:
            return None
        if found.state in ("running", "done"):
            return False
        self.rows[self.rows.index(found)] = replace(found, state="waiting")
        return True

    def test(self) -> int:
        if self.places:
            self.rows.append(DeliveryRow(id="test", state="waiting"))
        return self.places
