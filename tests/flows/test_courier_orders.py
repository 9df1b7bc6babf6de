"""Orders tie a customer and a courier: whom each reaches, what is said, and that neither learns the other's number."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.events import CallRouted, CallShown, CallStarted
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from gateway.telephony.orders import Order, Stage
from gateway.telephony.queue_rules import NamedQueue
from gateway.telephony.routing import order_dialled_as
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, Shop, TrunkSettings
from tests.fakes.direct_store import loop_clock
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg

COURIER, SECOND, CUSTOMER, STRANGER = "+79161234567", "+79161234568", "+79035550001", "+79035550002"
SHOP = Shop(
    lines=(
        LineSettings(name="red", modem="m0", number="+79160000001", rings=("101",)),
        LineSettings(name="blue", modem="m1", number="+79160000002"),
    ),
    phones=(PhoneSettings(extension="101", name="Front desk", password="a-long-password"),),
    couriers=(
        CourierSettings(extension="2001", mobile=COURIER, pin="482913"),
        CourierSettings(extension="2002", mobile=SECOND, lines=("blue",), pin="482914"),
    ),
    trunks=(TrunkSettings(name="provider", host="sip.example.net", number="+74951234567"),),
)


def order(number: str = "1001", **values: object) -> Order:
    """An order of today, open unless told otherwise."""
    now = loop_clock()
    given: dict[str, object] = {
        "id": number, "number": number, "phone": CUSTOMER, "courier": "2001", "created_at": now, "changed_at": now,
        "expires_at": now + timedelta(days=1), **values,
    }  # fmt: skip
    return Order(**given)  # type: ignore[arg-type]  # the names of the fields, by those who know them


def courier(**changes: object) -> Shop:
    """The shop, with other settings of courier 2001."""
    first = replace(SHOP.couriers[0], **changes)  # type: ignore[arg-type]  # as above
    return replace(SHOP, couriers=(first, SHOP.couriers[1]))


async def in_the_menu(s: Scene) -> FakeLeg:
    """The courier has called the SIM and proved it."""
    caller = s.call_to_line("red", COURIER)
    await s.after(0.5)
    caller.presses("482913#")
    await s.after(1.5)
    return caller


@pytest.mark.parametrize("by", ["red", "provider"])
async def test_the_customer_reaches_the_courier_without_a_digit(by: str) -> None:
    async with scene(SHOP) as s:
        s.orders = [order()]
        caller = s.call_to_line(by, CUSTOMER) if by == "red" else s.call_to_trunk(by, "89035550001", "+74951234567")
        await s.after(0.2)
        assert s.phones.legs == {}, "no office phone rings"
        line = s.lines["blue" if by == "red" else "red"]
        assert line.dialled == [(COURIER, "2001")], "one SIM carries one call"
        line.legs[0].answers()
        await s.after(6)
        assert s.prompts_played == ["order", "digit-1", "digit-0", "digit-0", "digit-1"]
        assert caller.state is LegState.UP
        (started,) = [event for event in s.events if isinstance(event, CallStarted)]
        assert (started.courier, started.order) == ("2001", "1001")
        (shown,) = [event for event in s.events if isinstance(event, CallShown)]
        assert (shown.way, shown.number) == (line.name, "+79160000002" if by == "red" else "+79160000001")
        caller.hangs_up()


async def test_the_caller_waits_while_the_courier_is_told() -> None:
    async with scene(SHOP) as s:
        s.orders = [order()]
        caller = s.call_to_line("red", CUSTOMER)
        await s.after(0.2)
        s.lines["blue"].legs[0].answers()
        await s.after(4)
        assert caller.told == ["ringing"], "nobody pays while the courier hears which order it is"
        caller.hangs_up()
        await s.after(0.1)
        assert s.lines["blue"].legs[0].state is LegState.ENDED


@pytest.mark.parametrize(
    ("caller", "values"),
    [
        (STRANGER, {}), ("", {}), (CUSTOMER, {"courier": None}), (CUSTOMER, {"courier": "2009"}),
        (CUSTOMER, {"closed": True}), (CUSTOMER, {"over_for": 121}),
    ],
)  # fmt: skip
async def test_everybody_else_rings_at_the_phones(caller: str, values: dict[str, object]) -> None:
    async with scene(SHOP) as s:
        now = loop_clock()
        given = dict(values)
        if given.pop("closed", False):
            given["closed_at"] = now
        over = given.pop("over_for", None)
        if isinstance(over, int):
            given["ended_at"] = now - timedelta(minutes=over)
        s.orders = [order("1001", **given)]
        leg = s.call_to_line("red", caller)
        await s.after(0.2)
        assert set(s.phones.legs) == {"101"}
        assert s.lines["blue"].dialled == []
        leg.hangs_up()


async def test_in_grace_a_forgotten_bag_still_finds_its_courier() -> None:
    async with scene(SHOP) as s:
        s.orders = [order(stage=Stage.DELIVERED, ended_at=loop_clock() - timedelta(minutes=119))]
        leg = s.call_to_line("red", CUSTOMER)
        await s.after(0.2)
        assert s.lines["blue"].dialled == [(COURIER, "2001")]
        leg.hangs_up()


async def test_of_two_couriers_the_one_on_the_way_is_rung() -> None:
    async with scene(SHOP) as s:
        s.orders = [order("1001"), order("1002", courier="2002", stage=Stage.WITH_COURIER)]
        leg = s.call_to_line("red", CUSTOMER)
        await s.after(0.2)
        assert s.lines["blue"].dialled == [(SECOND, "2002")]
        leg.hangs_up()


@pytest.mark.parametrize("dialled", ["1001#", "*1001#"])
async def test_the_courier_reaches_the_customer_by_the_order(dialled: str) -> None:
    async with scene(SHOP) as s:
        s.orders = [order("A-1001")]
        caller = await in_the_menu(s)
        caller.presses(dialled)
        await s.after(0.5)
        assert s.trunks["provider"].dialled == [(CUSTOMER, "2001")]
        (routed,) = [event for event in s.events if isinstance(event, CallRouted)]
        assert (routed.called, routed.order) == ("A-1001", "A-1001")
        (shown,) = [event for event in s.events if isinstance(event, CallShown)]
        assert (shown.way, shown.number, shown.withheld) == ("provider", "+74951234567", False)
        s.trunks["provider"].legs[0].answers()
        await s.after(2)
        caller.hangs_up()


async def test_the_order_of_somebody_else_is_no_number() -> None:
    async with scene(SHOP) as s:
        s.orders = [order(courier="2002")]
        caller = await in_the_menu(s)
        caller.presses("1001#")
        await s.after(2)
        assert s.all_legs() == []
        assert s.prompts_played[-2:] == ["no-such-extension", "enter-number"]
        caller.hangs_up()


async def test_an_extension_goes_before_an_order_of_the_same_digits() -> None:
    async with scene(SHOP) as s:
        s.orders = [order("101")]
        caller = await in_the_menu(s)
        caller.presses("101#")
        await s.after(0.5)
        assert set(s.phones.legs) == {"101"}
        assert s.trunks["provider"].dialled == []
        caller.hangs_up()


async def test_an_emergency_number_goes_before_an_order_of_the_same_digits() -> None:
    async with scene(SHOP) as s:
        s.orders = [order("112")]
        caller = await in_the_menu(s)
        caller.presses("112#")
        await s.after(0.5)
        assert [leg.peer for line in s.lines.values() for leg in line.legs] == ["112"]
        assert s.trunks["provider"].dialled == []
        caller.hangs_up()


@pytest.mark.parametrize(
    ("number", "dialled"),
    [
        ("1001", "1001"),
        ("A-1001", "1001"),
        ("101", "*101"),
        ("A-2002", "*2002"),
        ("700", "*700"),
        ("701", "*701"),
        ("112", "*112"),
    ],
)
async def test_what_is_said_to_be_dialled_for_an_order_reaches_its_customer(number: str, dialled: str) -> None:
    queue = NamedQueue(name="sales", extension="700", phones=("101",))
    shop = replace(SHOP, queues=(queue,), order_status=replace(SHOP.order_status, extension="701"))
    async with scene(shop) as s:
        s.orders = [order(number)]
        assert order_dialled_as(shop, s.orders[0]) == dialled
        caller = await in_the_menu(s)
        caller.presses(f"{dialled}#")
        await s.after(0.5)
        assert s.trunks["provider"].dialled == [(CUSTOMER, "2001")]
        caller.hangs_up()


async def test_caller_id_of_a_courier_reaches_no_customer_without_the_pin() -> None:
    """T-F8."""
    async with scene(SHOP) as s:
        s.orders = [order()]
        caller = s.call_to_line("red", COURIER)
        await s.after(0.5)
        caller.presses("1001#")
        await s.after(60)
        assert s.all_legs() == []


async def test_a_voicemail_never_counts_as_an_answer() -> None:
    async with scene(courier(confirms=True)) as s:
        s.orders = [order()]
        caller = s.call_to_line("red", CUSTOMER)
        await s.after(0.2)
        (voicemail,) = s.lines["blue"].legs
        voicemail.answers()
        await s.after(40)
        assert s.prompts_played.count("press-1-to-take") == 2
        assert voicemail.state is LegState.ENDED
        assert caller.told == ["ringing", f"hangup {Cause.NO_ANSWER}"]
        assert s.recordings.made == []


async def test_the_courier_takes_the_call_by_a_key() -> None:
    async with scene(courier(confirms=True)) as s:
        s.orders = [order()]
        caller = s.call_to_line("red", CUSTOMER)
        await s.after(0.2)
        (mobile,) = s.lines["blue"].legs
        mobile.answers()
        await s.after(3)
        assert caller.told == ["ringing"]
        mobile.presses("1")
        await s.after(4)
        assert caller.state is LegState.UP
        assert mobile.state is LegState.UP
        mobile.hangs_up()


async def test_the_mobile_rings_no_longer_than_its_voicemail_waits() -> None:
    async with scene(SHOP) as s:
        caller = s.call_from_phone("101", "2001")
        await s.after(24.5)
        assert not s.lines["red"].legs[0].told
        await s.after(1)
        assert s.lines["red"].legs[0].told == [f"hangup {Cause.CANCELLED}"]
        assert caller.told[-1] == f"hangup {Cause.NO_ANSWER}"


async def test_the_next_one_is_rung_and_knows_the_order_too() -> None:
    shop = courier(then="2002", texts_missed=True)
    shop = replace(shop, couriers=(shop.couriers[0], replace(shop.couriers[1], then="101")))
    async with scene(shop) as s:
        s.orders = [order()]
        caller = s.call_to_line("red", CUSTOMER)
        await s.after(0.2)
        s.lines["blue"].legs[0].hangs_up(Cause.BUSY)
        await s.after(0.2)
        assert s.lines["blue"].dialled == [(COURIER, "2001"), (SECOND, "2002")]
        assert s.texts == [(COURIER, s.texts[0][1], "2001")]
        assert "1001" in s.texts[0][1]
        assert "903" not in s.texts[0][1], "an SMS shows no number"
        s.lines["blue"].legs[1].hangs_up(Cause.NO_ANSWER)
        await s.after(0.2)
        assert set(s.phones.legs) == {"101"}, "at last the dispatcher"
        s.phones.legs["101"][0].answers()
        await s.after(1)
        assert caller.state is LegState.UP
        caller.hangs_up()


async def test_two_who_name_each_other_are_rung_once() -> None:
    shop = courier(then="2002")
    shop = replace(shop, couriers=(shop.couriers[0], replace(shop.couriers[1], then="2001")))
    async with scene(shop) as s:
        caller = s.call_from_phone("101", "2001")
        await s.after(0.2)
        s.lines["red"].legs[0].hangs_up(Cause.BUSY)
        await s.after(0.2)
        s.lines["blue"].legs[0].hangs_up(Cause.BUSY)
        await s.after(0.2)
        assert caller.told[-1] == f"hangup {Cause.BUSY}"


async def test_off_shift_the_mobile_is_left_alone() -> None:
    async with scene(courier(on_shift=False, texts_missed=True)) as s:
        s.orders = [order()]
        caller = s.call_from_phone("101", "2001")
        await s.after(0.2)
        assert caller.told == [f"hangup {Cause.UNREACHABLE}"]
        customer = s.call_to_line("red", CUSTOMER)
        await s.after(0.2)
        assert set(s.phones.legs) == {"101"}
        assert [line.dialled for line in s.lines.values()] == [[], []]
        assert s.texts == []
        customer.hangs_up()


async def test_a_customer_on_the_only_sim_is_told_and_the_courier_reads_of_it() -> None:
    async with scene(courier(lines=("red",), texts_missed=True)) as s:
        s.orders = [order()]
        caller = s.call_to_line("red", CUSTOMER)
        await s.after(2)
        assert s.prompts_played == ["courier-told"]
        assert caller.state is LegState.ENDED
        assert len(s.texts) == 1


async def test_who_gives_up_is_told_of_too() -> None:
    async with scene(courier(texts_missed=True)) as s:
        s.orders = [order()]
        caller = s.call_to_line("red", CUSTOMER)
        await s.after(5)
        caller.hangs_up()
        await s.after(0.1)
        assert len(s.texts) == 1


async def test_nothing_that_either_is_sent_holds_the_number_of_the_other() -> None:
    """B2: keys, names, prompts and texts on both sides of a call each way."""
    async with scene(courier(texts_missed=True, confirms=True)) as s:
        s.orders = [order()]
        customer = s.call_to_line("red", CUSTOMER)
        await s.after(0.2)
        (mobile,) = s.lines["blue"].legs
        mobile.answers()
        await s.after(20)
        customer.hangs_up()
        await s.after(0.1)
        s.lines["red"].state = s.lines["blue"].state = LineState.READY
        caller = await in_the_menu(s)
        caller.presses("1001#")
        await s.after(1)
        (called,) = s.trunks["provider"].legs
        for leg, foreign in ((mobile, CUSTOMER), (called, COURIER)):
            said = " ".join((leg.display_name, leg.called, leg.keys_sent, *leg.told, *s.prompts_played))
            assert foreign[2:] not in said
        assert all(CUSTOMER[2:] not in text for _, text, _ in s.texts)
        caller.hangs_up()


@pytest.mark.parametrize("half_seconds", range(0, 24, 2))
async def test_the_caller_hangs_up_here_on_the_way_by_an_order(half_seconds: int) -> None:
    async with scene(courier(confirms=True, then="101", texts_missed=True)) as s:
        s.orders = [order()]
        caller = s.call_to_line("red", CUSTOMER)
        for step in range(24):
            if step == half_seconds:
                caller.hangs_up()
            legs = s.lines["blue"].legs
            if step == 2 and legs and legs[0].state is LegState.NEW:
                legs[0].answers()
            if step == 8 and legs and legs[0].state is LegState.UP:
                legs[0].presses("1")
            await s.after(0.5)
        assert s.ended().ended_by == "caller"


@pytest.mark.parametrize(("dialled", "said"), [("101", "unanswered"), ("2002", "courier-unreachable")])
async def test_who_is_not_there_is_called_a_courier_only_where_it_is_one(dialled: str, said: str) -> None:
    async with scene(SHOP) as s:
        s.phones.away.add("101")
        caller = await in_the_menu(s)
        s.lines["blue"].on_dial = lambda leg: leg.hangs_up(Cause.UNREACHABLE)
        caller.presses(f"{dialled}#")
        await s.after(3)
        assert s.prompts_played[-1] == said
        assert caller.cause is Cause.UNREACHABLE
