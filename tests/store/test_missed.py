"""The list of missed customers as the rows of calls give it, from the first event on, and closed by a person."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.events import (
    AlertRaised,
    CallAnswered,
    CallEnded,
    CallRouted,
    CallStarted,
    Event,
    EventBus,
    LegAnswered,
    LegEnded,
    LegStarted,
    MissedClosed,
)
from gateway.ids import new_id
from gateway.store.erasure import NumberErasure
from gateway.store.journal import Journal
from gateway.store.missed import StoredMissed, read_missed
from gateway.store.number_traces import TracedNumber
from gateway.store.shop_document.shop_file import read_shop, write_shop
from gateway.telephony.missed import Closure, Talk, still_missed
from gateway.telephony.missed_rules import MissedRules
from gateway.telephony.shop import NumberRules, Shop
from tests.fakes.call_log import LoggedCall, random_log, stored
from tests.fakes.direct_store import memory_writer
from tests.fakes.orders import orders_in_memory
from tests.store.conftest import HandClock, small_shop

IVAN, OLGA, COURIER = "+79165554433", "+79165554434", "+79161234567"


class Shopful:
    """A shop whose calls are told as events and kept as the journal keeps them."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.bus = EventBus(self.clock)
        self.heard: list[Event] = []
        self.bus.subscribe(lambda published: self.heard.append(published.event))
        writer = memory_writer()
        self.bus.subscribe(Journal(writer, gateway_id="g"))
        self.writer = writer
        self.missed = StoredMissed(writer, gateway_id="g", shop=small_shop, clock=self.clock, publish=self.heard.append)

    def call(
        self, *, caller: str = "101", called: str = "red", answered_by: str | None = None, line: str | None = None
    ) -> str:
        """A whole call, from outside when the caller is, or by a line; an unanswered one rings four phones, or the
        number."""
        call_id, first = new_id(), new_id()
        is_incoming = line is not None or caller.startswith("+")
        others = ["101", "102", "103", "104"] if is_incoming else [called]
        rung = {new_id(): peer for peer in others}
        line = line or "red"
        self.tell(LegStarted(
            call_id=call_id, leg_id=first, kind="gsm" if is_incoming else "sip", direction="incoming", peer=caller,
            line=line if is_incoming else None,
        ))  # fmt: skip
        self.tell(CallStarted(
            call_id=call_id, direction="incoming" if is_incoming else "outgoing", caller=caller, called=called,
            line=line if is_incoming else None, flow="ring_phones",
        ))  # fmt: skip
        for leg_id, peer in rung.items():
            self.tell(LegStarted(
                call_id=call_id, leg_id=leg_id, kind="sip" if is_incoming else "gsm", direction="outgoing", peer=peer,
                line=None if is_incoming else line,
            ))  # fmt: skip
        if answered_by is not None:
            self.tell(LegAnswered(call_id=call_id, leg_id=first))
            for leg_id, peer in rung.items():
                if peer == answered_by:
                    self.tell(LegAnswered(call_id=call_id, leg_id=leg_id))
            self.tell(CallAnswered(call_id=call_id, answered_by=answered_by))
        for leg_id in (first, *rung):
            self.tell(LegEnded(
                call_id=call_id, leg_id=leg_id, cause="hung-up", ended_by_peer=True, frames_in=0, frames_out=0, lost=0,
                concealed=0,
            ))  # fmt: skip
        self.tell(CallEnded(
            call_id=call_id, cause="cancelled", ended_by="caller", talk_seconds=0.0, total_seconds=1.0
        ))  # fmt: skip
        return call_id

    async def open(self) -> list[tuple[str, int]]:
        return [(each.number, len(each.tries)) for each in await self.missed.open()]

    def tell(self, event: Event) -> None:
        self.clock.pass_by(seconds=1)
        self.bus.publish(event)


async def test_four_phones_ring_and_nobody_answers_is_one_missed_customer() -> None:
    """A14."""
    shop = Shopful()
    for _ in range(3):
        shop.call(caller=IVAN)
    assert await shop.open() == [(IVAN, 3)]


async def test_a_talk_closes_it_from_whatever_line_and_by_whomever() -> None:
    shop = Shopful()
    shop.call(caller=IVAN)
    shop.call(caller=OLGA)
    shop.call(caller="102", called=IVAN)  # not reached
    assert await shop.open() == [(IVAN, 1), (OLGA, 1)]
    returned = shop.call(caller="102", called=IVAN, answered_by=IVAN)
    shop.call(caller=OLGA, answered_by="101")
    assert await shop.open() == []
    with shop.writer.engine.begin() as connection:
        ivan, olga = read_missed(connection, small_shop(), shop.clock.now - timedelta(days=1))
    assert isinstance(ivan.ended, Talk)
    assert isinstance(olga.ended, Talk)
    assert (ivan.ended.by, ivan.ended.call_id, olga.ended.by) == ("102", returned, "101")
    shop.call(caller=IVAN)
    assert await shop.open() == [(IVAN, 1)]


async def test_an_order_that_wants_a_call_is_on_the_list_until_somebody_has_talked() -> None:
    """C7: a task for an order that wants one, none for another, and it closes as every missed customer does."""
    shop = Shopful()
    orders = orders_in_memory(small_shop, writer=shop.writer, clock=shop.clock)
    for number, phone, wanted in (("1", IVAN, True), ("2", OLGA, False), ("3", COURIER, True)):
        values = {"number": number, "phone": phone, "customer": "Ann"}
        await orders.add(values, expires_at=None, by="shop", callback_required=wanted)
    (task,) = await shop.missed.open()
    (wish,) = task.tries
    assert (task.number, task.name, wish.order, wish.call_id) == (IVAN, "Ann", "1", "")
    shop.clock.pass_by(seconds=1)
    shop.call(caller=IVAN)
    assert await shop.open() == [(IVAN, 2)], "one customer, whatever the reasons"
    shop.call(caller="102", called=IVAN)
    assert await shop.open() == [(IVAN, 2)]
    shop.call(caller="102", called=IVAN, answered_by=IVAN)
    assert await shop.open() == []
    with shop.writer.engine.begin() as connection:
        since = shop.clock.now - timedelta(days=1)
        (figure,) = read_missed(connection, small_shop(), since)
        (ivan,) = read_missed(connection, small_shop(), since, with_orders=True)
    assert len(figure.tries) == 1, "an order is no missed call in the figures"
    assert isinstance(ivan.ended, Talk)


async def test_a_task_goes_with_its_order_or_by_the_word_of_a_person() -> None:
    shop = Shopful()
    orders = orders_in_memory(small_shop, writer=shop.writer, clock=shop.clock)
    for number, phone in (("1", IVAN), ("2", OLGA)):
        await orders.add({"number": number, "phone": phone}, expires_at=None, by="shop", callback_required=True)
    await orders.change("1", {"stage": "cancelled"}, by="shop")
    assert await shop.open() == [(OLGA, 1)]
    shop.clock.pass_by(seconds=1)
    assert await shop.missed.close(OLGA, reason="paid already", by="anna")
    assert await shop.open() == []
    with shop.writer.engine.begin() as connection:
        audit = connection.exec_driver_sql("SELECT subject FROM audit WHERE action = 'missed.closed'").all()
    assert [row[0] for row in audit] == ["2"], "no number in what is never erased"


async def test_couriers_and_colleagues_at_the_pbx_are_not_listed() -> None:
    shop = Shopful()
    shop.call(caller=COURIER)
    shop.call(caller="205", called="2001", line="pbx 2001")
    assert await shop.open() == []


async def test_calls_without_a_number_are_listed_each_until_a_person_marks_it() -> None:
    shop = Shopful()
    first, second = shop.call(caller="", line="red"), shop.call(caller="", line="red")
    shop.call(caller="", line="red", answered_by="101")
    shop.call(caller="900", line="red")
    shop.call(caller="", line="pbx 2001")
    assert await shop.open() == [("", 1), ("", 1), ("900", 1), ("", 1)]
    assert not await shop.missed.close("", reason="whoever", by="anna"), "a number, or a call"
    assert await shop.missed.close(call_id=first, reason="left a message", by="anna")
    assert not await shop.missed.close(call_id=first, reason="again", by="anna")
    assert MissedClosed(number="", call_id=first, by="anna") in shop.heard
    assert (await shop.missed.open())[0].tries[0].call_id == second
    with shop.writer.engine.begin() as connection:
        ever = read_missed(connection, small_shop(), shop.clock.now - timedelta(days=1))
        audit = connection.exec_driver_sql("SELECT subject FROM audit WHERE action = 'missed.closed'").all()
    closure = next(each.ended for each in ever if each.tries[0].call_id == first)
    assert isinstance(closure, Closure)
    assert (closure.reason, [row[0] for row in audit]) == ("left a message", [first])


async def test_what_was_said_is_taken_back_and_the_customer_waits_again() -> None:
    shop = Shopful()
    shop.call(caller=IVAN)
    closure = await shop.missed.close(IVAN, reason="a slip", by="anna")
    assert closure is not None
    assert await shop.open() == []
    assert not await shop.missed.reopen("nothing", by="anna")
    assert await shop.missed.reopen(closure, by="boris")
    assert await shop.open() == [(IVAN, 1)]
    assert not await shop.missed.reopen(closure, by="boris"), "once"
    with shop.writer.engine.begin() as connection:
        audit = connection.exec_driver_sql("SELECT \"by\" FROM audit WHERE action = 'missed.reopened'").all()
    assert [row[0] for row in audit] == ["boris"]


async def test_a_call_closes_the_customer_who_made_it() -> None:
    shop = Shopful()
    shop.call(caller=IVAN)
    last = shop.call(caller=IVAN)
    assert await shop.missed.close(call_id=last, reason="a salesman", by="anna")
    assert await shop.open() == []
    assert MissedClosed(number=IVAN, by="anna") in shop.heard
    assert not await shop.missed.close(call_id="no such call", reason="x", by="anna")


async def test_a_number_that_was_erased_is_no_call_without_one(tmp_path: Path) -> None:
    shop = Shopful()
    shop.call(caller=IVAN)
    shop.call(caller="", line="red")
    erasure = NumberErasure(TracedNumber(IVAN, NumberRules()), tmp_path)
    with shop.writer.engine.begin() as connection:
        for _, step in erasure.steps(erasure.find(connection, shop.clock.now), shop.clock.now):
            step(connection)
    assert await shop.open() == [("", 1)]


async def test_a_customer_whose_call_rings_now_is_not_missed_yet() -> None:
    shop = Shopful()
    shop.bus.publish(
        CallStarted(call_id="now", direction="incoming", caller=IVAN, called="red", line="red", flow="ring_phones")
    )
    assert await shop.open() == []


async def test_who_was_told_the_status_of_an_order_has_missed_nobody() -> None:
    """A18: a machine told the caller. Who hung up before that, or went on to the staff in vain, is missed."""
    shop = Shopful()
    for caller, flow, order in (
        (IVAN, "order-status", "1001"), (OLGA, "order-status", None), ("+79165554435", "reception", None),
    ):  # fmt: skip
        call_id = new_id()
        shop.tell(CallStarted(
            call_id=call_id, direction="incoming", caller=caller, called="blue", line="blue", flow="order-status",
        ))  # fmt: skip
        if order is not None or flow != "order-status":
            shop.tell(CallRouted(call_id=call_id, called=order or "blue", flow=flow, courier=None, order=order))
        shop.tell(CallEnded(
            call_id=call_id, cause="hung-up", ended_by="gateway", talk_seconds=0.0, total_seconds=9.0
        ))  # fmt: skip
    assert await shop.open() == [(OLGA, 1), ("+79165554435", 1)]


async def test_a_person_closes_it_once_with_a_reason() -> None:
    shop = Shopful()
    last = shop.call(caller=IVAN)
    shop.clock.pass_by(minutes=5)
    assert await shop.missed.close(IVAN, reason="a salesman", by="anna")
    assert not await shop.missed.close(IVAN, reason="again", by="anna")
    assert not await shop.missed.close(OLGA, reason="never called", by="anna")
    assert await shop.open() == []
    assert [event for event in shop.heard if isinstance(event, MissedClosed)] == [MissedClosed(number=IVAN, by="anna")]
    with shop.writer.engine.begin() as connection:
        (ivan,) = read_missed(connection, small_shop(), shop.clock.now - timedelta(days=1))
        audit = connection.exec_driver_sql('SELECT "by", action, subject FROM audit').all()
    assert ivan.ended == Closure(number=IVAN, at=shop.clock.now, by="anna", reason="a salesman")
    assert [tuple(row) for row in audit] == [("anna", "missed.closed", last)], "no number in what is never erased"
    shop.call(caller=IVAN)
    assert await shop.open() == [(IVAN, 1)]


async def test_an_erased_number_is_in_no_closure_and_no_alert(tmp_path: Path) -> None:
    shop = Shopful()
    shop.call(caller=IVAN)
    shop.bus.publish(AlertRaised(code="customer-not-called-back", subject=IVAN, values={"number": IVAN}))
    await shop.missed.close(IVAN, reason="a salesman", by="anna")
    erasure = NumberErasure(TracedNumber(IVAN, NumberRules()), tmp_path)
    with shop.writer.engine.begin() as connection:
        for _, step in erasure.steps(erasure.find(connection, shop.clock.now), shop.clock.now):
            step(connection)
        assert connection.exec_driver_sql("SELECT number FROM missed_closures").all() == []
        assert IVAN not in str(connection.exec_driver_sql('SELECT subject, "values" FROM alerts').all())


async def test_after_thirty_days_nobody_is_reminded_any_more() -> None:
    shop = Shopful()
    shop.call(caller=IVAN)
    shop.clock.pass_by(days=29)
    assert await shop.open() == [(IVAN, 1)]
    shop.clock.pass_by(days=2)
    assert await shop.open() == []


def test_over_random_logs_every_missed_customer_is_talked_to_or_listed(seed: int) -> None:
    first = datetime(2026, 3, 2, tzinfo=UTC)
    for number in range(5):
        log = random_log(random.Random(seed + number), first, timedelta(hours=30), 120)
        with stored(log) as connection:
            found = read_missed(connection, Shop(), first)
        tries = [call for call in log if _is_missed(call)]
        assert sorted(each.call_id for one in found for each in one.tries) == sorted(call.id for call in tries)
        expected = set()
        for call in tries:
            talks = [talk for each in log if (talk := _talked_at(each, call.caller)) is not None]
            if not call.caller or all(talk < call.started_at for talk in talks):
                expected.add(call.id)
        assert {each.call_id for one in still_missed(found) for each in one.tries} == expected


def _is_missed(call: LoggedCall) -> bool:
    return call.direction == "incoming" and call.answered_at is None and call.ended_at is not None


def _talked_at(call: LoggedCall, number: str) -> datetime | None:
    """When somebody has talked to that number in this call."""
    legs = [leg.answered_at for leg in call.legs if leg.peer == number and leg.answered_at is not None]
    return max(*legs, call.answered_at) if legs and call.answered_at is not None else None


def test_the_owner_says_after_how_long() -> None:
    shop = read_shop("[missed]\nalert_minutes = 5\nlisted_days = 7\n")
    assert shop.missed == MissedRules(alert_minutes=5, listed_days=7)
    assert read_shop(write_shop(shop)).missed == shop.missed
    with pytest.raises(SettingsError, match="listed_days"):
        read_shop("[missed]\nlisted_days = 0\n")
