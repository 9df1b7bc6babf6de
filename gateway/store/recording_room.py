"""How long the disk lasts for recordings at the present rate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, case, func, select

from gateway.store.retention import FULL
from gateway.store.schema import recordings

RATE_OF = timedelta(days=7)
"""What was recorded in this time, or since the first recording, tells the rate."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRate:
    """What recordings take."""

    kept_bytes: int
    """Of those that are there."""
    bytes_per_day: int
    """On average over the last days, also of what has been removed since."""


def recording_rate(connection: Connection, now: datetime) -> RecordingRate:
    """Goes through all recordings."""
    size = func.coalesce(recordings.c.size_bytes, 0)
    wanted = select(
        func.coalesce(func.sum(case((recordings.c.deleted_at.is_(None), size), else_=0)), 0),
        func.coalesce(func.sum(case((recordings.c.started_at >= now - RATE_OF, size), else_=0)), 0),
        func.min(recordings.c.started_at),
    )
    kept, lately, first = connection.execute(wanted).one()
    since = max(now - RATE_OF, first) if first is not None else now
    return RecordingRate(kept_bytes=kept, bytes_per_day=round(lately / max(1.0, (now - since) / _DAY)))


def days_left(rate: RecordingRate, *, free_bytes: int, total_bytes: int, keep_days: int) -> float | None:
    """Until the disk is so full that the oldest recordings go before their time.

    None: never at this rate, as recordings are removed when they are `keep_days` old.
    """
    room = max(0, round(free_bytes - (1 - FULL) * total_bytes))
    yet_to_come = rate.bytes_per_day * keep_days - rate.kept_bytes
    if rate.bytes_per_day == 0 or yet_to_come <= room:
        return None
    return room / rate.bytes_per_day
