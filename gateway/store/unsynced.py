"""What is from before the clock was set is dated anew once it is known how far it was set (X-T1).

Calls are marked besides: the mark stands in the call's row; its legs, the steps of its timeline and its recordings go
with it. Texts, jobs and sessions have no mark: those count that were stored since the clock was first seen not to be
set, and of their moments those since the machine was switched on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Integer, Table, func, insert, literal_column, select, true, update

from gateway.clock import Dating
from gateway.ids import new_id
from gateway.store.schema import call_events, calls, jobs, legs, message_parts, messages, outgoing_parts, recordings
from gateway.store.schema_access import sessions
from gateway.store.schema_clock import clock_marks
from gateway.store.writer import Writer

SHIFTED_SECONDS = 1.0
"""A clock that was right but for less has not dated anything wrong."""

_ROW = literal_column("rowid", Integer)
"""SQLite's own number of a row, which grows: a clock that is not set may show an hour that has been before."""

_DATED: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (calls, ("started_at", "answered_at", "ended_at")),
    (legs, ("started_at", "rang_at", "answered_at", "ended_at")),
    (call_events, ("time",)),
    (recordings, ("started_at", "finished_at", "made_at")),
)

_UNMARKED: tuple[tuple[Table, ColumnElement[bool], tuple[str, ...], tuple[str, ...]], ...] = (
    (messages, messages.c.direction == "incoming", ("time",), ()),  # the network has dated its sending
    (messages, messages.c.direction == "outgoing", ("time", "sent_at", "delivered_at"), ("due_at", "expires_at")),
    (message_parts, true(), ("received_at",), ()),
    (outgoing_parts, true(), ("begun_at", "sent_at", "reported_at"), ()),
    (jobs, true(), ("created_at", "finished_at"), ("due_at", "expires_at")),
    (sessions, true(), ("created_at", "last_used_at", "ended_at"), ("expires_at",)),
)
"""Which rows; what has happened to them, each moment for itself; and what was reckoned from the first of those."""


@dataclass(frozen=True, slots=True)
class Since:
    """From the moment at which the machine was switched on until now, by a clock that was set by `by` since."""

    began: datetime
    until: datetime
    by: timedelta

    @classmethod
    def boot(cls, offset_seconds: float, new_offset_seconds: float, up_seconds: float) -> Since:
        """The clock was `offset_seconds` before the time since the machine was switched on, and now is another."""
        return cls(
            datetime.fromtimestamp(offset_seconds, UTC),
            datetime.fromtimestamp(offset_seconds + up_seconds, UTC),
            timedelta(seconds=new_offset_seconds - offset_seconds),
        )

    def has(self, moment: datetime | None) -> bool:
        """Whether that clock has dated it."""
        return moment is not None and self.began <= moment <= self.until


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
        boot, offset, up, is_certain = dating.boot, dating.offset_seconds, dating.up_seconds, dating.is_certain
        writer.enqueue(
            lambda connection: keep_in_step(
                connection, gateway_id=gateway_id, boot=boot, offset_seconds=offset, up_seconds=up,
                is_certain=is_certain,
            )
        )  # fmt: skip

    keep()
    return dating.follow(keep)


def keep_in_step(
    connection: Connection, *, gateway_id: str, boot: str, offset_seconds: float, up_seconds: float, is_certain: bool
) -> None:
    """In the writer's thread, behind all that was dated before: comes to the same when it is repeated."""
    known = connection.execute(select(clock_marks)).first()
    if known is None and is_certain:
        return
    before = known.rows_before if known is not None and known.boot == boot else _last_rows(connection)
    if known is not None and known.boot != boot:
        _mark(connection, ClockMark.UNKNOWN)
    elif known is not None and abs(offset_seconds - known.offset_seconds) >= SHIFTED_SECONDS:
        since = Since.boot(known.offset_seconds, offset_seconds, up_seconds)
        _shift(connection, since.by)
        _shift_unmarked(connection, since, before)
    connection.execute(clock_marks.delete())
    if is_certain:
        _mark(connection, ClockMark.CORRECTED)
    else:
        connection.execute(
            insert(clock_marks).values(
                id=new_id(), gateway_id=gateway_id, boot=boot, offset_seconds=offset_seconds, rows_before=before
            )
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


def _last_rows(connection: Connection) -> dict[str, int]:
    return {
        table.name: connection.execute(select(func.max(_ROW)).select_from(table)).scalar() or 0
        for table, *_ in _UNMARKED
    }


def _shift_unmarked(connection: Connection, since: Since, before: dict[str, int]) -> None:
    for table, which, happened, reckoned in _UNMARKED:
        columns = [table.c[name] for name in (*happened, *reckoned)]
        for row in connection.execute(select(table.c.id, *columns).where(before[table.name] < _ROW, which)):
            names = [name for name in happened if since.has(getattr(row, name))]
            names += [name for name in reckoned if happened[0] in names and getattr(row, name) is not None]
            moments = {name: getattr(row, name) + since.by for name in names}
            connection.execute(update(table).where(table.c.id == row.id).values(moments))
