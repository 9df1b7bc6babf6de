"""Orders on disk: made, changed, imported all or nothing, alive in memory, there again after a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import OrderExists, OrdersInvalid
from gateway.events import (
    CallEnded,
    CallStarted,
    Event,
    EventBus,
    LegAnswered,
    LegEnded,
    LegStarted,
    OrdersChanged,
)
from gateway.ids import new_id
from gateway.settings import Settings
from gateway.store.store import open_store
from gateway.telephony.orders import Life, Stage
from tests.fakes.exchange_view import SHOP
from tests.fakes.orders import orders_in_memory
from tests.store.conftest import HandClock
from tests.store.test_erasure import rows

PHONE = "+79035550001"
CSV = "\ufeffНомер;Клиент;Телефон;Курьер;Этап\n1001;Мария;8 (903) 555-00-01;2001;в пути\n1002;;89035550002;;\n;;;;\n"


async def test_orders_outlive_the_daemon(places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        made = await store.orders.add(
            {"number": "1001", "phone": "8 903 555-00-01", "courier": "2001"}, expires_at=None, by="anna"
        )
        assert (made.phone, made.stage, store.orders.life(made)) == (PHONE, Stage.ACCEPTED, Life.OPEN)
        with pytest.raises(OrderExists):
            await store.orders.add({"number": "1001", "phone": PHONE}, expires_at=None, by="anna")
        await store.orders.add({"number": "1002", "phone": PHONE}, expires_at=None, by="anna")
        await store.orders.close("1002", by="anna")
        assert heard[-1] == OrdersChanged(numbers=("1002",), by="anna")
    async with open_store(places, clock) as store:
        assert [order.number for order in store.orders.alive()] == ["1001"]
        await store.orders.change("1001", {"stage": "delivered"}, by="2001")
        clock.pass_by(minutes=119)
        assert [store.orders.life(order) for order in store.orders.alive()] == [Life.GRACE]
        clock.pass_by(minutes=1)
        assert store.orders.alive() == ()
        kept = await store.orders.find("1001")
        assert kept is not None
        assert store.orders.life(kept) is Life.CLOSED
        again = await store.orders.change("1001", {"stage": "with-courier"}, by="anna")
        assert again is not None
        assert store.orders.life(again) is Life.OPEN, "a stage that is taken back opens it again"


async def test_a_change_or_a_closing_is_taken_back_for_some_minutes(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        orders = store.orders
        values = {"number": "1001", "phone": PHONE, "courier": "2001", "note": "roses", "delivery_on": "2027-02-01"}
        made = await orders.add(values, expires_at=None, by="anna")
        assert await orders.put_back("1001", by="anna") is None, "an order that was just made was no other one before"
        assert await orders.put_back("1002", by="anna") is None

        clock.pass_by(minutes=1)
        changed = {"stage": "cancelled", "note": "", "courier": "", "phone": "+79035550002", "delivery_on": ""}
        await orders.change("1001", changed, by="anna")
        clock.pass_by(minutes=9)
        restored = await orders.put_back("1001", by="boris")
        assert restored == replace(made, changed_at=clock())
        assert (await orders.find("1001"), orders.alive()) == (restored, (restored,))
        assert await orders.put_back("1001", by="anna") is None, "once"

        await orders.close("1001", by="anna")
        assert orders.alive() == ()
        assert await orders.put_back("1001", by="anna") is not None
        assert [order.number for order in orders.alive()] == ["1001"], "its people are connected again"

        await orders.close("1001", by="anna")
        clock.pass_by(minutes=10)
        assert await orders.put_back("1001", by="anna") is None, "too late"

        await orders.change("1001", {"stage": "packed"}, by="anna")
        await orders.import_text(f"number,phone,note\n1001,{PHONE},tulips\n", by="anna")
        assert await orders.put_back("1001", by="anna") is None, "a table has changed it since"

        await orders.change("1001", {"courier": ""}, by="anna")
        without = replace(SHOP, couriers=tuple(each for each in SHOP.couriers if each.extension != "2001"))
        await store.save_shop(without, by="test")
        with pytest.raises(OrdersInvalid, match="no courier '2001'"):
            await orders.put_back("1001", by="anna")
        await store.save_shop(SHOP, by="test")
        orders.forget_changes()  # as when a number is erased
        assert await orders.put_back("1001", by="anna") is None
        assert rows(places, "SELECT \"by\" FROM audit WHERE action = 'order.put-back'") == [("boris",), ("anna",)]


async def test_so_many_changes_can_be_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.orders._MOST_PUT_BACK", 2)
    orders = orders_in_memory(lambda: SHOP)
    for number in ("1", "2", "3"):
        await orders.add({"number": number, "phone": PHONE}, expires_at=None, by="anna")
        await orders.close(number, by="anna")
    assert await orders.put_back("1", by="anna") is None
    assert await orders.put_back("2", by="anna") is not None
    assert await orders.put_back("3", by="anna") is not None


async def test_a_table_is_taken_whole_or_not_at_all() -> None:
    orders = orders_in_memory(lambda: SHOP)
    taken = await orders.import_text(CSV, by="anna")
    assert (taken.added, taken.changed) == (2, 0)
    first, second = await orders.find("1001"), await orders.find("1002")
    assert first is not None
    assert second is not None
    assert (first.customer, first.phone, first.courier, first.stage) == ("Мария", PHONE, "2001", Stage.IN_TRANSIT)
    assert (second.phone, second.courier) == ("+79035550002", None)
    wrong = "number,phone,courier\n1001,89035550009,2002\n1003,112,\n1004,x,\n10 05,89035550005,\n1006,89035550006,9\n"
    with pytest.raises(OrdersInvalid) as refusal:
        await orders.import_text(wrong, by="anna")
    assert [line.partition(":")[0] for line in str(refusal.value).splitlines()] == [f"Line {n}" for n in (3, 4, 5, 6)]
    assert await orders.find("1001") == first
    taken = await orders.import_text("order,phone,courier\n1001,89035550009,\n", by="anna")
    assert (taken.added, taken.changed) == (0, 1)
    changed = await orders.find("1001")
    assert changed is not None
    assert (changed.phone, changed.courier, changed.customer) == ("+79035550009", None, "Мария")


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "number\n1\n", 'number,phone\n"1001,8903\n', "\0"])
async def test_what_is_no_table_of_orders_is_refused(text: str) -> None:
    with pytest.raises(OrdersInvalid):
        await orders_in_memory(lambda: SHOP).import_text(text, by="anna")


async def test_orders_are_found_and_listed_in_pages() -> None:
    orders = orders_in_memory(lambda: SHOP)
    for place in range(5):
        values = {"number": f"A-{place}", "phone": f"8903555000{place}", "customer": f"Мария {place}"}
        await orders.add({**values, "courier": "2001" if place % 2 else "2002"}, expires_at=None, by="anna")

    async def listed(**wanted: object) -> list[str]:
        asked = {"search": "", "courier": None, "stage": None, "after": None, "limit": 50, **wanted}
        return [order.number for order in await orders.page(**asked)]  # type: ignore[arg-type]  # by its names

    assert await listed() == ["A-4", "A-3", "A-2", "A-1", "A-0"]
    assert await listed(search="5550003") == ["A-3"]
    assert await listed(search="a-2") == ["A-2"]
    assert await listed(search="Мария 1") == await listed(search="мария 1") == ["A-1"]
    assert await listed(courier="2001") == ["A-3", "A-1"]
    assert await listed(stage="packed") == []
    (second,) = await orders.page(search="A-3", courier=None, stage=None, after=None, limit=1)
    assert await listed(after=second.id, limit=2) == ["A-2", "A-1"]


def _calls_customer(bus: EventBus, clock: HandClock, *, cause: str = "no-answer", talked: bool = False) -> None:
    """A courier calls the customer."""
    leg_id, call_id = new_id(), new_id()
    bus.publish(
        CallStarted(
            call_id=call_id, direction="outgoing", caller="2001", called="1001", line=None, flow="call-back",
            courier="2001", order="1001",
        )
    )  # fmt: skip
    bus.publish(LegStarted(call_id=call_id, leg_id=leg_id, kind="gsm", direction="outgoing", peer=PHONE, line="red"))
    if talked:
        bus.publish(LegAnswered(call_id=call_id, leg_id=leg_id))
    clock.pass_by(seconds=20)
    bus.publish(
        LegEnded(
            call_id=call_id, leg_id=leg_id, cause=cause, ended_by_peer=True, frames_in=0, frames_out=0, lost=0,
            concealed=0,
        )
    )  # fmt: skip
    bus.publish(CallEnded(call_id=call_id, cause=cause, ended_by="callee", talk_seconds=0.0, total_seconds=20.0))
    clock.pass_by(seconds=10)


async def test_calls_in_vain_outlive_the_daemon(places: Settings, clock: HandClock, bus: EventBus) -> None:
    """B9: what counts is what came after the last talk, of an order that lives, by ways that worked."""
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        _calls_customer(bus, clock)
        await store.orders.add({"number": "1001", "phone": PHONE, "courier": "2001"}, expires_at=None, by="anna")
        clock.pass_by(seconds=1)
        assert await store.orders.in_vain() == {}, "before the order was made somebody else may have been meant"
        for _ in range(2):
            _calls_customer(bus, clock)
        _calls_customer(bus, clock, talked=True, cause="hung-up")
        for cause in ("no-answer", "busy", "network-lost", "no-answer"):
            _calls_customer(bus, clock, cause=cause)
    async with open_store(places, clock, bus) as store:
        assert await store.orders.in_vain() == {"1001": 3}
        await store.orders.close("1001", by="anna")
        assert await store.orders.in_vain() == {}


async def test_a_table_is_taken_back_but_for_what_was_changed_or_called_about_since(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(SHOP, by="test")
        orders = store.orders
        told: list[tuple[str, bool]] = []
        for number in ("1001", "1002"):
            await orders.add({"number": number, "phone": PHONE, "customer": "Мария"}, expires_at=None, by="anna")
        orders.tell(lambda changed, by: told.extend((each.number, each.closed_at is not None) for each in changed))
        first = await orders.find("1001")
        assert first is not None
        clock.pass_by(minutes=1)
        table = "number,phone,customer\n" + "".join(f"{n},{PHONE},Другая\n" for n in (1001, 1002, 1003, 1004, 1005))
        taken = await orders.import_text(table, by="anna")
        told.clear()
        clock.pass_by(minutes=1)
        assert await orders.take_back("another", by="anna") is None
        done = await orders.take_back(taken.id, by="boris")
        assert done is not None
        assert (done.restored, done.kept) == (5, ())
        assert await orders.find("1001") == replace(first, changed_at=clock())
        assert await orders.find("1003") is None
        assert [each.number for each in orders.alive()] == ["1001", "1002"]
        assert told == [("1001", False), ("1002", False), ("1003", True), ("1004", True), ("1005", True)]
        assert heard[-1] == OrdersChanged(numbers=("1001", "1002", "1003", "1004", "1005"), by="boris")
        assert await orders.take_back(taken.id, by="anna") is None, "once"
        assert rows(places, "SELECT \"by\", subject FROM audit WHERE action = 'orders.import-undone'") == [
            ("boris", "5")
        ]

        taken = await orders.import_text(table, by="anna")
        await orders.change("1002", {"note": "hurry"}, by="olga")
        await orders.close("1003", by="olga")
        bus.publish(
            CallStarted(
                call_id="c4", direction="outgoing", caller="101", called=PHONE, line="red", flow="x", order="1004"
            )
        )
        done = await orders.take_back(taken.id, by="anna")
        assert done is not None
        assert (done.restored, done.kept) == (2, ("1002", "1003", "1004"))
        kept = await orders.find("1002")
        assert kept is not None
        assert (kept.note, kept.customer) == ("hurry", "Другая")
        assert await orders.find("1004") is not None
        assert await orders.find("1005") is None

        taken = await orders.import_text(table, by="anna")
        clock.pass_by(minutes=10)
        assert await orders.take_back(taken.id, by="anna") is None, "too late"
        taken = await orders.import_text(table, by="anna")
        orders.forget_changes()  # as when a number is erased
        assert await orders.take_back(taken.id, by="anna") is None
