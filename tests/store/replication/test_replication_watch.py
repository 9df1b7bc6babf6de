"""Who waits for the shared database for more than a day is told, once, until it is over."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sqlalchemy import delete, update

from gateway.events import AlertCleared, AlertRaised, Event, EventBus
from gateway.settings import Settings
from gateway.store.database import open_engine, prepare
from gateway.store.replication.change_log import ChangeLog
from gateway.store.replication.replication_watch import LOOK_SECONDS, ReplicationWatch
from gateway.store.replication.schema_replication import changes
from tests.store.conftest import HandClock
from tests.store.replication.replication_box import Box


async def test_more_than_a_day_behind(places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]) -> None:
    watch = ReplicationWatch(places, bus.publish, clock)
    watching = asyncio.create_task(watch.run())
    await asyncio.sleep(LOOK_SECONDS + 1)  # there is no store yet
    await asyncio.to_thread(prepare, places)
    engine = open_engine(places.database)
    box = Box(places.data_dir, engine, "North")
    with ChangeLog(places, clock) as log:
        log.begin()
    box.text()
    with engine.begin() as connection:
        connection.execute(update(changes).values(at=clock.now))
    clock.pass_by(hours=23)
    await asyncio.sleep(LOOK_SECONDS)
    assert heard == []
    clock.pass_by(hours=2)
    await asyncio.sleep(2 * LOOK_SECONDS)
    assert heard == [AlertRaised(code="replication-behind", subject="", values={"since": "2026-03-02", "rows": "1"})]
    with engine.begin() as connection:
        connection.execute(delete(changes))
    await asyncio.sleep(LOOK_SECONDS)
    assert heard[1:] == [AlertCleared(code="replication-behind", subject="")]
    engine.dispose()
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
