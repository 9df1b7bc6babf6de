"""The first table of changed days, and what counts there: a part of the first step."""

from __future__ import annotations

from collections.abc import Callable

from alembic import op
from sqlalchemy import Column, Integer, String, UniqueConstraint

_COUNTED = (
    "INSERT INTO call_days (id, gateway_id, day, changes) "
    "VALUES (lower(hex(randomblob(16))), {row}.gateway_id, substr({moment}, 1, 10), 1) "
    "ON CONFLICT (gateway_id, day) DO UPDATE SET changes = changes + 1;"
)
_BEGUN = "(SELECT started_at FROM calls WHERE id = {row}.call_id)"
_IS_KNOWN = "WHEN EXISTS (SELECT 1 FROM calls WHERE id = {row}.call_id)"
_OF_CALLS = (
    "started_at, direction, caller, line, flow, courier, answered_at, answered_by, ended_at, cause, "
    'talk_seconds, total_seconds, "order", cost, queue, erased_at'
)
_OF_LEGS = "call_id, kind, direction, peer, line, started_at, answered_at, ended_at, cost"


def create_statistics(create: Callable[..., None]) -> None:
    """Make it, by the step's own way to make a table; calls and legs are there."""
    create(
        "call_days",
        Column("day", String(10), nullable=False),
        Column("changes", Integer, nullable=False),
        UniqueConstraint("gateway_id", "day", name="uq_call_days_gateway_id_day"),
    )
    old, new = (_COUNTED.format(row=row, moment=f"{row}.started_at") for row in ("OLD", "NEW"))
    _trigger("calls_made", "AFTER INSERT ON calls", new)
    _trigger("calls_changed", f"AFTER UPDATE OF {_OF_CALLS} ON calls", f"{old} {new}")
    _trigger("calls_removed", "AFTER DELETE ON calls", old)
    for name, when, row in (
        ("legs_made", "AFTER INSERT ON legs", "NEW"),
        ("legs_changed", f"AFTER UPDATE OF {_OF_LEGS} ON legs", "NEW"),
        ("legs_removed", "AFTER DELETE ON legs", "OLD"),
    ):
        counted = _COUNTED.format(row=row, moment=_BEGUN.format(row=row))
        _trigger(name, f"{when} {_IS_KNOWN.format(row=row)}", counted)


def _trigger(name: str, when: str, what: str) -> None:
    op.execute(f"CREATE TRIGGER IF NOT EXISTS {name} {when} BEGIN {what} END")
