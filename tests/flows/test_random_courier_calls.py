"""Random stories of couriers and customers, with hang-ups at random moments: nothing rings on, nothing is left."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from gateway.events import CallEnded
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Direction, LegState
from gateway.telephony.line import LineState
from gateway.telephony.shop import FollowMe, Shop
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.faults import rounds
from tests.flows.test_courier_orders import COURIER, CUSTOMER, SECOND, SHOP, STRANGER, order
from tests.flows.test_follow_me import APP

STORIES = rounds(50, 2000)


def _shop(dice: random.Random) -> Shop:
    couriers = tuple(
        replace(
            each,
            confirms=dice.random() < 0.5,
            calls_back=dice.random() < 0.3,
            texts_missed=dice.random() < 0.5,
            on_shift=dice.random() < 0.9,
            then=dice.choice((None, "101", "2001" if each.extension == "2002" else "2002")),
            follow=dice.choice(tuple(FollowMe)),
        )
        for each in SHOP.couriers
    )
    lines = tuple(replace(line, asks_extension=dice.random() < 0.3) for line in SHOP.lines)
    trunks = tuple(replace(trunk, asks_extension=dice.random() < 0.3) for trunk in SHOP.trunks)
    phones = (*SHOP.phones, APP) if dice.random() < 0.5 else SHOP.phones
    return replace(SHOP, couriers=couriers, lines=lines, trunks=trunks, phones=phones)


def _begin(s: Scene, dice: random.Random) -> list[FakeLeg]:
    """Somebody calls; the legs that the test itself has made."""
    match dice.randrange(5):
        case 0:
            return [s.call_from_phone("101", dice.choice(("2001", "2001", "2002", "2002", "112")))]
        case 1:
            return [s.call_to_trunk("provider", dice.choice((CUSTOMER, STRANGER, "")), "+74951234567")]
        case 2:
            return [s.call_to_line("red", dice.choice((CUSTOMER, STRANGER, SECOND)))]
        case 3:
            s.switchboard.call_back("2001", s.orders[0] if dice.random() < 0.7 else None)
            return []
        case _:
            return [s.call_to_line("red", COURIER)]


def _happen(s: Scene, legs: list[FakeLeg], dice: random.Random) -> None:
    """One thing that people, networks or modems do."""
    living = [leg for leg in (*legs, *s.all_legs()) if leg.state is not LegState.ENDED]
    if not living:
        return
    leg = dice.choice(living)
    rung = leg.direction is Direction.OUTGOING and leg.state is not LegState.UP
    match dice.randrange(6):
        case 0 if rung:
            leg.rings()
        case 1 | 2 if rung:
            leg.answers()
        case 3:
            leg.presses(dice.choice(("1", "482913#", "1001#", "101#", "*1001#", "2002#", "#", "9",
                                     "**1", "**2101#", "**3101#", "**4", "**22002#", "2001#")))  # fmt: skip
        case 4 if dice.random() < 0.4:
            leg.hangs_up(dice.choice((Cause.HUNG_UP, Cause.BUSY, Cause.MODEM_LOST, Cause.NO_ANSWER)))
        case 5 if dice.random() < 0.1:
            dice.choice(list(s.lines.values())).state = dice.choice((LineState.READY, LineState.SEARCHING))
        case _:
            pass


@pytest.mark.timeout(1200)  # for the full count
async def test_random_stories_leave_nothing_behind(seed: int) -> None:
    """Each scene ends by its own check: no leg rings or talks, no recording runs, no call is known, no task is left."""
    for story in range(STORIES):
        dice = random.Random(f"{seed} {story}")  # a story, no secret
        async with scene(_shop(dice)) as s:
            s.orders = [order(), order("1002", courier="2002", phone=STRANGER)]
            legs = _begin(s, dice)
            for _ in range(dice.randrange(4, 40)):
                await s.after(dice.choice((0.05, 0.5, 2, 9)))
                _happen(s, legs, dice)
            numbers = {number for line in s.lines.values() for number, _ in line.dialled}
            numbers |= {number for trunk in s.trunks.values() for number, _ in trunk.dialled}
            assert numbers <= {COURIER, SECOND, CUSTOMER, STRANGER, "112"}, f"seed {seed}, story {story}"
            for leg in (*legs, *s.all_legs()):
                if leg.state is not LegState.ENDED:
                    leg.hangs_up()
            await s.after(60)
            assert s.switchboard.calls() == [], f"seed {seed}, story {story}"
            broken = [event for event in s.events if isinstance(event, CallEnded) and event.cause == Cause.FAULT]
            assert broken == [], f"seed {seed}, story {story}"
