"""What each day of UTC comes to, worked out once and kept in memory for as long as its calls stay as they are.

A period is cut at UTC's midnights. A whole day is taken from memory unless it has changed since (call_days counts
that); what is no whole day, today above all, is worked out each time. What is kept is never anything but what the
same function makes of the same rows: to forget it costs time only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select

from gateway.store.schema_missed import call_days
from gateway.store.statistics import Period

MOST_KEPT = 6_000
"""Days, each as often as there are parts of it: two years of all of them, as a year is compared with the one before."""
_DAY = timedelta(days=1)

Part = TypeVar("Part")


class Days:
    """The memory. It belongs to one database file."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[tuple[int, int], Any]] = OrderedDict()

    def __len__(self) -> int:
        """So many are kept, each as often as there are parts of it."""
        return len(self._kept)

    def seen_by(self, connection: Connection) -> DaysOfConnection:
        """The days as the transaction of this connection sees them."""
        summed = select(call_days.c.day, func.sum(call_days.c.changes).label("changes")).group_by(call_days.c.day)
        changes = {row.day: int(row.changes) for row in connection.execute(summed)}
        return DaysOfConnection(self._kept, connection, changes)

    def current(self, connection: Connection) -> dict[Hashable, tuple[tuple[int, int], Any]]:
        """What is kept of days that are as they were, for another run."""
        seen = self.seen_by(connection)
        return {key: known for key, known in self._kept.items() if seen.is_current(key, known[0])}

    def take(self, connection: Connection, kept: Mapping[Hashable, tuple[tuple[int, int], Any]]) -> int:
        """Keep what another run has kept, of days that are as they were; how much of it."""
        seen, known = self.seen_by(connection), len(self._kept)
        for key, value in kept.items():
            if seen.is_current(key, value[0]):
                self._kept.setdefault(key, value)
        return len(self._kept) - known


class DaysOfConnection:
    """One reader's view."""

    def __init__(
        self,
        kept: OrderedDict[Hashable, tuple[tuple[int, int], Any]],
        connection: Connection,
        changes: dict[str, int],
    ) -> None:
        self._kept = kept
        self._connection = connection
        self._changes = changes

    def of(
        self,
        period: Period,
        part: Callable[[Connection, Period], Part],
        *,
        name: Hashable,
        depends_on: Callable[[Period], Hashable] | None = None,
    ) -> list[Part]:
        """`part` of each stretch of the period, in order; it is kept by that name.

        It may look at nothing but calls that began within the stretch or in the 24 hours before it, and at what it
        `depends_on` beside them. Days that never had a call are one stretch together: a new gateway is asked for its
        year too.
        """

        def named(stretch: Period) -> Hashable:
            return name if depends_on is None else (name, depends_on(stretch))

        return [self._of_one(stretch, part, named) for stretch in self._joined(stretches(period))]

    def is_current(self, key: Any, state: tuple[int, int]) -> bool:
        """The day of that key is as it was in that state."""
        return self._states_of(key[1]) == state

    def _joined(self, cut: Iterator[Period]) -> Iterator[Period]:
        for had_calls, run in groupby(cut, self._has_calls):
            if had_calls:
                yield from run
            else:
                days = list(run)
                yield replace(days[0], until=days[-1].until)

    def had_calls(self, midnight: datetime) -> bool:
        """The day of UTC that begins then has had calls, or the one before it; else nothing is kept of it."""
        return any(self._states_of(midnight))

    def _has_calls(self, stretch: Period) -> bool:
        return stretch.until - stretch.since != _DAY or self.had_calls(stretch.since)

    def _of_one(
        self, stretch: Period, part: Callable[[Connection, Period], Part], named: Callable[[Period], Hashable]
    ) -> Part:
        state = self._states_of(stretch.since)
        if stretch.until - stretch.since != _DAY or not any(state):
            return part(self._connection, stretch)
        key = named(stretch), stretch.since
        known = self._kept.get(key)
        if known is None or known[0] != state:
            known = state, part(self._connection, stretch)
            self._kept[key] = known
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        value: Part = known[1]
        return value

    def _states_of(self, midnight: datetime) -> tuple[int, int]:
        changes, before = self._changes, midnight - _DAY
        return changes.get(midnight.date().isoformat(), 0), changes.get(before.date().isoformat(), 0)


def stretches(period: Period) -> Iterator[Period]:
    """The period cut at UTC's midnights; each but the first and the last is a whole day."""
    since = period.since
    while since < period.until:
        midnight = since.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
        until = min(midnight, period.until)
        yield replace(period, since=since, until=until)
        since = until
