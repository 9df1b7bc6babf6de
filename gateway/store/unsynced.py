"""Calls from before the clock was set: marked, and dated anew once it is known how far it was set (X-T1).

The mark stands in the call's row; its legs, the steps of its timeline and its recordings go with it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Connection, Table, insert, select, update

from gateway.clock import Dating
from gateway.ids import new_id
from gateway.store.schema import call_events, calls, legs, recordings
from gateway.store.schema_clock import clock_marks
from gateway.store.writer import Writer

SHIFTED_SECONDS = 1.0
"""A clock that was right but for less has not dated anything wrong."""

_DATED: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (calls, ("started_at", "answered_at", "ended_at")),
    (legs, ("started_at", "rang_at", "answered_at", "ended_at")),
    (call_events, ("time",)),
    (recordings, ("started_at", "finished_at", "made_at")),
)


class ClockMark(StrEnum):
    """How a call's moments came about; a call without a mark was dated by a clock that was right."""

    UNSYNCED = "unsynced"
    """By a clock that nobody has set yet."""
    CORRECTED = "corrected"
    """By such a clock, and corrected when it was set."""
    UNKNOWN = "unknown"
    """By such a clock, which lost the time before it was set: nobody will ever know."""


def follow_clock(dating: Dating, writer: Writer, *, gateway_id: str) -> Callable[[], None]:
    """Keep what is marked in step with the clock, now and whenever it is set, until the returned function is called."""

    def keep() -> None:
        boot, offset, is_certain = dating.boot, dating.offset_seconds, dating.is_certain
        writer.enqueue(
            lambda connection: keep_in_step(
                connection, gateway_id=gateway_id, boot=boot, offset_seconds=offset, is_certain=is_certain
            )
        )

    keep()
    return dating.follow(keep)


def keep_in_step(
    connection: Connection, *, gateway_id: str, boot: str, offset_seconds: float, is_certain: bool
) -> None:
    """In the writer's thread, behind all that was dated before: comes to the same when it is repeated."""
    known = connection.execute(select(clock_marks)).first()
    if known is None and is_certain:
        return
    if known is not None and known.boot != boot:
        _mark(connection, ClockMark.UNKNOWN)
    elif known is not None and abs(offset_seconds - known.offset_seconds) >= SHIFTED_SECONDS:
        _shift(connection, timedelta(seconds=offset_seconds - known.offset_seconds))
    connection.execute(clock_marks.delete())
    if is_certain:
        _mark(connection, ClockMark.CORRECTED)
    else:
        connection.execute(
            insert(clock_marks).values(id=new_id(), gateway_id=gateway_id, boot=boot, offset_seconds=offset_seconds)
        )


def _mark(connection: Connection, mark: ClockMark) -> None:
    connection.execute(update(calls).where(calls.c.clock == ClockMark.UNSYNCED).values(clock=mark))


def _shift(connection: Connection, by: timedelta) -> None:
    """Every moment of the marked calls that is written down already: what comes later is dated by the clock as set."""
    marked = select(calls.c.id).where(calls.c.clock == ClockMark.UNSYNCED)
    for table, names in reversed(_DATED):
        of_call = table.c.id if table is calls else table.c.call_id
        for row in connection.execute(
            select(table.c.id, *(table.c[name] for name in names)).where(of_call.in_(marked))
        ):
            moments = {name: moment + by for name in names if (moment := getattr(row, name)) is not None}
            connection.execute(update(table).where(table.c.id == row.id).values(moments))
