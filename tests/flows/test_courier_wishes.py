"""T-F9, T-F10: an SMS has the registered mobile rung, and nothing else can come of it; none is ever answered."""

from __future__ import annotations

import pytest

from gateway.events import SmsReceived
from gateway.messaging.courier_wishes import CourierWishes
from gateway.telephony.leg import LegState
from tests.fakes.exchange import Scene, scene
from tests.flows.test_courier_orders import COURIER, CUSTOMER, STRANGER, courier, order


def _text(s: Scene, text: str, sender: str | None = COURIER) -> None:
    s.bus.publish(SmsReceived(message_id="m", line="red", sender=sender, text=text, parts=1))


def _listen(s: Scene) -> None:
    s.orders = [order()]
    s.bus.subscribe(CourierWishes(shop=lambda: s.shop, orders=s.exchange.orders, call_back=s.switchboard.call_back))


async def test_an_sms_with_the_order_calls_courier_and_customer() -> None:
    async with scene(courier(by_sms=True)) as s:
        _listen(s)
        _text(s, " 1001 ", sender="89161234567")
        await s.after(1.5)
        (mobile,) = s.lines["red"].legs
        assert s.lines["red"].dialled == [(COURIER, "2001")]
        mobile.answers()
        await s.after(7)
        mobile.presses("1")
        await s.after(0.5)
        assert s.trunks["provider"].dialled == [(CUSTOMER, "2001")]
        mobile.hangs_up()
        await s.after(0.1)
        assert s.texts == [], "nobody is answered by SMS"


@pytest.mark.parametrize(
    ("text", "sender", "by_sms"),
    [
        ("1001", COURIER, False), ("1001", STRANGER, True), ("1001", None, True), ("1001", "Bank", True),
        ("1002", COURIER, True), ("", COURIER, True), ("Call 1001 please, and then +79035550009", COURIER, True),
        ("+79035550009", COURIER, True),
    ],
)  # fmt: skip
async def test_everything_else_calls_nobody(text: str, sender: str | None, by_sms: bool) -> None:
    async with scene(courier(by_sms=by_sms)) as s:
        _listen(s)
        _text(s, text, sender)
        await s.after(5)
        assert (s.all_legs(), s.texts) == ([], [])


async def test_a_thousand_forged_sms_ring_the_mobile_five_times_an_hour() -> None:
    async with scene(courier(by_sms=True)) as s:
        _listen(s)
        for _ in range(1000):
            _text(s, "1001")
            await s.after(3)
            for leg in s.all_legs():
                if leg.state is not LegState.ENDED:
                    leg.hangs_up()
        assert s.lines["red"].dialled == [(COURIER, "2001")] * 5
        assert (s.trunks["provider"].dialled, s.texts) == ([], [])
