"""Several queues, each with its own staff, strategy, prompts, rest and overflow; a shop without them is as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.api.live_queue import LiveQueue
from gateway.events import CallQueued, MessageLeft
from gateway.store.journal import Journal
from gateway.store.statistics import Period, by_queue
from gateway.telephony.branches import Branch
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from gateway.telephony.mailboxes import boxes_of
from gateway.telephony.on_duty import DutyState
from gateway.telephony.queue_rules import NamedQueue, Overflow, Strategy
from gateway.telephony.reception import Reception
from gateway.telephony.route_steps import RouteQuestion, StepCode
from gateway.telephony.route_trial import try_route
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, Shop, TrunkSettings
from tests.fakes.direct_store import BEGAN
from tests.fakes.exchange import Scene, scene

SALES = NamedQueue(
    name="sales", title="Sales", extension="81", phones=("101", "102"), strategy=Strategy.IN_ORDER, step_seconds=10,
    wrap_up_seconds=20, message_phones=("101",),
)  # fmt: skip
WORKSHOP = NamedQueue(name="workshop", extension="82", phones=("103",))
MOBILE = "+79161234567"
SHOP = Shop(
    lines=(
        LineSettings(name="red", modem="m0", number="+79160000001", queue="sales"),
        LineSettings(name="blue", modem="m1", number="+79160000002"),
    ),
    trunks=(TrunkSettings(name="provider", host="sip.example.net", number="+74951234567", queue="workshop"),),
    phones=tuple(PhoneSettings(extension=each, password="a-long-password") for each in ("101", "102", "103")),
    couriers=(CourierSettings(extension="2001", mobile=MOBILE, pin="482913"),),
    queues=(SALES, WORKSHOP),
)
TWO_RINGS = 2 * 13 / 3


def with_queues(*queues: NamedQueue, **changes: Any) -> Shop:
    return replace(SHOP, queues=queues, **changes)


async def serve(s: Scene, line: str, number: int, extension: str) -> None:
    """A customer calls, that phone answers, and they talk for five seconds."""
    caller = s.call_to_line(line, f"+7903555{number:04d}")
    await s.after(1)
    s.phones.answer(extension)
    await s.after(5)
    caller.hangs_up()
    s.lines[line].state = LineState.READY
    await s.after(0.5)


async def test_each_line_leads_to_its_queue_and_the_others_to_that_of_the_shop() -> None:
    async with scene(SHOP) as s:
        red = s.call_to_line("red", "+79035550001")
        await s.after(1)
        assert s.phones.ringing() == {"101"}, "in order, and nobody of the workshop"
        await s.after(10)
        assert s.phones.ringing() == {"101", "102"}
        provider = s.call_to_trunk("provider", "+79035550002", "+74951234567")
        await s.after(1)
        assert s.phones.ringing() == {"101", "102", "103"}
        red.hangs_up()
        provider.hangs_up()
        await s.after(1)
        s.lines["blue"].state = LineState.READY
        blue = s.call_to_line("blue", "+79035550003")
        await s.after(0.1)
        assert s.phones.ringing() == {"101", "102", "103"}, "all at once, as the shop's own queue has it"
        blue.hangs_up()
        told = [event.queue for event in s.events if isinstance(event, CallQueued)]
        assert told == ["sales", "workshop", ""]


async def test_a_shop_with_one_queue_tells_nothing_of_queues() -> None:
    async with scene(replace(SHOP, queues=(), lines=(SHOP.lines[1],), trunks=())) as s:
        caller = s.call_to_line("blue", "+79035550001")
        await s.after(TWO_RINGS + 0.5)
        assert s.prompts_played == ["greeting"]
        assert not [event for event in s.events if isinstance(event, CallQueued)]
        caller.hangs_up()


async def test_each_queue_says_its_own_greeting_and_offer() -> None:
    async with scene(with_queues(replace(SALES, announce_seconds=0), WORKSHOP)) as s:
        caller = s.call_to_line("red", "+79035550001")
        await s.after(TWO_RINGS + 1 + 13 + 1)
        assert s.prompts_played == ["greeting.sales", "all-busy.sales", "press-1-call-back"]
        caller.hangs_up()


async def test_each_queue_has_its_own_rest() -> None:
    async with scene(SHOP) as s:
        await serve(s, "red", 1, "101")
        assert s.duty.standing("101").state is DutyState.WRAP_UP
        caller = s.call_to_trunk("provider", "+79035550002", "+74951234567")
        await s.after(1)
        s.phones.answer("103")
        await s.after(5)
        caller.hangs_up()
        await s.after(1)
        assert s.duty.standing("103").state is DutyState.FREE
        await s.after(20)
        assert s.duty.standing("101").state is DutyState.FREE


async def test_turns_of_one_queue_do_not_count_in_another() -> None:
    both = replace(WORKSHOP, phones=("103", "101", "102"), strategy=Strategy.ROUND_ROBIN)
    turns = replace(SALES, strategy=Strategy.ROUND_ROBIN, wrap_up_seconds=0)
    async with scene(with_queues(turns, both)) as s:
        await serve(s, "red", 1, "101")
        other = s.call_to_trunk("provider", "+79035550002", "+74951234567")
        await s.after(1)
        assert s.phones.ringing() == {"103"}
        other.hangs_up()
        await s.after(1)
        await serve(s, "red", 3, "102")


async def test_who_waits_too_long_goes_on_to_the_other_queue_and_in_no_circle() -> None:
    on = {"overflow": Overflow.NUMBER, "overflow_seconds": 30}
    sales: Any = replace(SALES, overflow_number="82", **on)  # type: ignore[arg-type]  # names of its fields
    workshop: Any = replace(WORKSHOP, overflow_number="81", **on)  # type: ignore[arg-type]  # names of its fields
    async with scene(with_queues(sales, workshop)) as s:
        caller = s.call_to_line("red", "+79035550001")
        await s.after(29)
        assert s.phones.ringing() == {"101", "102"}
        await s.after(2)
        assert s.phones.ringing() == {"103"}
        (waiting,) = s.line_up.waiting()
        assert waiting.queue == "workshop"
        await s.after(40)
        assert caller.state is LegState.ENDED, "it has been in the first one"
        assert s.phones.ringing() == set()
        told = try_route(s.exchange, RouteQuestion(caller="+79035550002", called="red", at=s.clock()))
        codes = [step.code for step in told.steps]
        assert codes.count(StepCode.GREETING) == 2
        assert StepCode.FORWARDED_IN_CIRCLE in codes


async def test_messages_are_kept_for_the_queue_and_its_phones() -> None:
    sales = replace(SALES, overflow=Overflow.VOICEMAIL, overflow_seconds=20)
    async with scene(with_queues(sales, WORKSHOP)) as s:
        caller = s.call_to_line("red", "+79035550001")
        await s.after(30)
        caller.presses("#")
        await s.after(2)
        (left,) = [event for event in s.events if isinstance(event, MessageLeft)]
        assert left.mailbox == "queue-sales"
        assert [left.mailbox in boxes_of(s.shop, each) for each in ("101", "102")] == [True, False]


@pytest.mark.parametrize("by", ["menu", "phone", "courier", "forward"])
async def test_a_queue_is_dialled_as_an_extension(by: str) -> None:
    shop = replace(SHOP, lines=(SHOP.lines[0], replace(SHOP.lines[1], asks_extension=True)), reception=Reception())
    if by == "forward":
        shop = replace(shop, phones=(replace(shop.phones[0], forward_always="82"), *shop.phones[1:]))
    async with scene(shop) as s:
        match by:
            case "phone":
                caller = s.call_from_phone("101", "82")
            case "forward":
                caller = s.call_from_phone("102", "101")
            case "courier":
                caller = s.call_to_line("blue", MOBILE)
                await s.after(1)
                caller.presses("482913#")
                await s.after(1)
                caller.presses("82#")
            case _:
                caller = s.call_to_line("blue", "+79035550001")
                await s.after(1)
                caller.presses("82#")
        await s.after(2)
        assert s.phones.ringing() == {"103"}
        s.phones.answer("103")
        await s.after(2)
        assert caller.state is LegState.UP
        caller.hangs_up()


async def test_a_branch_has_the_staff_of_its_queue() -> None:
    branches = (
        Branch(name="Moscow", region="moscow", queue="sales"),
        Branch(name="Sakhalin", region="sakhalin", phones=("103",)),
    )
    async with scene(replace(SHOP, branches=branches)) as s:
        caller = s.call_to_line("blue", "+74951112233")
        await s.after(TWO_RINGS + 0.5)
        assert s.prompts_played[-1] == "greeting.sales"
        assert s.phones.ringing() == {"101"}
        caller.hangs_up()


async def test_a_branch_greets_in_its_own_words_also_when_it_is_closed() -> None:
    never = Schedule(wednesday=("09:00-10:00",))
    branches = (
        Branch(name="Moscow", region="moscow", queue="sales", greeting="moscow"),
        Branch(name="Sakhalin", region="sakhalin", phones=("103",), schedule=Schedule(sunday=("09:00-10:00",))),
    )
    for schedule, said in ((Schedule(), "greeting.moscow"), (never, "after-hours.moscow")):
        here = replace(branches[0], schedule=schedule)
        async with scene(replace(SHOP, branches=(here, branches[1]))) as s:
            s.set_by = datetime(2026, 3, 3, 12, 0, tzinfo=UTC) - s.clock()
            caller = s.call_to_line("blue", "+74951112233")
            await s.after(TWO_RINGS + 0.5)
            assert s.prompts_played[0] == said
            caller.hangs_up()


async def test_board_and_statistics_show_each_queue() -> None:
    async with scene(SHOP) as s:
        s.bus.subscribe(Journal(s.writer, gateway_id="g"))
        await serve(s, "red", 1, "101")
        in_vain = s.call_to_trunk("provider", "+79035550002", "+74951234567")
        await s.after(5)
        board = LiveQueue(s.exchange.shop, s.duty, s.line_up.waiting, lambda: 0).wire()
        queues: Any = board["queues"]
        assert [(each["name"], each["title"], each["waiting"]) for each in queues] == [
            ("", "", 0), ("sales", "Sales", 0), ("workshop", "workshop", 1),
        ]  # fmt: skip
        waiting: Any = board["waiting"]
        assert [each["queue"] for each in waiting] == ["workshop"]
        in_vain.hangs_up()
        await s.after(1)
        await serve(s, "blue", 3, "102")
        period = Period(since=BEGAN, until=s.clock(), zone=ZoneInfo("UTC"))
        with s.writer.engine.begin() as connection:
            found = by_queue(connection, period)
        assert {name: (each.incoming, each.answered) for name, each in found.items()} == {
            "": (1, 1), "sales": (1, 1), "workshop": (1, 0),
        }  # fmt: skip
