"""Tells the owner when the shared database has not had what happens here for more than a day."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import NoReturn

from sqlalchemy.exc import DBAPIError

from gateway.clock import WallClock
from gateway.events import AlertCleared, AlertRaised, Publish
from gateway.store.database import Places
from gateway.store.opened import transaction
from gateway.store.replication.change_log import Waiting, waiting_in

LOOK_SECONDS = 600.0
LATE = timedelta(days=1)
CODE = "replication-behind"


class ReplicationWatch:
    """Raises an alert for as long as the oldest change that waits is older than LATE, while `run` is not cancelled."""

    def __init__(self, places: Places, publish: Publish, clock: WallClock) -> None:
        self._places = places
        self._publish = publish
        self._clock = clock
        self._has_told = False

    async def run(self) -> NoReturn:
        """Look every ten minutes."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            waiting = await asyncio.to_thread(self._waiting)
            if waiting is not None:
                self._judge(waiting)

    def _judge(self, waiting: Waiting) -> None:
        is_late = waiting.since is not None and self._clock() - waiting.since > LATE
        if is_late and not self._has_told:
            values = {"since": f"{waiting.since:%Y-%m-%d}", "rows": str(waiting.rows)}
            self._publish(AlertRaised(code=CODE, subject="", values=values))
        elif self._has_told and not is_late:
            self._publish(AlertCleared(code=CODE, subject=""))
        self._has_told = is_late

    def _waiting(self) -> Waiting | None:
        try:
            with transaction(self._places.database, read_only=True) as connection:
                return waiting_in(connection)
        except DBAPIError:
            return None
