"""The day and the hours of a delivery, read from what shops' programs and people write."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

MOST_DAYS = 366
"""A number up to this one counts days from today; a larger one counts seconds since 1970."""

_DAYS = re.compile(r"[0-9]{1,3}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{9,10}", re.ASCII)
_DOTTED = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", re.ASCII)
_CLOCK = re.compile(r"(?<![0-9:.])([01]?[0-9]|2[0-4])(?:[:.]([0-5][0-9])(?::[0-5][0-9])?)?(?![0-9:])", re.ASCII)


def read_day(text: str, now: datetime, zone: tzinfo) -> date:
    """`2026-11-25`, `25.11.2026`, a moment as RFC 3339 or Unix seconds, or the days from today (`3`).

    `now` is aware; the day is that of the shop's calendar, in `zone`. Raises ValueError.
    """
    text = text.strip()
    if _DAYS.fullmatch(text) and int(text) <= MOST_DAYS:
        return now.astimezone(zone).date() + timedelta(days=int(text))
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text), UTC).astimezone(zone).date()
    dotted = _DOTTED.fullmatch(text)
    if dotted is not None:
        return date(int(dotted[3]), int(dotted[2]), int(dotted[1]))
    moment = datetime.fromisoformat(text)
    try:
        return (moment if moment.tzinfo is None else moment.astimezone(zone)).date()
    except OverflowError as fault:
        raise ValueError(f"{text!r} is no day of this time.") from fault


def read_hours(begins: str, ends: str = "") -> tuple[time | None, time | None]:
    """From and until when: `14:00` and `18:00`, or both in one text, such as `14-18` or `с 14:00 до 18:00`.

    None: nothing is said of it. Hours that end before they begin say nothing. Raises ValueError for a text that has no
    time of day.
    """
    found = [_clock(match) for match in _CLOCK.finditer(begins)]
    if begins.strip() and not found:
        raise ValueError(f"{begins!r} has no time of day.")
    until = [_clock(match) for match in _CLOCK.finditer(ends)]
    if ends.strip() and not until:
        raise ValueError(f"{ends!r} has no time of day.")
    first = found[0] if found else None
    last = until[0] if until else found[1] if len(found) > 1 else None
    if first is not None and last is not None and last != time() and last <= first:
        return None, None
    return first, last


def _clock(match: re.Match[str]) -> time:
    hours, minutes = int(match[1]), int(match[2] or 0)
    if hours == 24 and minutes:
        raise ValueError(f"{match[0]!r} is no time of day.")
    return time(hours % 24, minutes)
