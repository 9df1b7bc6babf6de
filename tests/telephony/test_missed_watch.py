"""The alert for customers who wait: once each, by the shop's hours, gone when somebody has talked to them (H2)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.errors import StoreError
from gateway.events import AlertCleared, AlertRaised, Event
from gateway.telephony.missed import MissedCustomer, Try
from gateway.telephony.missed_rules import MissedRules
from gateway.telephony.missed_watch import CODE, LOOK_SECONDS, MOST_TOLD, MissedWatch, has_been_open
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import Shop

IVAN, OLGA = "+79165554433", "+79165554434"
MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
NINE_TO_SIX = Schedule(monday=("09:00-18:00",), tuesday=("09:00-18:00",)).in_zone("UTC")


class Scene:
    """Who waits, the time, and what was told."""

    def __init__(self, *, schedule: Schedule | None = None, minutes: int = 15) -> None:
        self.now = MONDAY
        self.shop = Shop(time_zone="UTC", schedule=schedule or Schedule(), missed=MissedRules(alert_minutes=minutes))
        self.waiting: list[MissedCustomer] = []
        self.is_away = False
        self.told: list[Event] = []
        self.watch = MissedWatch(
            missed=self.missed, shop=lambda: self.shop, clock=lambda: self.now, publish=self.told.append
        )

    async def missed(self) -> list[MissedCustomer]:
        if self.is_away:
            raise StoreError("The disk is away.")
        return self.waiting

    def tries(self, number: str) -> None:
        attempt = Try(number=number, call_id=f"{number}-{self.now}", at=self.now)
        self.waiting.append(MissedCustomer(number=number, tries=(attempt,), ended=None))

    async def after(self, **units: float) -> list[str]:
        """What is told of, as code and number, when that time has passed."""
        self.now += timedelta(**units)
        await self.watch.look()
        told, self.told[:] = list(self.told), []
        assert all(isinstance(each, AlertRaised | AlertCleared) and each.code == CODE for each in told)
        return [f"{type(each).__name__} {each.subject}" for each in told]  # type: ignore[attr-defined]  # looked at above


async def test_who_cannot_be_called_back_raises_no_alert() -> None:
    scene = Scene()
    scene.tries("")
    scene.tries("900")
    scene.tries(IVAN)
    assert await scene.after(minutes=60) == [f"AlertRaised {IVAN}"]


async def test_each_is_told_of_once_after_a_quarter_of_an_hour_and_cleared_by_a_talk() -> None:
    scene = Scene()
    scene.tries(IVAN)
    assert await scene.after(minutes=14) == []
    scene.tries(OLGA)
    assert await scene.after(minutes=1) == [f"AlertRaised {IVAN}"]
    assert await scene.after(minutes=5) == []
    assert await scene.after(minutes=10) == [f"AlertRaised {OLGA}"]
    del scene.waiting[0]
    assert await scene.after(minutes=1) == [f"AlertCleared {IVAN}"]
    scene.tries(IVAN)
    assert await scene.after(minutes=20) == [f"AlertRaised {IVAN}"]


async def test_so_many_are_told_of_at_a_time_the_next_when_one_is_over() -> None:
    scene = Scene()
    for place in range(MOST_TOLD + 10):
        scene.tries(f"+7916{place:07}")
    assert len(await scene.after(minutes=20)) == MOST_TOLD
    assert await scene.after(minutes=20) == []
    del scene.waiting[0]
    assert await scene.after(minutes=1) == ["AlertCleared +79160000000", f"AlertRaised +7916{MOST_TOLD:07}"]


async def test_the_alert_says_who_and_since_when() -> None:
    scene = Scene()
    scene.tries(IVAN)
    scene.now += timedelta(hours=1)
    await scene.watch.look()
    assert scene.told == [
        AlertRaised(code=CODE, subject=IVAN, values={"number": IVAN, "since": "2026-03-02T15:00+00:00"})
    ]


async def test_the_night_does_not_count() -> None:
    """Missed at 17:50, ten minutes before the shop closes: five minutes of the next morning are still left."""
    scene = Scene(schedule=NINE_TO_SIX)
    scene.now = MONDAY.replace(hour=17, minute=50)
    scene.tries(IVAN)
    assert await scene.after(minutes=9) == []
    assert await scene.after(hours=8) == []
    scene.now = MONDAY.replace(day=3, hour=9, minute=4)
    assert await scene.after() == []
    assert await scene.after(minutes=1) == [f"AlertRaised {IVAN}"]


async def test_nobody_is_woken_by_a_start_in_the_night() -> None:
    scene = Scene(schedule=NINE_TO_SIX)
    scene.tries(IVAN)
    scene.now = MONDAY.replace(hour=23)
    assert await scene.after() == []
    assert await scene.after(hours=10) == [f"AlertRaised {IVAN}"]


async def test_an_owner_who_wants_none_gets_none() -> None:
    scene = Scene()
    scene.tries(IVAN)
    assert await scene.after(hours=1) == [f"AlertRaised {IVAN}"]
    scene.shop = replace(scene.shop, missed=MissedRules(alert_minutes=0))
    assert await scene.after(hours=1) == [f"AlertCleared {IVAN}"]
    assert await scene.after(hours=1) == []


async def test_it_looks_again_after_a_store_that_was_away() -> None:
    scene = Scene()
    scene.tries(IVAN)
    scene.now += timedelta(hours=1)
    scene.is_away = True
    async with asyncio.TaskGroup() as work:
        watching = work.create_task(scene.watch.run())
        await asyncio.sleep(LOOK_SECONDS / 2)
        assert scene.told == []
        scene.is_away = False
        await asyncio.sleep(LOOK_SECONDS)
        watching.cancel()
    assert len(scene.told) == 1


def test_open_time_is_added_up_over_days() -> None:
    since = MONDAY.replace(hour=17)
    until = MONDAY.replace(day=3, hour=10)
    assert has_been_open(NINE_TO_SIX, since, until, timedelta(hours=2))
    assert not has_been_open(NINE_TO_SIX, since, until, timedelta(hours=2, seconds=1))
    assert not has_been_open(NINE_TO_SIX, until, since, timedelta(seconds=1))
