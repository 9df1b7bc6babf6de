"""Pauses of those who take calls, on disk, and what phones have answered today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, or_, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.clock import WallClock
from gateway.store.schema import calls
from gateway.store.schema_queue import staff_pauses
from gateway.store.writer import Writer
from gateway.telephony.on_duty import Answered, Pause, PausedTime

KEPT_FOR = timedelta(days=400)
"""As long as statistics can be asked for."""


class StoredPauses:
    """Implements telephony.on_duty.PauseLedger."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock

    async def keep(self, pause: Pause) -> None:
        """Commit a pause, new or ended. Raises StoreError."""
        row = {**asdict(pause), "gateway_id": self._gateway_id}

        def keep(connection: Connection) -> None:
            connection.execute(upsert(staff_pauses).values(row).on_conflict_do_update(index_elements=["id"], set_=row))

        await self._writer.write(keep)

    async def load(self) -> Sequence[Pause]:
        """Those that last; what was long ago is forgotten."""
        long_ago = self._clock() - KEPT_FOR
        wanted = select(staff_pauses).where(
            staff_pauses.c.gateway_id == self._gateway_id, staff_pauses.c.ended_at.is_(None)
        )

        def read(connection: Connection) -> list[Pause]:
            connection.execute(delete(staff_pauses).where(staff_pauses.c.ended_at < long_ago))
            return [
                Pause(id=row.id, extension=row.extension, reason=row.reason, by=row.by, began_at=row.began_at)
                for row in connection.execute(wanted)
            ]

        return await self._writer.write(read)

    async def answered_since(self, begin: datetime) -> Sequence[Answered]:
        """What phones have answered from then on."""
        wanted = (
            select(calls.c.answered_by, func.count(), func.max(calls.c.answered_at))
            .where(calls.c.started_at >= begin, calls.c.direction == "incoming", calls.c.answered_by.is_not(None))
            .group_by(calls.c.answered_by)
        )
        return await self._writer.write(
            lambda connection: [
                Answered(extension=extension, calls=count, last_at=last_at)
                for extension, count, last_at in connection.execute(wanted)
            ]
        )

    async def times(self, since: datetime, until: datetime) -> Sequence[PausedTime]:
        """How long phones have paused in that time, by their reasons. Raises StoreError."""
        now = self._clock()
        return await self._writer.write(lambda connection: paused_times(connection, since, until, now))


def paused_times(connection: Connection, since: datetime, until: datetime, now: datetime) -> list[PausedTime]:
    """Each extension's pauses by their reasons, cut off at both ends; one that lasts counts up to `now`."""
    rows = connection.execute(
        select(staff_pauses).where(
            staff_pauses.c.began_at < until, or_(staff_pauses.c.ended_at.is_(None), staff_pauses.c.ended_at > since)
        )
    )
    sums: dict[tuple[str, str], tuple[int, float]] = {}
    for row in rows:
        seconds = (min(row.ended_at or now, until) - max(row.began_at, since)).total_seconds()
        if seconds > 0:
            pauses, before = sums.get((row.extension, row.reason), (0, 0.0))
            sums[row.extension, row.reason] = (pauses + 1, before + seconds)
    return [
        PausedTime(extension=extension, reason=reason, pauses=pauses, seconds=round(seconds, 1))
        for (extension, reason), (pauses, seconds) in sorted(sums.items())
    ]
