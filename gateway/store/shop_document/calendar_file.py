"""A calendar (iCalendar, RFC 5545) as exceptions of the shop's hours.

Events of whole days close the shop. What a timed event means the owner says: the shop is closed during it, or open
during it and at no other time of that day. Repetitions (RRULE, RDATE, EXDATE, RECURRENCE-ID) are carried out for a year
from now. Only what is bounded is taken, since a file of a few lines may describe events without end.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo

from gateway.errors import CalendarInvalid
from gateway.telephony.schedule import MINUTES_OF_A_DAY, Schedule, ScheduleException, Span, hours_text

if TYPE_CHECKING:
    from icalendar import Calendar

DAYS_TAKEN = 366
LARGEST_CHARACTERS = 300_000
MOST_EVENTS = 500
MOST_OCCURRENCES = 2000
LONGEST_NAME = 100
_Event: TypeAlias = Any
"""A component of icalendar, whose own types leave open what each property holds."""
_COARSE = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
_FINE = ("BYHOUR", "BYMINUTE", "BYSECOND")
_FIRST_YEAR = 2000


class Timed(StrEnum):
    """What events with a time of day mean."""

    CLOSED = "closed"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """An event once, by the wall clock of the shop; `ends` is where it does not last any more."""

    begins: datetime
    ends: datetime
    whole_days: bool
    name: str


def read_calendar(
    text: str, schedule: Schedule, *, zone: ZoneInfo, today: date, timed: Timed
) -> tuple[ScheduleException, ...]:
    """The exceptions of a year from `today` on, in order; `schedule` has the hours that timed events take away from.

    Raises CalendarInvalid with a sentence (`values["problem"]`) for what is no calendar, or is too large.
    """
    occurrences = _occurrences(_calendar(text), zone, today)
    closed = [each for each in occurrences if each.whole_days]
    found = [_closed(each, today) for each in closed]
    covered = {day for exception in found for day in exception.dates}
    parts = [each for each in occurrences if not each.whole_days and each.ends > each.begins]
    hours = _hours_left(parts, schedule) if timed is Timed.CLOSED else _hours_told(parts)
    for day, (spans, name) in hours.items():
        if day not in covered and today <= day < today + timedelta(days=DAYS_TAKEN):
            texts = tuple(hours_text(span) for span in spans)
            found.append(ScheduleException(day=day.isoformat(), hours=texts, name=name, imported=True))
    return tuple(sorted(dict.fromkeys(found), key=lambda exception: (exception.day, exception.until or "")))


def _calendar(text: str) -> Calendar:
    if len(text) > LARGEST_CHARACTERS:
        raise _invalid("The calendar is too large.")
    from icalendar import Calendar  # noqa: PLC0415  # megabytes, for what most shops never do

    try:
        calendar = Calendar.from_ical(text.removeprefix("\ufeff"))
    except (ValueError, KeyError, IndexError) as error:
        raise _invalid("The file is not a calendar in the form iCalendar (.ics).") from error
    if not isinstance(calendar, Calendar):
        raise _invalid("The file is not a calendar in the form iCalendar (.ics).")
    events = calendar.walk("VEVENT")
    if len(events) > MOST_EVENTS:
        raise _invalid(f"More than {MOST_EVENTS} events are too many.")
    for event in events:
        _check_event(event)
    return calendar


def _check_event(event: _Event) -> None:
    name = _name_of(event)
    if event.errors:
        raise _invalid(f'The event "{name}" cannot be read: {event.errors[0][0]}.')
    begins = event.get("DTSTART")
    if begins is None:
        raise _invalid(f'The event "{name}" has no beginning (DTSTART).')
    if begins.dt.year < _FIRST_YEAR:
        raise _invalid(f'The event "{name}" begins before the year {_FIRST_YEAR}.')
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        if not set(rule.get("FREQ", [])) <= _COARSE or any(key in rule for key in _FINE):
            raise _invalid(f'The event "{name}" is repeated more often than daily.')


def _occurrences(calendar: Calendar, zone: ZoneInfo, today: date) -> list[_Occurrence]:
    """All that touch the year from `today` on; the day before counts too, for what passes midnight."""
    import recurring_ical_events  # noqa: PLC0415  # as above

    found: list[_Occurrence] = []
    begin = today - timedelta(days=1)
    try:
        query = recurring_ical_events.of(calendar)
        for days in range(0, DAYS_TAKEN, 31):
            first = begin + timedelta(days=days)
            events = query.between(first, first + timedelta(days=31))
            found += [_occurrence(event, zone) for event in events if event.get("STATUS") != "CANCELLED"]
            if len(found) > MOST_OCCURRENCES:
                raise _invalid(f"More than {MOST_OCCURRENCES} events within a year are too many.")
    except (ValueError, TypeError, AttributeError, OverflowError, KeyError) as error:
        raise _invalid(f"The calendar cannot be understood: {error}.") from error
    return sorted(dict.fromkeys(found), key=lambda each: (each.begins, each.ends, each.name))


def _occurrence(event: _Event, zone: ZoneInfo) -> _Occurrence:
    begins: date = event["DTSTART"].dt
    ends: date = event["DTEND"].dt if "DTEND" in event else begins
    whole_days = not isinstance(begins, datetime)
    if whole_days and ends <= begins:
        ends = begins + timedelta(days=1)
    return _Occurrence(_wall(begins, zone), _wall(ends, zone), whole_days, _name_of(event))


def _wall(value: date, zone: ZoneInfo) -> datetime:
    """What the shop's clock shows; a time without a zone is the shop's own (RFC 5545 section 3.3.5, form 1)."""
    if not isinstance(value, datetime):
        return datetime.combine(value, time())
    return value.replace(tzinfo=None) if value.tzinfo is None else value.astimezone(zone).replace(tzinfo=None)


def _name_of(event: _Event) -> str:
    name = str(event.get("SUMMARY", "")).strip()
    return "".join(each if unicodedata.category(each) != "Cc" else " " for each in name)[:LONGEST_NAME]


def _closed(occurrence: _Occurrence, today: date) -> ScheduleException:
    first = max(occurrence.begins.date(), today - timedelta(days=1))
    last = min(occurrence.ends.date() - timedelta(days=1), first + timedelta(days=DAYS_TAKEN - 1))
    return ScheduleException(
        day=first.isoformat(),
        until=last.isoformat() if last > first else None,
        name=occurrence.name,
        imported=True,
    )


def _hours_told(parts: list[_Occurrence]) -> dict[date, tuple[list[Span], str]]:
    """The days of events during which alone the shop is open. What lasts over midnight belongs to its first day."""
    told: dict[date, list[_Occurrence]] = defaultdict(list)
    for part in parts:
        for piece in _within_days(part):
            told[piece.begins.date()].append(piece)
    return {
        day: (_joined([_span(piece, day) for piece in pieces]), pieces[0].name) for day, pieces in sorted(told.items())
    }


def _hours_left(parts: list[_Occurrence], schedule: Schedule) -> dict[date, tuple[list[Span], str]]:
    """The days whose hours events take something away from.

    What is left of a night after midnight cannot begin on the day before, so it becomes hours of the next day.
    """
    left: dict[date, tuple[list[Span], str]] = {}
    touched: dict[date, list[_Occurrence]] = defaultdict(list)
    for part in parts:
        for passed in range(-1, min((part.ends - part.begins).days + 3, DAYS_TAKEN)):
            touched[part.begins.date() + timedelta(days=passed)].append(part)
    after_midnight: list[Span] = []
    for day, during in sorted(touched.items()):
        if day - timedelta(days=1) not in touched:
            after_midnight = []
        before = list(schedule.on(day).spans)
        spans = before
        for part in during:
            spans = _without(spans, _span(part, day))
        early = [Span(each.opens - MINUTES_OF_A_DAY, each.closes - MINUTES_OF_A_DAY) for each in after_midnight]
        after_midnight = [each for each in spans if each.opens >= MINUTES_OF_A_DAY]
        kept = [each for each in spans if each.opens < MINUTES_OF_A_DAY]
        if kept != before or early:
            left[day] = (_joined(early + kept), _named(during, before, day))
    return left


def _named(during: list[_Occurrence], spans: list[Span], day: date) -> str:
    """The first event that takes something away, or what still follows from the day before."""
    return next((part.name for part in during if _without(spans, _span(part, day)) != spans), during[0].name)


def _within_days(part: _Occurrence) -> Iterator[_Occurrence]:
    """Pieces of at most a day, each told by the day it begins on."""
    begins = part.begins
    while part.ends - begins >= timedelta(days=1) and (part.ends - begins, begins.time()) != (
        timedelta(days=1),
        time(),
    ):
        midnight = datetime.combine(begins.date() + timedelta(days=1), time())
        yield _Occurrence(begins, midnight, False, part.name)
        begins = midnight
    yield _Occurrence(begins, part.ends, False, part.name)


def _span(part: _Occurrence, day: date) -> Span:
    midnight = datetime.combine(day, time())
    return Span(
        int((part.begins - midnight).total_seconds() // 60), int(-(-(part.ends - midnight).total_seconds() // 60))
    )


def _without(spans: list[Span], taken: Span) -> list[Span]:
    pieces = [
        piece
        for span in spans
        for piece in (
            Span(span.opens, min(span.closes, taken.opens)),
            Span(max(span.opens, taken.closes), span.closes),
        )
    ]
    return [piece for piece in pieces if piece.closes > piece.opens]


def _joined(spans: list[Span]) -> list[Span]:
    """In order, with none that overlap or touch; only the whole day from midnight lasts 24 hours."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.opens, each.closes)):
        if joined and span.opens <= joined[-1].closes:
            longest = joined[-1].opens + MINUTES_OF_A_DAY - bool(joined[-1].opens)
            joined[-1] = Span(joined[-1].opens, min(max(joined[-1].closes, span.closes), longest))
        else:
            joined.append(span)
    return joined


def _invalid(problem: str) -> CalendarInvalid:
    return CalendarInvalid(problem, problem=problem)
