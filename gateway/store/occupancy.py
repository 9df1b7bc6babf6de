"""How busy the lines were: figures of each, how many were busy at once, and whom one more would have served (A17)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, String, select, type_coerce

from gateway.store.figures import Figures
from gateway.store.schema import calls, legs
from gateway.store.statistics import Period
from gateway.telephony.causes import Cause

LONGEST_CALL = timedelta(hours=24)
"""A call that has begun earlier is not looked for: no operator lets one run for so long."""


@dataclass(frozen=True, slots=True)
class Busy:
    """A line was busy from one moment until another."""

    line: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFigures:
    """What one line, or one provider, has carried."""

    figures: Figures
    busy_seconds: float
    """Within the period, however many calls ran at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """How many SIM lines were busy at once."""

    seconds: tuple[float, ...]
    """For how long none was, one, two, and so on."""
    peaks: tuple[int, ...]
    """The most at once, by the hour of the shop's day, 0 to 23."""
    refused: int
    """Calls that found no free line."""
    saved: int
    """So many of them one more line would have carried."""

    @property
    def peak(self) -> int:
        """The most at once."""
        return len(self.seconds) - 1


@dataclass(frozen=True, slots=True)
class Carried:
    """A leg on a line, as far as it lies within a period."""

    busy: Busy
    figures: Figures | None
    """None: the call began before the period, or is not over."""


def by_line(carried: Iterable[Carried]) -> dict[str, LineFigures]:
    """By the name of the line or provider. A call to outside that tried two lines is one of each."""
    figures: defaultdict[str, Figures] = defaultdict(Figures)
    seconds: defaultdict[str, float] = defaultdict(float)
    for leg in carried:
        seconds[leg.busy.line] += (leg.busy.until - leg.busy.since).total_seconds()
        if leg.figures is not None:
            figures[leg.busy.line] += leg.figures
    return {line: LineFigures(figures=figures[line], busy_seconds=round(seconds[line], 3)) for line in sorted(seconds)}


def concurrency(
    carried: Iterable[Carried], refused: Sequence[datetime], period: Period, lines: Iterable[str]
) -> Concurrency:
    """Of the lines named; `refused` is when calls found none of them free."""
    names = frozenset(lines)
    spans = [leg.busy for leg in carried if leg.busy.line in names]
    return Concurrency(
        seconds=busy_at_once(spans, period),
        peaks=peaks_by_hour(spans, period),
        refused=len(refused),
        saved=saved_by_one_more(refused, spans),
    )


def busy_at_once(spans: Sequence[Busy], period: Period) -> tuple[float, ...]:
    """For how many seconds of the period none was busy, one, two ... up to the most at once."""
    seconds: defaultdict[int, float] = defaultdict(float)
    for count, since, until in _levels(spans, period):
        seconds[count] += (until - since).total_seconds()
    return tuple(round(seconds[count], 3) for count in range(max(seconds, default=0) + 1))


def peaks_by_hour(spans: Sequence[Busy], period: Period) -> tuple[int, ...]:
    """The most that were busy at once in each hour of the shop's day."""
    peaks = [0] * 24
    for count, since, until in _levels(spans, period):
        if count == 0:
            continue
        moment = since
        while moment < until:  # by quarters of an hour, which the hours of every zone are made of
            hour = moment.astimezone(period.zone).hour
            peaks[hour] = max(peaks[hour], count)
            quarter = moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
            moment = quarter + timedelta(minutes=15)
    return tuple(peaks)


def saved_by_one_more(refused: Iterable[datetime], spans: Sequence[Busy]) -> int:
    """How many of the calls that were refused then one more line would have carried, each for as long as calls took.

    A call that was refused while no line was busy is not counted: the lines were away, and more of them would be too.
    """
    if not spans:
        return 0
    mean = sum((span.until - span.since for span in spans), timedelta()) / len(spans)
    begins, ends = sorted(span.since for span in spans), sorted(span.until for span in spans)
    saved = begun = ended = 0
    free_at: datetime | None = None
    for moment in sorted(refused):
        while begun < len(begins) and begins[begun] <= moment:
            begun += 1
        while ended < len(ends) and ends[ended] <= moment:
            ended += 1
        if begun > ended and (free_at is None or free_at <= moment):
            saved += 1
            free_at = moment + mean
    return saved


def carried_legs(connection: Connection, period: Period) -> list[Carried]:
    """Every leg on a line that was there within the period; one that is not over lasts to its end."""
    wanted = (
        select(
            legs.c.line,
            legs.c.direction,
            type_coerce(legs.c.started_at, String),
            type_coerce(legs.c.answered_at, String),
            type_coerce(legs.c.ended_at, String),
            legs.c.cost,
            calls.c.answered_at.is_not(None),
            calls.c.talk_seconds,
            calls.c.total_seconds,
        )
        .join(calls, calls.c.id == legs.c.call_id)
        .where(
            calls.c.started_at >= period.since - LONGEST_CALL,
            calls.c.started_at < period.until,
            legs.c.line.is_not(None),
        )
    )
    found = []
    for line, way, started, answered, ended, cost, is_answered, talk, total in connection.execute(wanted):
        since = datetime.fromisoformat(started)
        until = min(datetime.fromisoformat(ended), period.until) if ended is not None else period.until
        if since >= period.until or until <= period.since:
            continue
        figures = None
        if since >= period.since and ended is not None:
            if way == "incoming":
                met = bool(is_answered)
                figures = Figures(
                    incoming=1,
                    answered=int(met),
                    talk_ms=round(talk * 1000),
                    wait_ms=round(total * 1000) - round(talk * 1000) if met else 0,
                    cost=cost,
                )
            else:
                talked = (
                    datetime.fromisoformat(ended) - datetime.fromisoformat(answered)
                    if answered is not None
                    else timedelta()
                )
                figures = Figures(
                    outgoing=1,
                    reached=int(answered is not None),
                    talk_ms=talked // timedelta(milliseconds=1),
                    cost=cost,
                )
        found.append(Carried(Busy(line, max(since, period.since), until), figures))
    return found


def refused_calls(connection: Connection, period: Period) -> list[datetime]:
    """When calls began that found no free line."""
    wanted = select(type_coerce(calls.c.started_at, String)).where(
        *period.calls, calls.c.cause == Cause.NO_FREE_LINE, calls.c.answered_at.is_(None)
    )
    return [datetime.fromisoformat(started) for (started,) in connection.execute(wanted)]


def _levels(spans: Sequence[Busy], period: Period) -> Iterable[tuple[int, datetime, datetime]]:
    """How many different lines were busy, from when until when; the whole period, in order."""
    edges = sorted([(span.since, 1, span.line) for span in spans] + [(span.until, -1, span.line) for span in spans])
    running: defaultdict[str, int] = defaultdict(int)
    count, since = 0, period.since
    for moment, change, line in edges:
        if moment > since:
            yield count, since, moment
            since = moment
        before = running[line]
        running[line] = before + change
        count += (before + change > 0) - (before > 0)
    if period.until > since:
        yield count, since, period.until
