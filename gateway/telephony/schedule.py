"""When the shop is open: hours by weekday, other hours by date, public holidays, in the shop's time zone.

The rule that leaves no instant ambiguous: the shop is open while its wall clock shows a time within the hours. So an
hour that the clock shows twice in autumn is open twice, one that it skips in spring is not there, and each instant has
one verdict. Hours that pass midnight belong to the day they begin on, whatever the next day is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from gateway.telephony.public_holidays import resting_days

DAYS_AHEAD = 60
"""So far a next change is looked for."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MINUTES_OF_A_DAY = 24 * 60


class Because(StrEnum):
    """What decides about a day: the week, a date of the owner's, or a public holiday."""

    HOURS = "hours"
    EXCEPTION = "exception"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Whether the shop is open. All instants are aware UTC."""

    is_open: bool
    until: datetime | None
    """The next change; None: none within DAYS_AHEAD days."""
    opens_at: datetime | None
    """When it is closed: the next opening, if there is one within DAYS_AHEAD days."""
    reason: Because


@dataclass(frozen=True, slots=True)
class Span:
    """Hours of one day, in minutes of its wall clock: `closes` is later than `opens`, and over 1440 the next day."""

    opens: int
    closes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfHours:
    """What a date comes to. `name` is the exception's or the holiday's."""

    spans: tuple[Span, ...]
    because: Because
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleException:
    """A date, or all dates from `day` to `until`, with other hours than the week's; no hours: closed."""

    day: str
    """ISO 8601: 2026-12-31."""
    until: str | None = None
    """The last date; None: that one date."""
    hours: tuple[str, ...] = ()
    name: str = ""
    imported: bool = False
    """It came with a calendar: the next one takes its place."""

    @property
    def dates(self) -> tuple[date, ...]:
        """All that it covers."""
        first, last = date.fromisoformat(self.day), date.fromisoformat(self.until or self.day)
        return tuple(first + timedelta(days=days) for days in range((last - first).days + 1))


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Hours are texts like "09:00-18:30", several a day; "20:00-02:00" passes midnight.

    A week without any hours is open always but for exceptions and holidays; with some, days that have none are closed.
    Of several exceptions for a date the shortest counts, of equally long ones the last.
    """

    monday: tuple[str, ...] = ()
    tuesday: tuple[str, ...] = ()
    wednesday: tuple[str, ...] = ()
    thursday: tuple[str, ...] = ()
    friday: tuple[str, ...] = ()
    saturday: tuple[str, ...] = ()
    sunday: tuple[str, ...] = ()
    holidays: str = ""
    """Whose public holidays are kept, such as "RU"; empty: nobody's. A weekend day that this country works instead
    has its own hours, or, where it has none, Friday's."""
    holiday_hours: tuple[str, ...] = ()
    """On public holidays; none: closed."""
    exceptions: tuple[ScheduleException, ...] = ()
    time_zone: str = field(default="UTC", init=False)
    """The shop's: a Shop gives it to its schedule (`in_zone`), and it is stored there only."""

    def in_zone(self, time_zone: str) -> Schedule:
        """The same hours by the clocks of another zone (IANA name)."""
        if time_zone == self.time_zone:
            return self
        moved = replace(self)
        object.__setattr__(moved, "time_zone", time_zone)
        return moved

    @property
    def is_always_open(self) -> bool:
        """The week has no hours."""
        return not any(getattr(self, weekday) for weekday in WEEKDAYS)

    def state_at(self, instant: datetime) -> Opening:
        """Whether the shop is open at an aware instant, and until when. ValueError for a naive one."""
        if instant.tzinfo is None:
            raise ValueError("a schedule is asked for an instant with its time zone")
        if self.is_always_open and not self.exceptions and not self.holidays:
            return Opening(is_open=True, until=None, opens_at=None, reason=Because.HOURS)
        instant = instant.astimezone(UTC)  # times of one zone are compared by their walls, which a fold deceives
        zone = ZoneInfo(self.time_zone)
        is_open, reason = self._verdict(instant, zone)
        since, until = self._last_found
        if until is None or not since <= instant < until:
            moments = self._moments_after(instant, zone)
            until = next((moment for moment in moments if self._verdict(moment, zone)[0] != is_open), None)
            object.__setattr__(self, "_last_found", (instant, until))
        return Opening(is_open=is_open, until=until, opens_at=None if is_open else until, reason=reason)

    def on(self, day: date, language: str = "en") -> DayOfHours:
        """The hours that begin on a date, and why; `language` is that of a holiday's name."""
        exception = self._exceptions_by_date.get(day)
        if exception is not None:
            return DayOfHours(spans=spans_of(exception.hours), because=Because.EXCEPTION, name=exception.name)
        resting = resting_days(self.holidays, day.year, language)
        if day in resting.off:
            return DayOfHours(spans=spans_of(self.holiday_hours), because=Because.HOLIDAY, name=resting.off[day])
        if self.is_always_open:
            return DayOfHours(spans=_WHOLE_DAY, because=Because.HOURS)
        own: tuple[str, ...] = getattr(self, WEEKDAYS[day.weekday()])
        return DayOfHours(spans=spans_of(own or (self.friday if day in resting.worked else ())), because=Because.HOURS)

    @cached_property
    def _last_found(self) -> tuple[datetime, datetime | None]:
        """When a next change was looked for last, and what was found: it stands for every moment until then."""
        return datetime.max.replace(tzinfo=UTC), None

    @cached_property
    def _exceptions_by_date(self) -> dict[date, ScheduleException]:
        """A stable sort by length, longest first: what counts is written last."""
        return {
            day: each
            for each in sorted(self.exceptions, key=lambda exception: -len(exception.dates))
            for day in each.dates
        }

    def _verdict(self, instant: datetime, zone: ZoneInfo) -> tuple[bool, Because]:
        local = instant.astimezone(zone)
        today = self.on(local.date())
        minutes = local.hour * 60 + local.minute
        yesterday = self.on(local.date() - timedelta(days=1))
        for day, minute in ((today, minutes), (yesterday, minutes + MINUTES_OF_A_DAY)):
            if any(span.opens <= minute < span.closes for span in day.spans):
                return True, day.because
        return False, today.because

    def _moments_after(self, instant: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """Every later instant, in order, at which the verdict may change: hours begin or end, or the clock jumps."""
        day = instant.astimezone(zone).date()
        before = self.on(day - timedelta(days=1)).spans
        waiting: set[datetime] = set()
        for _ in range(DAYS_AHEAD + 1):
            spans = self.on(day).spans
            for edge in _edges(before, spans):
                waiting |= _instants(datetime.combine(day, time(edge // 60, edge % 60)), zone)
            waiting |= _jumps(day, zone)
            before = spans
            day += timedelta(days=1)
            if waiting:
                # A clock that is put back across midnight shows some of the evening again after the next day has begun.
                ripe = {moment for moment in waiting if moment < _begin(day, zone) - _LONGEST_JUMP}
                yield from sorted(moment for moment in ripe if moment > instant)
                waiting -= ripe
        yield from sorted(waiting)


def spans_of(hours: tuple[str, ...]) -> tuple[Span, ...]:
    """Texts of hours as spans, in the order of their beginning. ValueError where one is no "HH:MM-HH:MM"."""
    return tuple(sorted((_span(text) for text in hours), key=lambda span: span.opens))


def hours_text(span: Span) -> str:
    """A span as its text."""
    closes = span.closes if span.closes == MINUTES_OF_A_DAY else span.closes % MINUTES_OF_A_DAY
    return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (span.opens, closes))


_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)", re.ASCII)
_LONGEST_JUMP = timedelta(hours=3)
_WHOLE_DAY = (Span(0, MINUTES_OF_A_DAY),)


@lru_cache(maxsize=1024)
def _span(text: str) -> Span:
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" must be hours like "09:00-18:00".')
    opens = int(found[1]) * 60 + int(found[2])
    closes = MINUTES_OF_A_DAY if found[3] is None else int(found[3]) * 60 + int(found[4])
    if closes == opens:
        raise ValueError(f'"{text}" begins and ends at the same time; the whole day is "00:00-24:00".')
    return Span(opens, closes if closes > opens else closes + MINUTES_OF_A_DAY)


def _edges(before: tuple[Span, ...], today: tuple[Span, ...]) -> set[int]:
    """The minutes of a day's clock at which hours begin or end, those of the day before that pass midnight with them.

    Where hours go on over midnight, nothing changes there.
    """
    spill = tuple(Span(0, span.closes - MINUTES_OF_A_DAY) for span in before if span.closes > MINUTES_OF_A_DAY)
    edges = {edge for span in (*spill, *today) for edge in (span.opens, span.closes) if 0 < edge < MINUTES_OF_A_DAY}
    ended_open = any(span.closes >= MINUTES_OF_A_DAY for span in before)
    begins_open = any(span.opens == 0 for span in (*spill, *today))
    return edges if ended_open is begins_open else edges | {0}


def _instants(wall: datetime, zone: ZoneInfo) -> set[datetime]:
    """When a clock of the zone shows that time: once, twice when it is put back, never when it is put forward."""
    both = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return {instant for instant in both if instant.astimezone(zone).replace(tzinfo=None) == wall}


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


@lru_cache(maxsize=512)
def _jumps(day: date, zone: ZoneInfo) -> frozenset[datetime]:
    """The instants, to the second, at which the zone's clock is put forward or back on that date.

    More than one such jump within a day is not known of any zone.
    """
    low, high = int(_begin(day, zone).timestamp()), int(_begin(day + timedelta(days=1), zone).timestamp())
    before = _offset(low, zone)
    if before == _offset(high, zone):
        return frozenset()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return frozenset({datetime.fromtimestamp(high, UTC)})


def _offset(timestamp: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(timestamp, zone).utcoffset()
