"""So many calls to outside may an extension begin in a minute, and no restart gives it more (T-F2)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.errors import TooManyCalls
from gateway.events import AlertCleared, AlertRaised, Event, EventBus
from gateway.ids import new_id
from gateway.settings import Settings
from gateway.store.store import open_store
from gateway.telephony.ledger import Budget
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, Shop
from tests.store.conftest import HandClock

CUSTOMER = "+79035550001"
MOBILE = "+79161234567"
SHOP = Shop(
    lines=(LineSettings(name="red", modem="m0"),),
    phones=(
        PhoneSettings(extension="101", password="a-password-of-101"),
        PhoneSettings(extension="102", password="a-password-of-102", calls_per_minute=2),
    ),
    couriers=(CourierSettings(extension="2001", mobile=MOBILE, calls_per_minute=1),),
)


async def begin(budget: Budget, extension: str | None = "101", number: str = CUSTOMER, call_id: str = "") -> None:
    """A call that nobody answers."""
    reservation = await budget.open(
        call_id=call_id or new_id(), leg_id=new_id(), line="red", extension=extension, number=number
    )
    await budget.close(reservation, talk_seconds=0)


async def test_the_sixth_call_in_a_minute_is_refused_and_the_owner_alerted_once(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        for _ in range(5):
            await begin(store.budget)
            clock.now += timedelta(seconds=5)
        for _ in range(3):
            with pytest.raises(TooManyCalls) as refusal:
                await begin(store.budget)
        assert refusal.value.values == {"extension": "101", "calls": "5"}
        alerts = [event for event in heard if isinstance(event, AlertRaised)]
        assert [(each.code, each.subject) for each in alerts] == [("too-many-calls", "extension 101")]
        await begin(store.budget, "102")
        clock.now += timedelta(seconds=36)  # the first of the five is a minute ago; what was refused does not count
        await begin(store.budget)
        with pytest.raises(TooManyCalls):
            await begin(store.budget)
        clock.now += timedelta(days=1)
        await begin(store.budget)
        cleared = [event for event in heard if isinstance(event, AlertCleared)]
        assert [(each.code, each.subject) for each in cleared] == [("too-many-calls", "extension 101")]


async def test_a_call_counts_once_whichever_ways_are_tried(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        for _ in range(10):
            await begin(store.budget, "102", call_id="one")
        await begin(store.budget, "102", call_id="two")
        with pytest.raises(TooManyCalls):
            await begin(store.budget, "102", call_id="three")


async def test_an_emergency_passes_and_so_does_who_is_only_called(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        for _ in range(10):
            await begin(store.budget, "2001", number=MOBILE)  # the office rings the courier
            await begin(store.budget, None)
        await begin(store.budget, "2001")
        with pytest.raises(TooManyCalls):
            await begin(store.budget, "2001")
        for _ in range(10):
            await begin(store.budget, "2001", number="112")
            await begin(store.budget, "2001", number=MOBILE)


async def test_a_restart_gives_nobody_more(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        for _ in range(5):
            await begin(store.budget)
    async with open_store(places, clock, bus) as store:
        with pytest.raises(TooManyCalls):
            await begin(store.budget)
        await begin(store.budget, "102")
        clock.now += timedelta(seconds=61)
        await begin(store.budget)
