"""How busy the lines were: figures of each, how many were busy at once, and whom one more would have served (A17)."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, String, select, type_coerce

from gateway.store.figures import Figures
from gateway.store.schema import calls, legs
from gateway.store.statistics import QUARTER, Period, add_up, local_times, midnight_before
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


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyTime:
    """How busy lines were in one stretch of time; such stretches can be added up."""

    seconds: dict[int, float]
    """For how long so many were busy at once."""
    peaks: dict[int, int]
    """The most at once by the hour of the shop's day, 0 to 23; hours without are left out."""
    began: int
    """So many legs began within it."""
    carried_over: int
    """So many were there before."""
    busy_seconds: float
    """Of all of them together."""
    refused: tuple[tuple[datetime, bool], ...]
    """When calls found no free line, in order, and whether some line was busy then."""


@dataclass(frozen=True, slots=True)
class LinesOfStretch:
    """What the lines and providers have done in one stretch of time."""

    by_line: dict[str, LineFigures]
    busy: BusyTime


@dataclass(frozen=True, slots=True)
class Carried:
    """A leg on a line, as far as it lies within a period."""

    busy: Busy
    began: bool
    """Within the period; False: before it."""
    figures: Figures | None
    """None: the call began before the period, or is not over."""


def lines_of(connection: Connection, stretch: Period, lines: Iterable[str]) -> LinesOfStretch:
    """Everything of a stretch; how many were busy at once, of the SIM lines named."""
    carried = carried_legs(connection, stretch)
    busy = busy_time(carried, refused_calls(connection, stretch), stretch, lines)
    return LinesOfStretch(by_line(carried), busy)


def by_line(carried: Iterable[Carried]) -> dict[str, LineFigures]:
    """By the name of the line or provider. A call to outside that tried two lines is one of each."""
    figures: defaultdict[str, list[Figures]] = defaultdict(list)
    seconds: defaultdict[str, float] = defaultdict(float)
    for leg in carried:
        seconds[leg.busy.line] += (leg.busy.until - leg.busy.since).total_seconds()
        if leg.figures is not None:
            figures[leg.busy.line].append(leg.figures)
    return {line: LineFigures(figures=add_up(figures[line]), busy_seconds=seconds[line]) for line in sorted(seconds)}


def all_lines(parts: Iterable[dict[str, LineFigures]]) -> dict[str, LineFigures]:
    """The stretches of a period together."""
    found: defaultdict[str, list[LineFigures]] = defaultdict(list)
    for part in parts:
        for line, of_line in part.items():
            found[line].append(of_line)
    return {
        line: LineFigures(
            figures=add_up(each.figures for each in found[line]),
            busy_seconds=sum(each.busy_seconds for each in found[line]),
        )
        for line in sorted(found)
    }


def busy_time(
    carried: Iterable[Carried], refused: Iterable[datetime], period: Period, lines: Iterable[str]
) -> BusyTime:
    """Of the lines named, in one period; `refused` is when calls found none of them free."""
    names = frozenset(lines)
    legs_of_lines = [leg for leg in carried if leg.busy.line in names]
    spans = [leg.busy for leg in legs_of_lines]
    seconds: defaultdict[int, float] = defaultdict(float)
    peaks: defaultdict[int, int] = defaultdict(int)
    midnight, local = midnight_before(period), local_times(period)
    for count, since, until in _levels(spans, period):
        seconds[count] += (until - since).total_seconds()
        if count:
            last = -((midnight - until) // QUARTER)  # the first quarter after it
            for quarter in range((since - midnight) // QUARTER, last):
                hour = local(quarter).hour
                peaks[hour] = max(peaks[hour], count)
    begins, ends = sorted(span.since for span in spans), sorted(span.until for span in spans)
    return BusyTime(
        seconds=dict(seconds),
        peaks=dict(peaks),
        began=sum(leg.began for leg in legs_of_lines),
        carried_over=sum(not leg.began for leg in legs_of_lines),
        busy_seconds=sum((span.until - span.since).total_seconds() for span in spans),
        refused=tuple((at, bisect_right(begins, at) > bisect_right(ends, at)) for at in sorted(refused)),
    )


def concurrency(parts: Sequence[BusyTime]) -> Concurrency:
    """Of a whole period, by its stretches in their order."""
    seconds: defaultdict[int, float] = defaultdict(float)
    peaks = [0] * 24
    for part in parts:
        for count, length in part.seconds.items():
            seconds[count] += length
        for hour, count in part.peaks.items():
            peaks[hour] = max(peaks[hour], count)
    refused = [each for part in parts for each in part.refused]
    return Concurrency(
        seconds=tuple(round(seconds[count], 3) for count in range(max(seconds, default=0) + 1)),
        peaks=tuple(peaks),
        refused=len(refused),
        saved=_saved_by_one_more(refused, parts),
    )


def _saved_by_one_more(refused: Iterable[tuple[datetime, bool]], parts: Sequence[BusyTime]) -> int:
    """How many of the calls that were refused then one more line would have carried, each for as long as calls took.

    A call that was refused while no line was busy is not counted: the lines were away, and more of them would be too.
    """
    calls_carried = sum(part.began for part in parts) + sum(part.carried_over for part in parts[:1])
    if not calls_carried:
        return 0
    mean = timedelta(seconds=sum(part.busy_seconds for part in parts) / calls_carried)
    saved, free_at = 0, None
    for moment, is_busy in refused:
        if is_busy and (free_at is None or free_at <= moment):
            saved += 1
            free_at = moment + mean
    return saved


def carried_legs(connection: Connection, period: Period) -> list[Carried]:
    """Every leg on a line that was there within the period; one that is not over lasts to its end (LONGEST_CALL)."""
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
            type_coerce(calls.c.started_at, String),
        )
        .join(calls, calls.c.id == legs.c.call_id)
        .where(
            calls.c.started_at >= period.since - LONGEST_CALL,
            calls.c.started_at < period.until,
            legs.c.line.is_not(None),
        )
    )
    found = []
    for line, way, started, answered, ended, cost, is_answered, talk, total, began in connection.execute(wanted):
        since = datetime.fromisoformat(started)
        until = min(datetime.fromisoformat(began) + LONGEST_CALL, period.until)
        until = min(datetime.fromisoformat(ended), until) if ended is not None else until
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
        found.append(Carried(Busy(line, max(since, period.since), until), since >= period.since, figures))
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
