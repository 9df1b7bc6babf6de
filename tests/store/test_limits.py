"""The month, the night and how many calls run at once: each stops what it should, survives a restart, and is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.errors import BudgetSpent, MonthSpent, NightLocked, TooManyAtOnce
from gateway.events import AlertCleared, AlertRaised, Event, EventBus
from gateway.ids import new_id
from gateway.settings import Settings
from gateway.store.store import Store, open_store
from gateway.telephony.ledger import LineMinutes, Reservation
from gateway.telephony.night import NightLock
from gateway.telephony.shop import Shop
from gateway.telephony.tariffs import TariffSettings
from tests.store.conftest import HandClock, small_shop

CUSTOMER = "+79035550001"
MOBILE = "+79161234567"


def shop(**line: Any) -> Shop:
    """Line red has those limits, and nobody's days are short."""
    small = small_shop(minutes=1440)
    phones = tuple(replace(phone, minutes_per_day=1440, calls_per_minute=1_000) for phone in small.phones)
    return replace(small, lines=(replace(small.lines[0], **line), small.lines[1]), phones=phones)


async def begin(
    store: Store, *, line: str = "red", extension: str = "101", number: str = CUSTOMER, call_id: str = ""
) -> Reservation:
    return await store.budget.open(
        call_id=call_id or new_id(), leg_id=new_id(), line=line, extension=extension, number=number
    )


async def talk(store: Store, minutes: int, **given: str) -> None:
    """A call of so many whole minutes."""
    reservation = await begin(store, **given)
    for _ in range(minutes - 1):
        reservation = await store.budget.extend(reservation)
    await store.budget.close(reservation, talk_seconds=60 * minutes)


def alerts(heard: list[Event]) -> list[tuple[str, str]]:
    return [(event.code, event.subject) for event in heard if isinstance(event, AlertRaised)]


async def test_three_calls_a_night_stop_at_the_month(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    """T-F3: a slow drip through thirty simulated days, with a restart in the middle."""
    talked = 0
    clock.now = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    for _ in range(2):
        async with open_store(places, clock, bus) as store:
            await store.save_shop(shop(minutes_per_month=24), by="test")
            for _ in range(15):
                for _ in range(3):
                    try:
                        await talk(store, 4)
                    except MonthSpent:
                        assert talked == 24
                    else:
                        talked += 4
                clock.pass_by(days=1)
            await begin(store, line="blue")
            assert store.budget.line_minutes("red").left == 24 - talked
    assert talked == 24
    assert ("month-spent", "line red") in alerts(heard)
    clock.now = datetime(2026, 3, 31, 21, 30, tzinfo=UTC)  # April has begun in Moscow
    async with open_store(places, clock, bus) as store:
        await talk(store, 4)
        assert store.budget.line_minutes("red") == LineMinutes(used=4, left=20, of_month=4)


async def test_the_money_of_a_month_is_a_hard_stop(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    dear = TariffSettings(way="red", per_minute="3.00")
    async with open_store(places, clock, bus) as store:
        await store.save_shop(replace(shop(money_per_month=10), tariffs=(dear,)), by="test")
        await store.budget.close(await begin(store), talk_seconds=0)  # nobody answered: it costs nothing
        reservation = await begin(store)
        reservation = await store.budget.extend(reservation)
        reservation = await store.budget.extend(reservation)
        with pytest.raises(MonthSpent) as refusal:  # a fourth minute would make it 12
            await store.budget.extend(reservation)
        assert refusal.value.values == {"kind": "money", "name": "red", "month": "2026-03", "limit": "10"}
    async with open_store(places, clock, bus) as store:  # as after kill -9: what was granted counts as used
        with pytest.raises(MonthSpent):
            await begin(store)
        await begin(store, line="blue")
        await begin(store, number="112")
    assert alerts(heard) == [("month-spent", "line red")] * 2


@pytest.mark.parametrize("kind", ["minutes", "money"])
async def test_the_alert_of_a_month_is_over_once_the_limit_is_raised_and_comes_anew(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event], kind: str
) -> None:
    async with open_store(places, clock, bus) as store:
        tariffs = (TariffSettings(way="red", per_minute="1.00"),)

        async def allow(limit: int | None) -> None:
            limited = shop(minutes_per_month=limit) if kind == "minutes" else shop(money_per_month=limit)
            await store.save_shop(replace(limited, tariffs=tariffs), by="test")

        async def refused() -> None:
            with pytest.raises(MonthSpent):
                await begin(store)

        await allow(2)
        await talk(store, 2)
        await refused()
        await begin(store, line="blue")
        await store.budget.close(await begin(store, number="112"), talk_seconds=0)
        await refused()
        assert alerts(heard) == [("month-spent", "line red")], (
            "another line, an emergency and the same limit change nothing"
        )
        for limit in (4, None):
            assert not _over(heard)
            await allow(limit)
            await talk(store, 1)
            assert _over(heard) == [("month-spent", "line red")]
            await talk(store, 1)
            assert _over(heard) == [("month-spent", "line red")], "once"
            heard.clear()
            if limit is not None:
                await refused()
                assert alerts(heard) == [("month-spent", "line red")]


def _over(heard: list[Event]) -> list[tuple[str, str]]:
    return [(event.code, event.subject) for event in heard if isinstance(event, AlertCleared)]


async def test_what_a_call_did_not_use_of_the_money_goes_back(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    tariff = TariffSettings(way="red", per_minute="3.00", step_seconds=1)
    async with open_store(places, clock, bus) as store:
        await store.save_shop(replace(shop(money_per_month=3), tariffs=(tariff,)), by="test")
        for _ in range(3):
            await store.budget.close(await begin(store), talk_seconds=0)
        await store.budget.close(await begin(store), talk_seconds=20)  # 1.00
        assert (store.budget.line_minutes("red").of_month, store.budget.line_minutes("red").cost_of_month) == (1, 100)
        with pytest.raises(MonthSpent):
            await begin(store)


async def test_minutes_of_the_plan_cost_nothing(places: Settings, clock: HandClock, bus: EventBus) -> None:
    tariff = TariffSettings(way="red", per_minute="3.00", plan_minutes=5)
    async with open_store(places, clock, bus) as store:
        await store.save_shop(replace(shop(money_per_month=3), tariffs=(tariff,)), by="test")
        await talk(store, 4)
        await talk(store, 2)  # the fifth of the plan, and one for 3.00
        with pytest.raises(MonthSpent):
            await begin(store)


async def test_the_day_goes_on_stopping_before_the_month(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(shop(minutes_per_day=2, minutes_per_month=3), by="test")
        await talk(store, 2)
        with pytest.raises(BudgetSpent) as of_day:
            await begin(store)
        assert not isinstance(of_day.value, MonthSpent)
        clock.pass_by(days=1)
        assert store.budget.line_minutes("red").left in (1, 2)
        await talk(store, 1)
        with pytest.raises(MonthSpent):
            await begin(store)


# The night.


@pytest.mark.parametrize(
    ("begins", "ends", "hour", "is_on"),
    [
        ("23:00", "07:00", "22:59", False), ("23:00", "07:00", "23:00", True), ("23:00", "07:00", "03:00", True),
        ("23:00", "07:00", "06:59", True), ("23:00", "07:00", "07:00", False), ("01:00", "05:30", "05:29", True),
        ("01:00", "05:30", "05:30", False), ("01:00", "05:30", "00:59", False), ("", "", "03:00", False),
    ],
)  # fmt: skip
def test_hours_of_the_night(begins: str, ends: str, hour: str, is_on: bool) -> None:
    moment = datetime.fromisoformat(f"2026-03-02T{hour}+03:00")
    assert NightLock(begins=begins, ends=ends).is_on(moment.astimezone(UTC), "Europe/Moscow") is is_on


def test_while_nobody_has_set_the_clock_it_may_be_night() -> None:
    """X-T1: the stricter rule counts, where there is one."""
    noon = datetime(1970, 1, 1, 9, 0, tzinfo=UTC)
    assert NightLock(begins="23:00", ends="07:00").is_on(noon, "Europe/Moscow")
    assert not NightLock().is_on(noon, "Europe/Moscow")


async def test_at_night_only_emergencies_couriers_and_named_numbers_are_called(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    """T-F2: at three in the morning a stolen extension reaches nobody, and the owner is told at the first try."""
    lock = NightLock(begins="23:00", ends="07:00", numbers=("+74951112233",))
    clock.now = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)  # three o'clock in Moscow
    async with open_store(places, clock, bus) as store:
        await store.save_shop(replace(shop(), night=lock), by="test")
        for _ in range(30):
            with pytest.raises(NightLocked):
                await begin(store)
        assert alerts(heard) == [("night-lock", "extension 101")]
        for number in ("112", MOBILE, "+74951112233"):
            await begin(store, number=number)
        with pytest.raises(NightLocked):
            await store.budget.open(call_id="c", leg_id="l", line="red", extension=None, number=CUSTOMER)
        clock.now = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
        reservation = await begin(store)
        clock.now = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
        await store.budget.extend(reservation)  # what runs goes on


# At once.


async def test_the_sixth_call_at_once_is_refused(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    async with open_store(places, clock, bus) as store:
        few = shop()
        phones = (replace(few.phones[0], calls_at_once=2), few.phones[1])
        await store.save_shop(replace(few, phones=phones), by="test")
        first = await begin(store, call_id="one")
        await begin(store, call_id="two")
        await begin(store, call_id="two", line="blue")  # another way of the same call
        with pytest.raises(TooManyAtOnce) as refusal:
            await begin(store)
        assert refusal.value.values == {"extension": "101", "calls": "2"}
        await begin(store, number="112")
        await begin(store, extension="102")
        await begin(store, extension="2001", number=MOBILE)
        await store.budget.close(first, talk_seconds=5)
        await begin(store)
        assert alerts(heard) == [("too-many-at-once", "extension 101")]
        clock.now += timedelta(days=1)
        await begin(store, line="blue", extension="102")
        assert [event.code for event in heard if isinstance(event, AlertCleared)] == ["too-many-at-once"]


async def test_a_couriers_own_mobile_is_no_call_of_the_couriers(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus) as store:
        small = shop()
        await store.save_shop(replace(small, couriers=(replace(small.couriers[0], calls_at_once=1),)), by="test")
        await begin(store, extension="2001", number=MOBILE)
        await begin(store, extension="2001")
        with pytest.raises(TooManyAtOnce):
            await begin(store, extension="2001")
        await begin(store, extension="2001", number=MOBILE)


async def test_what_would_be_refused_can_be_asked_and_costs_nothing(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    """The answer is that of a call which is begun at that moment; nobody is alerted by a question."""
    lock = NightLock(begins="23:00", ends="07:00")
    async with open_store(places, clock, bus) as store:
        await store.save_shop(replace(shop(minutes_per_day=2, minutes_per_month=3), night=lock), by="test")

        def refusal(number: str = CUSTOMER, extension: str | None = "101") -> str:
            found = store.budget.refusal(way="red", extension=extension, number=number, at=clock.now)
            return type(found).__name__

        clock.now = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
        assert refusal() == refusal(extension=None) == "NightLocked"
        assert refusal("112") == "NoneType"
        clock.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        assert refusal() == refusal(extension=None) == "NoneType"
        few = tuple(replace(phone, calls_at_once=1) for phone in store.shop().phones)
        await store.save_shop(replace(store.shop(), phones=few), by="test")
        running = await begin(store, line="blue")
        assert (refusal(), refusal(extension=None), refusal(extension="102")) == (
            "TooManyAtOnce",
            "NoneType",
            "NoneType",
        )
        await store.budget.close(running, talk_seconds=0)
        assert store.budget.extension_minutes("101") == LineMinutes(used=0, left=1440)
        await talk(store, 2)
        assert refusal() == "BudgetSpent"
        assert store.budget.extension_minutes("101") == LineMinutes(used=2, left=1438)
        clock.pass_by(days=1)
        await talk(store, 1)
        assert refusal() == "MonthSpent"
        assert not [code for code, _ in alerts(heard) if code == "night-lock"]
