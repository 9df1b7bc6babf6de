"""A clock that is set in the midst of a call, as on a machine without a battery when the network comes (X-T1)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.events import CallEnded
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from tests.fakes.exchange import Scene, scene
from tests.fakes.talks import OUTSIDE, SHOP
from tests.faults import rounds

NO_TRUNK = replace(SHOP, trunks=())
PHASES = ("before it rings", "while it rings", "while they talk", "after a minute")
JUMPS = {
    "from 1970": None,
    "an hour back": -timedelta(hours=1),
    "thirty years on": timedelta(days=30 * 365),
    "over midnight": timedelta(hours=18),
}


async def talked_through(phase: str, jump: Callable[[Scene], None], *, from_1970: bool = False) -> None:
    """A call of three minutes in which the wall clock is set in that phase."""
    async with scene(NO_TRUNK) as s:
        if from_1970:
            s.set_by = datetime(1970, 1, 1, tzinfo=UTC) - s.clock()
        caller = s.call_from_phone("101", OUTSIDE)
        if phase == PHASES[0]:
            jump(s)
        await s.after(0.5)
        if phase == PHASES[1]:
            jump(s)
        await s.after(0.5)
        s.lines["red"].legs[0].answers()
        await s.after(10)
        if phase == PHASES[2]:
            jump(s)
        await s.after(60)
        if phase == PHASES[3]:
            jump(s)
        await s.after(110)
        assert caller.state is LegState.UP
        caller.hangs_up()
        await s.after(0.5)
        (ended,) = [event for event in s.events if isinstance(event, CallEnded)]
        assert ended.cause is Cause.HUNG_UP
        assert ended.talk_seconds == pytest.approx(180, abs=0.1)
        assert ended.total_seconds == pytest.approx(181, abs=0.1)


@pytest.mark.parametrize("name", JUMPS)
@pytest.mark.parametrize("phase", PHASES)
async def test_no_call_is_dropped_and_each_is_as_long_as_it_was(name: str, phase: str) -> None:
    by = JUMPS[name]

    def jump(s: Scene) -> None:
        s.set_by = timedelta(0) if by is None else s.set_by + by

    await talked_through(phase, jump, from_1970=by is None)


@pytest.mark.parametrize("phase", PHASES)
async def test_nor_by_any_jump_of_seconds_or_of_decades(phase: str, seed: int) -> None:
    """Fifty in each phase; a few in a short run."""
    chance = random.Random(f"{seed} {phase}")

    def jump(s: Scene) -> None:
        s.set_by += timedelta(seconds=chance.choice((-1, 1)) * 10 ** chance.uniform(0, 9))

    for _ in range(rounds(2, 50)):
        await talked_through(phase, jump)
