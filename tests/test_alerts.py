"""Alerts: after the grace, once, and cleared when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.alerts import GRACE_SECONDS, Alerts
from gateway.audio.recording_writer import RecordingTrouble
from gateway.events import AlertCleared, AlertRaised, Event, EventBus, ModemChanged, Published


@contextmanager
def watched() -> Iterator[tuple[EventBus, Alerts, list[Event]]]:
    bus = EventBus()
    seen: list[Event] = []

    def note(published: Published) -> None:
        if isinstance(published.event, AlertRaised | AlertCleared):
            seen.append(published.event)

    bus.subscribe(note)
    alerts = Alerts(bus)
    try:
        yield bus, alerts, seen
    finally:
        alerts.close()


def state(name: str) -> ModemChanged:
    return ModemChanged(modem="m0", line="red", state=name, reason=None)


async def test_a_modem_that_stays_away_raises_one_alert_and_clears_it() -> None:
    with watched() as (bus, _alerts, seen):
        bus.publish(state("lost"))
        bus.publish(state("absent"))
        await asyncio.sleep(GRACE_SECONDS + 1)
        bus.publish(state("absent"))
        await asyncio.sleep(GRACE_SECONDS + 1)
        assert [(type(each).__name__, each.code) for each in seen if isinstance(each, AlertRaised)] == [
            ("AlertRaised", "modem-lost")
        ]
        bus.publish(state("opening"))
        assert len(seen) == 1
        bus.publish(state("ready"))
        assert isinstance(seen[-1], AlertCleared)
        assert len(seen) == 2


async def test_a_modem_that_is_plugged_in_anew_is_no_news() -> None:
    with watched() as (bus, _alerts, seen):
        bus.publish(state("lost"))
        await asyncio.sleep(GRACE_SECONDS / 2)
        bus.publish(state("ready"))
        await asyncio.sleep(2 * GRACE_SECONDS)
        assert seen == []


async def test_another_state_is_another_alert() -> None:
    with watched() as (bus, _alerts, seen):
        bus.publish(state("searching"))
        await asyncio.sleep(GRACE_SECONDS + 1)
        bus.publish(state("locked"))
        await asyncio.sleep(GRACE_SECONDS + 1)
        assert [each.code for each in seen if isinstance(each, AlertRaised)] == ["no-network", "sim-locked"]
        assert [each.code for each in seen if isinstance(each, AlertCleared)] == ["no-network"]


async def test_a_disk_that_fails_and_recovers() -> None:
    with watched() as (_bus, alerts, seen):
        alerts.recording_trouble(RecordingTrouble(Path("a.wav"), "No space left on device"))
        alerts.recording_trouble(RecordingTrouble(Path("b.wav"), "No space left on device"))
        alerts.recording_trouble(RecordingTrouble(Path("a.wav"), None))
        assert [type(each).__name__ for each in seen] == ["AlertRaised", "AlertCleared"]
