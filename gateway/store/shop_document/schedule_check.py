"""What must hold in the shop's hours beyond the types of their keys; each breach is noted at its line."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

from gateway.telephony.public_holidays import known_countries
from gateway.telephony.schedule import WEEKDAYS, Schedule, ScheduleException, spans_of
from gateway.toml_document import Place, TomlDocument, quoted

MOST_EXCEPTIONS = 1000
MOST_DAYS = 366
LONGEST_NAME = 100


def check_schedule(document: TomlDocument) -> None:
    """Note everything that is wrong with the hours that `document` has read."""
    for place, schedule in document.found(Schedule):
        for key in (*WEEKDAYS, "holiday_hours"):
            _check_hours(document, (*place, key), getattr(schedule, key))
        if schedule.holidays and schedule.holidays not in known_countries():
            document.problem(
                (*place, "holidays"),
                f"{quoted((*place, 'holidays'))} must be a country of two letters whose public holidays are known, "
                f'like "RU", or "", not "{schedule.holidays}".',
            )
        if len(schedule.exceptions) > MOST_EXCEPTIONS:
            document.problem((*place, "exceptions"), f"More than {MOST_EXCEPTIONS} exceptions are too many.")
    for place, exception in document.found(ScheduleException):
        _check_hours(document, (*place, "hours"), exception.hours)
        if len(exception.name) > LONGEST_NAME:
            document.problem(
                (*place, "name"), f"The name of the exception {exception.day} has over {LONGEST_NAME} characters."
            )
        days = [_date(document, (*place, key), getattr(exception, key)) for key in ("day", "until")]
        if days[0] is not None and days[1] is not None and not 0 <= (days[1] - days[0]).days < MOST_DAYS:
            document.problem(
                (*place, "until"),
                f'"until" of the exception {exception.day} must be that day or a later one, within a year.',
            )


def _check_hours(document: TomlDocument, place: Place, hours: tuple[str, ...]) -> None:
    try:
        spans = spans_of(hours)
    except ValueError as error:
        document.problem(place, f"{quoted(place)}: {error}")
        return
    if any(former.closes > later.opens for former, later in pairwise(spans)):
        document.problem(place, f"{quoted(place)}: hours of a day must not overlap.")


def _date(document: TomlDocument, place: Place, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text or not 2000 <= day.year <= 2100:
        document.problem(place, f'{quoted(place)} must be a date like "2026-12-31", not "{text}".')
        return None
    return day
