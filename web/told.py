"""What forms and addresses tell, as the API takes it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from web.reader import time_zone


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
