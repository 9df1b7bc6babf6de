"""Stored jobs: what was promised survives, is found when it is due, and is not run twice at the same time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, case, delete, literal, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from gateway.clock import WallClock
from gateway.ids import new_id
from gateway.jobs import Promised, Told, Wanted
from gateway.store.schema import jobs
from gateway.store.writer import Writer

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=30)
"""How long a job that is over can still be looked up, and its key keeps another from being stored."""
DELIVERED_FOR = timedelta(days=3)
"""The same of one that has a lane and is done: there are thousands a day of these."""
TIDY_EVERY = timedelta(hours=1)
_OPEN = ("waiting", "running")
_PROMISE = insert(jobs).on_conflict_do_nothing(index_elements=["gateway_id", "kind", "key"])
"""Made once: thousands of orders that come in one file are thousands of promises in one go, on the loop."""


class StoredJobs:
    """The JobLedger of gateway.jobs."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock
        self._tidied_at: datetime | None = None

    def promise(self, wanted: Wanted) -> Promised:
        """Hand a job to the disk, at once and for good; of two with the same kind and `key` only the first counts."""
        job_id = new_id()
        row = {
            "id": job_id,
            "gateway_id": self._gateway_id,
            "kind": wanted.kind,
            "key": wanted.key,
            "lane": wanted.lane,
            "arguments": dict(wanted.arguments),
            "state": "waiting",
            "due_at": wanted.due_at,
            "attempts": 0,
            "created_at": self._clock(),
            "expires_at": wanted.expires_at,
        }

        def keep(connection: Connection) -> None:
            connection.execute(_PROMISE, row)

        committed: asyncio.Future[None] = self._writer.hand_over(keep)
        return Promised(job_id, committed)

    async def reopen(self, kinds_that_may_repeat: Iterable[str]) -> None:
        """After a start: what was running waits again, or is of unknown outcome; what is long over is forgotten."""
        now = self._clock()
        repeatable = tuple(kinds_that_may_repeat)

        def reopen(connection: Connection) -> int:
            running = jobs.c.state == "running"
            at_once = literal(now, jobs.c.due_at.type)  # what has a lane keeps its place there
            again = connection.execute(
                update(jobs)
                .where(running, jobs.c.kind.in_(repeatable))
                .values(state="waiting", due_at=case((jobs.c.lane.is_(None), at_once), else_=jobs.c.due_at))
            ).rowcount
            connection.execute(update(jobs).where(running).values(state="unknown", finished_at=now))
            _forget(connection, now)
            return again

        again = await self._writer.write(reopen)
        if again:
            log.info("%d jobs were cut off when the gateway stopped last time, and are done now.", again)

    async def due(self, now: datetime, limit: int, besides: Collection[str] = ()) -> tuple[list[Told], datetime | None]:
        """Jobs to run now, the longest due first, and when the next one will be due; none of the lanes `besides`."""
        waiting = select(jobs).where(jobs.c.state == "waiting").order_by(jobs.c.due_at, jobs.c.id)
        if besides:
            waiting = waiting.where(or_(jobs.c.lane.is_(None), jobs.c.lane.not_in(besides)))

        def read(connection: Connection) -> tuple[list[Told], datetime | None]:
            rows = connection.execute(waiting.limit(limit + 1)).all()
            found = [row for row in rows[:limit] if row.due_at <= now]
            following = rows[len(found)].due_at if len(rows) > len(found) else None
            return [_told(row) for row in found], following

        return await self._writer.write(read)

    async def log(self, kinds: Sequence[str], limit: int = 50) -> Sequence[Row[Any]]:
        """The last jobs of those kinds as rows of the table, the newest first."""
        wanted = select(jobs).where(jobs.c.kind.in_(kinds)).order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
        return await self._writer.write(lambda connection: connection.execute(wanted.limit(limit)).all())

    async def again(
        self, job_id: str, kinds: Sequence[str], *, due_at: datetime, lasts: Mapping[str, timedelta | None]
    ) -> bool | None:
        """Let a job of those kinds wait once more; False: it runs or is done, None: there is none."""

        def again(connection: Connection) -> bool | None:
            row = connection.execute(select(jobs).where(jobs.c.id == job_id, jobs.c.kind.in_(kinds))).first()
            if row is None:
                return None
            if row.state in ("running", "done"):
                return False
            allowed = lasts[row.kind]
            expires_at = None if allowed is None else due_at + allowed
            _change(connection, job_id, state="waiting", due_at=due_at, expires_at=expires_at, finished_at=None)
            return True

        return await self._writer.write(again)

    async def begin(self, job_id: str) -> None:
        """Commit that the job runs. Raises StoreError."""
        await self._writer.write(
            lambda connection: _change(connection, job_id, state="running", attempts=jobs.c.attempts + 1)
        )

    async def postpone(self, job_id: str, due_at: datetime, why: str) -> None:
        """It waits until then."""
        await self._writer.write_or_keep(
            lambda connection: _change(connection, job_id, state="waiting", due_at=due_at, last_error=why)
        )

    async def finish(self, job_id: str, state: str, why: str | None) -> None:
        """It is over: "done", "failed" or "expired"."""
        now = self._clock()
        is_tidying = self._tidied_at is None or abs(now - self._tidied_at) >= TIDY_EVERY
        self._tidied_at = now if is_tidying else self._tidied_at

        def finish(connection: Connection) -> None:
            _change(connection, job_id, state=state, finished_at=now, last_error=why)
            if is_tidying:
                _forget(connection, now)

        await self._writer.write_or_keep(finish)


def _forget(connection: Connection, now: datetime) -> None:
    """What is long over."""
    is_old = jobs.c.finished_at < now - KEPT_FOR
    is_delivered = and_(jobs.c.lane.is_not(None), jobs.c.state == "done", jobs.c.finished_at < now - DELIVERED_FOR)
    connection.execute(delete(jobs).where(jobs.c.state.not_in(_OPEN), or_(is_old, is_delivered)))


def _change(connection: Connection, job_id: str, **values: Any) -> None:
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(**values))


def _told(row: Row[Any]) -> Told:
    return Told(
        job_id=row.id,
        kind=row.kind,
        arguments=row.arguments,
        attempt=row.attempts + 1,
        promised_at=row.created_at,
        expires_at=row.expires_at,
        due_at=row.due_at,
        lane=row.lane,
    )
