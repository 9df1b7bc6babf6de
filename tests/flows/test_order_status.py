"""The status of an order by telephone: A10, A18 and H9, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest

from gateway.events import CallRouted, CallTransferred
from gateway.telephony.destinations import TellOrderStatus
from gateway.telephony.leg import LegState
from gateway.telephony.order_status import NoStatus, OrderStatus, OrderStatusRules
from gateway.telephony.orders import Stage
from gateway.telephony.proof_guesses import MOST_ORDERS, WRONG_PER_HOUR, ProofGuesses
from gateway.telephony.routing import route, to_dialled
from gateway.telephony.shop import Shop, TrunkSettings
from tests.fakes.direct_store import loop_clock
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.fakes.talks import hear_each_other, talking, wish
from tests.flows.test_courier_orders import CUSTOMER, SHOP, STRANGER, order

ASKED = replace(SHOP, order_status=OrderStatusRules(extension="700", ways=("blue", "provider")))
STATUS = OrderStatus(
    number="1001", stage=Stage.WITH_COURIER, phone=CUSTOMER, delivery_from=time(14), delivery_to=time(18)
)
TOLD = ["status-your-order", "digit-1", "digit-0", "digit-0", "digit-1", "status-with-courier"]
TODAY = [*TOLD, "status-delivery", "day-today", "from-1400", "until-1800"]
ASK, PROVE, UNKNOWN = "status-enter-order", "status-enter-phone", "status-not-found"


def _know(s: Scene, **changes: object) -> None:
    """Order 1001 is delivered today."""
    s.set_by = -timedelta(hours=loop_clock().hour + 3)  # the small hours in Moscow: nothing of the day is over yet
    now = s.clock()
    status = replace(STATUS, delivery_on=(now + timedelta(hours=3)).date(), **changes)  # type: ignore[arg-type]  # by its names
    s.order_desk.known["1001"] = status


async def _dialled(s: Scene, *keys: str, caller: str = CUSTOMER, by: str = "provider") -> FakeLeg:
    """Somebody has called the number for order status and pressed those keys, each after the prompt has begun."""
    leg = s.call_to_line(by, caller) if by in s.lines else s.call_to_trunk(by, caller, "+74951234567")
    for pressed in keys:
        await s.after(0.6)
        leg.presses(pressed)
    return leg


@pytest.mark.parametrize("by", ["blue", "provider"])
async def test_a_customer_dials_1001_and_hears_how_far_it_is(by: str) -> None:
    """A18: nobody of the staff is rung, and the gateway ends the call."""
    async with scene(ASKED) as s:
        _know(s)
        caller = await _dialled(s, "1001#", by=by)
        await s.after(15)
        assert s.prompts_played == [ASK, *TODAY, "goodbye"]
        assert s.order_desk.asked == [("1001", CUSTOMER)]
        assert s.phones.legs == {}
        assert caller.state is LegState.ENDED
        (routed,) = [event for event in s.events if isinstance(event, CallRouted)]
        assert (routed.flow, routed.called, routed.order) == ("order-status", "1001", "1001")


async def test_a_pause_of_four_seconds_ends_the_number() -> None:
    async with scene(ASKED) as s:
        _know(s)
        caller = await _dialled(s, "10")
        await s.after(3.5)
        caller.presses("01")
        await s.after(3.9)
        assert s.order_desk.asked == []
        await s.after(0.2)
        assert s.order_desk.asked == [("1001", CUSTOMER)]
        caller.hangs_up()


async def test_a_wrong_number_and_then_the_right_one() -> None:
    async with scene(ASKED) as s:
        _know(s)
        await _dialled(s, "9999#")
        await s.after(1.5)
        s.switchboard.calls()[0].caller.presses("1001#")  # type: ignore[attr-defined]  # every leg here is a fake
        await s.after(15)
        assert s.prompts_played == [ASK, UNKNOWN, ASK, *TODAY, "goodbye"]
        assert s.phones.legs == {}


async def test_after_three_wrong_numbers_the_staff_rings() -> None:
    async with scene(ASKED) as s:
        caller = await _dialled(s)
        for _ in range(3):
            await s.after(0.6)
            assert s.phones.legs == {}
            caller.presses("9999#")
            await s.after(1.2)
        await s.after(1.5)
        assert s.prompts_played == [ASK, UNKNOWN, ASK, UNKNOWN, ASK, UNKNOWN, "status-to-staff"]
        assert set(s.phones.legs) == {"101"}
        s.phones.legs["101"][0].answers()
        await s.after(1)
        assert (caller.state, s.phones.legs["101"][0].state) == (LegState.UP, LegState.UP)
        assert next(event.flow for event in s.events if isinstance(event, CallRouted)) == "reception"
        caller.hangs_up()


async def test_who_presses_nothing_is_asked_thrice_and_then_rung_through() -> None:
    async with scene(ASKED) as s:
        caller = await _dialled(s)
        await s.after(3 * 5 + 1.5)
        assert s.prompts_played[:4] == [ASK, ASK, ASK, "status-to-staff"]
        assert set(s.phones.legs) == {"101"}
        caller.hangs_up()


@pytest.mark.parametrize(("caller", "typed"), [(STRANGER, "0001"), ("", "0001")])
async def test_from_another_number_the_last_four_digits_prove_whose_order_it_is(caller: str, typed: str) -> None:
    async with scene(ASKED) as s:
        _know(s)
        leg = await _dialled(s, "1001#", typed, caller=caller)
        await s.after(15)
        assert s.prompts_played == [ASK, PROVE, *TODAY, "goodbye"]
        assert leg.state is LegState.ENDED


async def test_a_stranger_hears_nothing_of_an_order() -> None:
    """Neither by wrong digits nor by none, nor where the customer's number is unknown or too short to prove a thing."""
    async with scene(replace(ASKED, order_status=replace(ASKED.order_status, tries=1))) as s:
        wrong = [(CUSTOMER, "0002"), (CUSTOMER, "#"), (CUSTOMER, "1#"), (CUSTOMER, ""), ("", "#"), ("", "0002")]
        for place, (phone, typed) in enumerate([*wrong, ("0002", "0002")]):
            digits = str(2000 + place)
            s.order_desk.known[digits] = replace(STATUS, number=digits, phone=phone)
            leg = await _dialled(s, f"{digits}#", typed, caller=STRANGER)
            await s.after(7)
            assert s.prompts_played[:4] == [ASK, PROVE, UNKNOWN, "status-to-staff"], (phone, typed)
            assert not set(TOLD) & set(s.prompts_played), (phone, typed)
            leg.hangs_up()
            await s.after(0.1)
            s.prompts_played.clear()


async def test_the_last_digits_cannot_be_guessed_by_many_calls() -> None:
    async with scene(replace(ASKED, order_status=replace(ASKED.order_status, tries=1))) as s:
        _know(s)
        for guess in ("0002", "0003", "0004", "0005", "0006", "0001"):
            leg = await _dialled(s, "1001#", guess, caller=STRANGER)
            await s.after(2)
            leg.hangs_up()
            await s.after(0.1)
        assert not set(TOLD) & set(s.prompts_played), "the right digits come too late"
        await s.after(3600)
        _know(s)
        await _dialled(s, "1001#", "0001", caller=STRANGER)
        await s.after(15)
        assert set(TOLD) <= set(s.prompts_played)


async def test_guesses_are_kept_for_so_many_orders_and_no_more() -> None:
    guesses = ProofGuesses()
    for number in range(MOST_ORDERS + 1):
        for _ in range(WRONG_PER_HOUR):
            guesses.was_wrong(str(number), 1.0)
    assert (guesses.may_try("0", 2.0), guesses.may_try("1", 2.0), guesses.may_try("1", 3601.0)) == (True, False, True)


async def test_a_slow_shop_is_waited_for_with_a_word() -> None:
    async with scene(ASKED) as s:
        _know(s)
        s.order_desk.seconds = 2.0
        await _dialled(s, "1001#")
        await s.after(15)
        assert s.prompts_played == [ASK, "please-wait", *TODAY, "goodbye"]


@pytest.mark.parametrize("seconds", [0.0, 2.0, 60.0])
async def test_when_nobody_knows_the_staff_rings(seconds: float) -> None:
    async with scene(ASKED) as s:
        s.order_desk.known["1001"] = NoStatus.AWAY
        s.order_desk.seconds = seconds
        caller = await _dialled(s, "1001#")
        await s.after(7)
        assert s.prompts_played[:3] == [ASK, *(["please-wait"] if seconds else []), "status-to-staff"][:3]
        assert set(s.phones.legs) == {"101"}
        caller.hangs_up()
        await s.after(60)


async def test_a_living_order_does_not_lead_past_its_own_number() -> None:
    """A customer of a living order who calls the number for order status wants the status, not the courier."""
    async with scene(ASKED) as s:
        s.orders = [order()]
        caller = await _dialled(s)
        await s.after(0.5)
        assert s.prompts_played == [ASK]
        caller.hangs_up()


def test_the_main_way_has_no_self_service() -> None:
    """A10: without a number of its own there is none, and other numbers are received as ever."""
    for shop in (SHOP, ASKED):
        called = FakeCall(line="red", peer=STRANGER)
        assert not isinstance(route(shop, called), TellOrderStatus)
    assert not isinstance(to_dialled(SHOP, ""), TellOrderStatus)
    assert not isinstance(to_dialled(SHOP, "700"), TellOrderStatus)
    assert isinstance(to_dialled(ASKED, "700"), TellOrderStatus)
    assert isinstance(route(ASKED, FakeCall(line="blue", peer=STRANGER)), TellOrderStatus)


class FakeCall:
    """A call that is only thought of."""

    called = ""
    replaces = None

    def __init__(self, *, line: str, peer: str) -> None:
        self.line = line
        self.peer = peer


async def test_on_a_toll_free_number_only_a_person_answers() -> None:
    """Rule 9."""
    free = TrunkSettings(name="provider", host="sip.example.net", number="+78001234567")
    async with scene(replace(ASKED, trunks=(free,))) as s:
        caller = await _dialled(s, by="provider")
        await s.after(20)
        assert s.prompts_played == []
        assert (caller.state, set(s.phones.legs)) == (LegState.RINGING, {"101"})
        caller.hangs_up()


async def test_a_phone_of_the_shop_dials_it_and_hands_a_customer_over() -> None:
    async with scene(ASKED) as s:
        _know(s)
        staff = s.call_from_phone("101", "700")
        await s.after(0.6)
        staff.presses("1001#")
        await s.after(0.6)
        staff.presses(CUSTOMER[-4:])
        await s.after(15)
        assert s.prompts_played == [ASK, PROVE, *TODAY, "goodbye"]
        assert staff.state is LegState.ENDED
        s.prompts_played.clear()
        customer = s.call_to_line("red", CUSTOMER)
        agent = await talking(s, customer, "101")
        agent.holds()
        refusal, told = wish(agent, "700")
        await s.after(0.6)
        assert (refusal, told.said, agent.state) == (None, ["succeeded"], LegState.ENDED)
        assert [event.to for event in s.events if isinstance(event, CallTransferred)] == ["700"]
        customer.presses("1001#")
        await s.after(15)
        assert s.prompts_played[-len(TODAY) - 1 :] == [*TODAY, "goodbye"]
        assert customer.state is LegState.ENDED


async def test_a_customer_who_was_handed_over_and_is_not_helped_comes_back_to_the_staff() -> None:
    async with scene(replace(ASKED, order_status=replace(ASKED.order_status, tries=1))) as s:
        customer = s.call_to_line("red", STRANGER)
        agent = await talking(s, customer, "101")
        wish(agent, "700")
        await s.after(0.6)
        customer.presses("9999#")
        await s.after(3)
        again = s.phones.legs["101"][-1]
        assert again is not agent
        again.answers()
        await s.after(1)
        assert hear_each_other(customer, again)
        customer.hangs_up()
        await s.after(0.1)
        customer = s.call_to_line("red", STRANGER)
        wish(await talking(s, customer, "101"), "700")
        await s.after(0.6)
        customer.hangs_up()
        await s.after(0.1)
        s.check_nothing_left()


async def test_one_of_the_staff_is_not_put_through_to_the_staff() -> None:
    async with scene(ASKED) as s:
        staff = s.call_from_phone("101", "700")
        await s.after(20)
        assert s.prompts_played == [ASK, ASK, ASK, "goodbye"]
        assert (staff.state, s.phones.legs) == (LegState.ENDED, {})


async def test_the_caller_hangs_up_at_every_half_second() -> None:
    """Of a story with a wrong number, a slow shop, a wrong proof and the staff."""
    shop: Shop = replace(ASKED, order_status=replace(ASKED.order_status, tries=2))
    keys = {1: "9999#", 7: "1001#", 11: "1234"}
    async with scene(shop) as s:
        _know(s)
        s.order_desk.seconds = 1.5
        for halves in range(30):
            caller = s.call_to_trunk("provider", STRANGER, "+74951234567")
            for step in range(halves):
                await s.after(0.5)
                caller.presses(keys.get(step, ""))
            await s.after(0.01)
            assert not s.phones.legs or halves > 13, "the story begins without the staff"
            assert s.phones.legs or halves < 19, "and ends with it"
            caller.hangs_up()
            await s.after(2)
            s.check_nothing_left()
            s.phones.legs.clear()
