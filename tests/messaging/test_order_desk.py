"""How far orders are: the shop's program first, then what is kept here; quick, cached, and never an exception."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time

import pytest

from gateway.errors import StoreError
from gateway.messaging.order_desk import KEPT_SECONDS, MOST_KEPT, ShopOrderDesk
from gateway.telephony.order_reading import SourceTrouble
from gateway.telephony.order_status import NoStatus, OrderHeader, OrderSource, OrderStatus
from gateway.telephony.orders import Order, Stage
from gateway.telephony.shop import Shop
from gateway.telephony.stage_words import StageWord
from tests.fakes.exchange_view import SHOP
from tests.fakes.orders import orders_in_memory
from tests.telephony.test_orders import order

PHONE = "+79035550001"
OTHER = "+79035550002"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SOURCE = OrderSource(
    url="https://shop.example/orders/{number}", stage="order.state", phone="order.client.phone",
    delivery_on="order.delivery.0.day", delivery_from="order.delivery.0.hours",
)  # fmt: skip
ASKED = replace(
    SHOP,
    order_source=SOURCE,
    order_words=(StageWord(word="Отгружен со склада", stage=Stage.SHIPPED),),
    order_headers=(OrderHeader(name="X-Api-Key", secret="k"),),
)


def _body(state: object = "Отгружен со склада", phone: object = "8 903 555-00-01", **delivery: object) -> bytes:
    days = [{"day": "2026-11-23", "hours": "14:00-18:00", **delivery}]
    return json.dumps({"order": {"state": state, "client": {"phone": phone}, "delivery": days}}).encode()


@dataclass
class FakeShop:
    """The shop's program: `answers` by digits, after some seconds."""

    answers: dict[str, bytes | SourceTrouble] = field(default_factory=dict)
    seconds: float = 0.1
    asked: list[str] = field(default_factory=list)

    async def ask(self, source: OrderSource, headers: Sequence[OrderHeader], digits: str) -> bytes | SourceTrouble:
        assert (source, headers) == (SOURCE, ASKED.order_headers)
        self.asked.append(digits)
        await asyncio.sleep(self.seconds)
        return self.answers.get(digits, SourceTrouble.NOT_FOUND)


@dataclass
class FakeKept:
    """The orders that are kept here; None: they cannot be read."""

    orders: list[Order] | None = field(default_factory=list)

    async def dialled(self, digits: str) -> Sequence[Order]:
        if self.orders is None:
            raise StoreError("The disk is away.")
        return [each for each in self.orders if each.digits == digits]


@asynccontextmanager
async def _desk(shop: Shop = ASKED) -> AsyncIterator[tuple[ShopOrderDesk, FakeShop, FakeKept]]:
    program, kept = FakeShop(), FakeKept()
    async with ShopOrderDesk(kept, shop=lambda: shop, ask=program.ask, clock=lambda: NOW) as desk:
        yield desk, program, kept


async def test_the_shop_s_program_answers_and_its_answer_is_used_for_half_a_minute() -> None:
    async with _desk() as (desk, program, _):
        program.answers["1001"] = _body()
        expected = OrderStatus(
            number="1001", stage=Stage.SHIPPED, phone=PHONE, delivery_on=date(2026, 11, 23), delivery_from=time(14),
            delivery_to=time(18),
        )  # fmt: skip
        for seconds, times in ((0.0, 1), (KEPT_SECONDS - 1, 1), (2.0, 2)):
            await asyncio.sleep(seconds)
            assert await desk.look_up("1001", PHONE) == expected
            assert len(program.asked) == times
        for number in range(MOST_KEPT + 5):
            assert await desk.look_up(str(number), PHONE) is NoStatus.NOT_FOUND
        assert len(desk._kept) == MOST_KEPT


@pytest.mark.parametrize("trouble", [each for each in SourceTrouble if each is not SourceTrouble.NOT_FOUND])
async def test_when_the_program_fails_the_orders_that_are_kept_here_answer(trouble: SourceTrouble) -> None:
    async with _desk() as (desk, program, kept):
        program.answers["1001"] = trouble
        assert await desk.look_up("1001", PHONE) is NoStatus.AWAY
        kept.orders = [order("A-1001", stage=Stage.PACKED)]
        told = await desk.look_up("1001", PHONE)
        assert told == OrderStatus(number="A-1001", stage=Stage.PACKED, phone=PHONE)
        assert len(program.asked) == 2, "a failure is not kept"
        program.answers["1001"] = _body()
        told = await desk.look_up("1001", PHONE)
        assert isinstance(told, OrderStatus)
        assert told.stage is Stage.SHIPPED


async def test_what_the_program_does_not_know_may_be_kept_here() -> None:
    async with _desk() as (desk, program, kept):
        assert await desk.look_up("1001", PHONE) is NoStatus.NOT_FOUND
        kept.orders = [order("1001")]
        assert isinstance(await desk.look_up("1001", PHONE), OrderStatus)
        assert program.asked == ["1001"]


async def test_a_program_that_does_not_say_whose_order_it_is_takes_the_number_that_is_kept_here() -> None:
    async with _desk() as (desk, program, kept):
        program.answers["1001"] = _body(phone=None)
        told = await desk.look_up("1001", PHONE)
        assert isinstance(told, OrderStatus)
        assert told.phone == ""
        kept.orders = [order("1001")]
        assert (await desk.look_up("1001", PHONE)) == replace(told, phone=PHONE)
        kept.orders = None
        assert (await desk.look_up("1001", PHONE)) == told


@pytest.mark.parametrize(
    ("body", "trouble", "stage"),
    [
        (b"<html>", SourceTrouble.NOT_JSON, None),
        (b"\xff", SourceTrouble.NOT_JSON, None),
        (b"[" * 100_000, SourceTrouble.NOT_JSON, None),
        (b"{}", SourceTrouble.NO_STATUS, None),
        (b'{"order": null, "error": 1}', SourceTrouble.NOT_FOUND, None),
        (b'{"order": []}', SourceTrouble.NOT_FOUND, None),
        (b"[]", SourceTrouble.NOT_FOUND, None),
        (b"null", SourceTrouble.NOT_FOUND, None),
        (b'{"order": {"state": null}}', SourceTrouble.NO_STATUS, None),
        (b'{"order": {"state": {"id": 1}}}', SourceTrouble.NO_STATUS, None),
        (b'{"order": {"state": true}}', SourceTrouble.NO_STATUS, None),
        (_body(state="Съеден"), SourceTrouble.UNKNOWN_WORD, None),
        (_body(day="soon"), SourceTrouble.DELIVERY_UNCLEAR, Stage.SHIPPED),
        (_body(hours="later"), SourceTrouble.DELIVERY_UNCLEAR, Stage.SHIPPED),
        (_body(day=None, hours=None), None, Stage.SHIPPED),
        (_body(day=3, hours=14), None, Stage.SHIPPED),
        (_body(phone="112"), None, Stage.SHIPPED),
        (_body(phone=89035550001), None, Stage.SHIPPED),
    ],
)
async def test_the_test_says_what_was_found_and_what_is_wrong(
    body: bytes, trouble: SourceTrouble | None, stage: Stage | None
) -> None:
    async with _desk() as (desk, program, _):
        program.answers["1001"] = body
        tried = await desk.try_out("1001")
        assert tried.reading is not None
        assert tried.reading.trouble is trouble
        assert (tried.told.stage if isinstance(tried.told, OrderStatus) else None) is stage
        is_away = stage is None and trouble is not SourceTrouble.NOT_FOUND
        assert (tried.told is NoStatus.AWAY, tried.told is NoStatus.NOT_FOUND) == (
            is_away,
            stage is None and not is_away,
        )
        assert len(await _asked_twice(desk, program)) == 3, "a test is asked anew"


async def _asked_twice(desk: ShopOrderDesk, program: FakeShop) -> list[str]:
    await desk.try_out("1001")
    await desk.try_out("1001")
    return program.asked


async def test_without_a_program_only_the_orders_that_are_kept_here_count() -> None:
    async with _desk(SHOP) as (desk, program, kept):
        assert await desk.look_up("1001", PHONE) is NoStatus.NOT_FOUND
        kept.orders = [order("A-1001", phone=OTHER), order("B-1001")]
        for caller, number in ((PHONE, "B-1001"), (OTHER, "A-1001"), ("", "A-1001"), ("+79990000000", "A-1001")):
            told = await desk.look_up("1001", caller)
            assert isinstance(told, OrderStatus)
            assert told.number == number
        tried = await desk.try_out("1001")
        assert (tried.reading, isinstance(tried.told, OrderStatus)) == (None, True)
        kept.orders = None
        assert await desk.look_up("1001", PHONE) is NoStatus.AWAY
        assert program.asked == []


async def test_what_is_under_way_at_the_end_is_given_up() -> None:
    async with _desk() as (desk, program, _):
        program.seconds = 3600
        looking = desk.look_up("1001", PHONE)
        await asyncio.sleep(1)
        assert not looking.done()
    assert looking.cancelled()


async def test_closed_orders_are_found_by_their_digits_the_last_changed_first() -> None:
    orders = orders_in_memory(lambda: SHOP)
    for number in ("A-1001", "B-1001", "77"):
        await orders.add({"number": number, "phone": PHONE, "delivery_on": "3"}, expires_at=None, by="anna")
    await orders.close("A-1001", by="anna")
    found = await orders.dialled("1001")
    assert [each.number for each in found] == ["A-1001", "B-1001"]
    assert found[0].delivery_on is not None
    assert await orders.dialled("1") == []
