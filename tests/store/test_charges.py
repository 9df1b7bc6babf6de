"""Calls are charged when they are over, and add up to the days of the couriers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.events import CallAnswered, CallEnded, CallStarted, EventBus, LegAnswered, LegEnded, LegStarted
from gateway.ids import new_id
from gateway.settings import Settings
from gateway.store.queries import Queries
from gateway.store.store import open_store
from gateway.telephony.tariffs import TariffSettings
from tests.fakes.exchange_view import SHOP
from tests.store.conftest import HandClock

TARIFFS = (
    TariffSettings(way="red", per_minute="1.50", plan_minutes=3),
    TariffSettings(way="blue", per_minute="1.50", step_seconds=1),
)


def _call(bus: EventBus, clock: HandClock, *, line: str, seconds: int, order: str | None = None) -> str:
    """Courier 2001 talks that long with a customer, by that line; 0: nobody answers."""
    call_id, legs = new_id(), (new_id(), new_id())
    bus.publish(
        CallStarted(
            call_id=call_id, direction="outgoing", caller="2001", called="1001", line=None, flow="call-back",
            courier="2001", order=order,
        )
    )  # fmt: skip
    for leg_id, way, direction in ((legs[0], None, "incoming"), (legs[1], line, "outgoing")):
        bus.publish(
            LegStarted(call_id=call_id, leg_id=leg_id, kind="gsm", direction=direction, peer="+79035550001", line=way)
        )
    if seconds:
        bus.publish(LegAnswered(call_id=call_id, leg_id=legs[1]))
        bus.publish(CallAnswered(call_id=call_id, answered_by="+79035550001"))
        clock.pass_by(seconds=seconds)
    for leg_id in legs:
        bus.publish(
            LegEnded(
                call_id=call_id, leg_id=leg_id, cause="hung-up", ended_by_peer=True, frames_in=0, frames_out=0, lost=0,
                concealed=0,
            )
        )  # fmt: skip
    bus.publish(
        CallEnded(call_id=call_id, cause="hung-up", ended_by="callee", talk_seconds=float(seconds), total_seconds=99.0)
    )
    clock.pass_by(seconds=10)
    return call_id


async def test_a_day_of_a_courier(places: Settings, clock: HandClock, bus: EventBus) -> None:
    began = clock()
    async with open_store(places, clock, bus) as store:
        await store.save_shop(replace(SHOP, tariffs=TARIFFS), by="test")
        ids = [
            _call(bus, clock, line="red", seconds=90),  # two minutes of the plan
            _call(bus, clock, line="red", seconds=90, order="1001"),  # one more, and one that is paid
            _call(bus, clock, line="red", seconds=61),  # the plan is used up
            _call(bus, clock, line="blue", seconds=90, order="1001"),
            _call(bus, clock, line="blue", seconds=0, order="1002"),
            _call(bus, clock, line="blue", seconds=0, order="1002"),
        ]
        (day,) = await store.charges.days(began, clock())
        assert (day.courier, day.calls, day.reached, day.talk_seconds, day.cost) == ("2001", 6, 4, 331.0, 675)
        tries = await store.charges.tries(began, clock())
        assert [(row.order, row.tries, row.reached) for row in tries] == [("1002", 2, 0), ("1001", 2, 2)]
        assert await store.charges.days(began - timedelta(days=1), began) == []
    with Queries(places) as queries:
        rows = [queries.call(call_id) for call_id in ids]
    assert [None if row is None else row["cost"] for row in rows] == [0.0, 1.5, 3.0, 2.25, 0.0, 0.0]


async def test_the_plan_begins_anew_with_the_month(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(replace(SHOP, tariffs=TARIFFS), by="test")
        _call(bus, clock, line="red", seconds=300)
        clock.pass_by(days=31)
        began = clock()
        _call(bus, clock, line="red", seconds=180)
        (day,) = await store.charges.days(began, clock())
        assert day.cost == 0


async def test_without_a_tariff_nothing_is_claimed(places: Settings, clock: HandClock, bus: EventBus) -> None:
    began = clock()
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        _call(bus, clock, line="red", seconds=90)
        (day,) = await store.charges.days(began, clock())
        assert day.cost is None
