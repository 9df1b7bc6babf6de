"""What forms and addresses tell, as the API takes it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from web.reader import time_zone

_DASHES = re.compile(r"\s*[-\u2013\u2014]\s*")
_SPAN = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))?-([0-9]{1,2})(?:[:.]([0-9]{2}))?", re.ASCII)


def whole(text: str) -> int | str | None:
    """A number, None for nothing; what is none goes on as it is, and the gateway says what is wrong with it."""
    try:
        return int(text) if text else None
    except ValueError:
        return text


def midnight(day: str, *, days: int = 0) -> str | None:
    """The beginning of a day `2027-01-31` of the shop, or of one so much later, in UTC; None for what is no day."""
    try:
        first = date.fromisoformat(day) + timedelta(days=days)
        return datetime.combine(first, time(), time_zone()).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return None


def spans(text: str) -> list[str]:
    """Hours as people write them ("9-13, 14.00 – 18.30"); what is none goes on as it is, and the gateway says so."""
    return [_span(each) for each in re.split(r"[\s,;]+", _DASHES.sub("-", text.strip())) if each]


def _span(text: str) -> str:
    found = _SPAN.fullmatch(text)
    return f"{found[1]:0>2}:{found[2] or '00'}-{found[3]:0>2}:{found[4] or '00'}" if found else text
