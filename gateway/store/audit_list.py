"""Who did what, for people to read: the audit's rows, newest first, and whether its chain is whole (T-L10).

Read-only connections of their own; the verbs block and are called in threads, by the worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select

from gateway.store.audit import first_broken
from gateway.store.database import Places
from gateway.store.opened import transaction
from gateway.store.row_wire import wire
from gateway.store.schema_access import audit


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditWanted:
    """Which rows. `search` is a part of who, what, or of whom it was done to."""

    search: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditList:
    """The audit of a store."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def rows(
        self, wanted: AuditWanted, *, before: int | None, limit: int
    ) -> tuple[list[dict[str, object]], int | None]:
        """Rows as the schema `AuditRow`, and the number before which the next page begins; None at the end."""
        query = select(audit).where(*_conditions(wanted, before)).order_by(audit.c.number.desc()).limit(limit + 1)
        with transaction(self._places.database, read_only=True) as connection:
            found = connection.execute(query).all()
        items: list[dict[str, object]] = [
            {
                "number": row.number, "time": wire(row.time), "by": row.by, "action": row.action,
                "subject": row.subject, "details": row.details,
            }
            for row in found[:limit]
        ]  # fmt: skip
        return items, found[limit - 1].number if len(found) > limit else None

    def check(self) -> dict[str, object]:
        """The schema `AuditCheck`: every row is looked at, which takes a second for a hundred thousand of them."""
        with transaction(self._places.database, read_only=True) as connection:
            counts = connection.execute(select(audit.c.gateway_id, func.count()).group_by(audit.c.gateway_id)).all()
            broken = [first_broken(connection, gateway_id) for gateway_id, _ in counts]
        found = [each for each in broken if each is not None]
        return {"rows": sum(count for _, count in counts), "first_broken": min(found) if found else None}


def _conditions(wanted: AuditWanted, before: int | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if before is not None:
        conditions.append(audit.c.number < before)
    if wanted.since is not None:
        conditions.append(audit.c.time >= wanted.since)
    if wanted.until is not None:
        conditions.append(audit.c.time < wanted.until)
    if wanted.search:
        parts = (audit.c.by, audit.c.action, audit.c.subject)
        conditions.append(or_(*(func.instr(each, wanted.search) > 0 for each in parts)))
    return conditions
