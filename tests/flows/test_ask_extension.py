"""A customer dials an extension at the prompt, where the owner has switched it on, and reaches nothing else by it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from gateway.events import CallRouted
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.order_status import OrderStatus, OrderStatusRules
from gateway.telephony.orders import Stage
from gateway.telephony.reception import Reception
from gateway.telephony.shop import Shop
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.faults import rounds
from tests.flows.test_courier_orders import COURIER, CUSTOMER, SECOND, SHOP, STRANGER, order

ASKING = replace(
    SHOP,
    lines=(replace(SHOP.lines[0], asks_extension=True), SHOP.lines[1]),
    trunks=(replace(SHOP.trunks[0], asks_extension=True),),
    reception=Reception(on=False),
)


async def asked(s: Scene, keys: str, by: str = "red") -> FakeLeg:
    """A stranger has called and pressed those keys."""
    caller = s.call_to_line(by, STRANGER) if by == "red" else s.call_to_trunk(by, STRANGER, "+74951234567")
    await s.after(0.5)
    caller.presses(keys)
    await s.after(0.5)
    return caller


@pytest.mark.parametrize("by", ["red", "provider"])
async def test_a_customer_dials_2001(by: str) -> None:
    async with scene(ASKING) as s:
        caller = await asked(s, "2001#", by)
        assert s.prompts_played == ["enter-extension"]
        line = s.lines["blue" if by == "red" else "red"]
        assert line.dialled == [(COURIER, "2001")]
        assert s.phones.legs == {}
        line.legs[0].answers()
        await s.after(1)
        assert caller.state is LegState.UP
        caller.hangs_up()


async def test_a_customer_dials_a_phone() -> None:
    async with scene(ASKING) as s:
        caller = await asked(s, "101#")
        s.phones.legs["101"][0].answers()
        await s.after(1)
        assert caller.state is LegState.UP
        caller.hangs_up()


async def test_a_customer_dials_the_short_number_for_the_status_of_an_order() -> None:
    async with scene(replace(ASKING, order_status=OrderStatusRules(extension="700"))) as s:
        s.order_desk.known["1001"] = OrderStatus(number="1001", stage=Stage.SHIPPED, phone=STRANGER)
        caller = await asked(s, "700#")
        caller.presses("1001#")
        await s.after(10)
        assert s.prompts_played[-3:] == ["digit-1", "status-shipped", "goodbye"]
        assert [event.flow for event in s.events if isinstance(event, CallRouted)] == ["order-status"] * 2
        assert s.phones.legs == {}


async def test_who_presses_nothing_goes_the_usual_way() -> None:
    async with scene(ASKING) as s:
        caller = await asked(s, "")
        await s.after(8)
        assert set(s.phones.legs) == {"101"}
        caller.hangs_up()


@pytest.mark.parametrize("keys", ["999#", "89035550077#", "112#", "2#", "*8#", "**101#", "00442079460018#"])
async def test_nothing_but_an_extension_is_reached(keys: str) -> None:
    """T-F6."""
    async with scene(ASKING) as s:
        caller = await asked(s, keys)
        for _ in range(3):
            await s.after(2)
            caller.presses(keys)
        await s.after(20)
        assert [line.dialled for line in s.lines.values()] == [[], []]
        assert s.trunks["provider"].dialled == []
        assert "no-such-extension" in s.prompts_played
        caller.hangs_up()


async def test_prompts_end_after_a_minute() -> None:
    async with scene(ASKING) as s:
        caller = await asked(s, "")
        for _ in range(14):
            caller.presses("9")
            await s.after(4.5)
        assert set(s.phones.legs) == {"101"}
        caller.hangs_up()


async def test_without_the_switch_keys_mean_nothing() -> None:
    async with scene(replace(SHOP, reception=Reception(on=False))) as s:
        caller = await asked(s, "2001#")
        await s.after(5)
        assert set(s.phones.legs) == {"101"}
        assert [line.dialled for line in s.lines.values()] == [[], []]
        caller.hangs_up()


async def test_the_customer_of_an_order_is_asked_nothing() -> None:
    async with scene(ASKING) as s:
        s.orders = [order()]
        caller = s.call_to_line("red", CUSTOMER)
        await s.after(0.5)
        assert s.lines["blue"].dialled == [(COURIER, "2001")]
        assert "enter-extension" not in s.prompts_played
        caller.hangs_up()


async def test_random_keys_reach_only_registered_mobiles() -> None:
    """T-F6: incoming calls with random keys and no PIN; in full by `make soak`."""
    shop: Shop = replace(ASKING, recording=replace(ASKING.recording))
    async with scene(shop) as s:
        for _ in range(rounds(60, 1_000)):
            caller = await asked(s, "".join(random.choices("0123456789*#", k=random.randint(0, 12))))
            await s.after(random.uniform(0, 15))
            if caller.state is not LegState.ENDED:
                caller.hangs_up(Cause.HUNG_UP)
            for leg in s.all_legs():
                leg.hangup()
            await s.after(0.2)
        dialled = {number for line in s.lines.values() for number, _ in line.dialled}
        assert dialled <= {COURIER, SECOND}
        assert s.trunks["provider"].dialled == []
