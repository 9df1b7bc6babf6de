"""A call to a shop with branches: the nearest one that is open rings (E2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from gateway.events import CallBackPromised
from gateway.telephony.branches import Branch
from gateway.telephony.route_steps import RouteQuestion, StepCode
from gateway.telephony.route_trial import try_route
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import LineSettings, PhoneSettings, Shop, TrunkSettings
from tests.fakes.exchange import Scene, scene

HOURS = ("09:00-18:00",)
DAYS = Schedule(
    monday=HOURS, tuesday=HOURS, wednesday=HOURS, thursday=HOURS, friday=HOURS, saturday=HOURS, sunday=HOURS
)
SHOP = Shop(
    lines=(LineSettings(name="red", modem="m0", rings=("101",)),),
    trunks=(TrunkSettings(name="provider", host="sip.example.net", number="+74951234567"),),
    phones=tuple(PhoneSettings(extension=each, password="a-long-password") for each in ("101", "201", "301")),
    branches=(
        Branch(name="Moscow", region="moscow", phones=("101",), schedule=DAYS),
        Branch(name="Sakhalin", region="sakhalin", phones=("201", "301"), schedule=DAYS),
    ),
)
KHABAROVSK, MOSCOW = "+74212123456", "+74951112233"
THREE_IN_MOSCOW = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)


def at(s: Scene, moment: datetime) -> None:
    """Set the wall clock."""
    s.set_by += moment - s.clock()


async def rung_for(caller: str, moment: datetime, shop: Shop = SHOP) -> list[str]:
    """The phones that ring for that caller."""
    async with scene(shop) as s:
        at(s, moment)
        leg = s.call_to_trunk("provider", caller, "+74951234567")
        await s.after(1)
        leg.hangs_up()
        return sorted(s.phones.legs)


async def test_at_three_in_moscow_sakhalin_rings() -> None:
    assert await rung_for(KHABAROVSK, THREE_IN_MOSCOW) == ["201", "301"]
    assert await rung_for("84212123456", THREE_IN_MOSCOW) == ["201", "301"], "as some networks spell it"
    assert await rung_for(MOSCOW, THREE_IN_MOSCOW) == ["201", "301"], "Moscow sleeps; the next one is open"


async def test_by_day_the_nearest_rings() -> None:
    seven_utc = THREE_IN_MOSCOW.replace(hour=6)  # nine in Moscow, five in the afternoon on Sakhalin
    assert await rung_for(MOSCOW, seven_utc) == ["101"]
    assert await rung_for(KHABAROVSK, seven_utc) == ["201", "301"]


async def test_when_none_is_open_the_caller_is_promised_a_call_by_the_branch_that_opens_first() -> None:
    async with scene(SHOP) as s:
        at(s, THREE_IN_MOSCOW.replace(hour=20))  # eleven at night in Moscow, seven in the morning on Sakhalin
        caller = s.call_to_trunk("provider", MOSCOW, "+74951234567")
        await s.after(2)
        assert s.prompts_played[0] == "after-hours"
        caller.presses("1")
        await s.after(3)
        assert sorted(s.phones.legs) == []
        (promised,) = [event for event in s.events if isinstance(event, CallBackPromised)]
        (promise,) = s.call_backs.waiting()
        assert promise.extensions == ("201", "301")
        assert promise.due_at == datetime(2026, 3, 3, 22, 0, tzinfo=UTC)
        assert promised.number == MOSCOW


async def test_one_branch_chooses_nothing_and_a_line_with_phones_of_its_own_keeps_them() -> None:
    one = replace(SHOP, branches=SHOP.branches[1:])
    assert await rung_for(KHABAROVSK, THREE_IN_MOSCOW, one) == ["101", "201", "301"]
    async with scene(SHOP) as s:
        at(s, THREE_IN_MOSCOW)
        leg = s.call_to_line("red", KHABAROVSK)
        await s.after(1)
        assert sorted(s.phones.legs) == ["101"]
        leg.hangs_up()


async def test_the_route_test_says_which_branch_and_why() -> None:
    async with scene(SHOP) as s:
        answer = try_route(s.exchange, RouteQuestion(caller=MOSCOW, called="provider", at=THREE_IN_MOSCOW))
        told = [(step.code, step.values.get("branch") or step.values.get("region")) for step in answer.steps]
        assert (StepCode.FROM_REGION, "Moscow and region") in told
        assert (StepCode.BRANCH_CLOSED, "Moscow") in told
        assert (StepCode.BRANCH, "Sakhalin") in told
        (rings,) = [step for step in answer.steps if step.code is StepCode.RINGS]
        assert rings.values["phones"] == "201 301"
