"""A clock that is set in the midst of a call, as on a machine without a battery when the network comes (X-T1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.events import CallEnded
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from tests.fakes.exchange import Scene, scene
from tests.fakes.talks import OUTSIDE, SHOP

NO_TRUNK = replace(SHOP, trunks=())
PHASES = ("before it rings", "while it rings", "while they talk", "after a minute")
JUMPS = {
    "from 1970": None,
    "an hour back": -timedelta(hours=1),
    "thirty years on": timedelta(days=30 * 365),
    "over midnight": timedelta(hours=18),
}


def jump(s: Scene, name: str) -> None:
    """Set the wall clock."""
    by = JUMPS[name]
    s.set_by = timedelta(0) if by is None else s.set_by + by


@pytest.mark.parametrize("name", JUMPS)
@pytest.mark.parametrize("phase", PHASES)
async def test_no_call_is_dropped_and_each_is_as_long_as_it_was(name: str, phase: str) -> None:
    async with scene(NO_TRUNK) as s:
        if JUMPS[name] is None:
            s.set_by = datetime(1970, 1, 1, tzinfo=UTC) - s.clock()
        caller = s.call_from_phone("101", OUTSIDE)
        if phase == PHASES[0]:
            jump(s, name)
        await s.after(0.5)
        if phase == PHASES[1]:
            jump(s, name)
        await s.after(0.5)
        s.lines["red"].legs[0].answers()
        await s.after(10)
        if phase == PHASES[2]:
            jump(s, name)
        await s.after(60)
        if phase == PHASES[3]:
            jump(s, name)
        await s.after(110)
        assert caller.state is LegState.UP
        caller.hangs_up()
        await s.after(0.5)
        (ended,) = [event for event in s.events if isinstance(event, CallEnded)]
        assert ended.cause is Cause.HUNG_UP
        assert ended.talk_seconds == pytest.approx(180, abs=0.1)
        assert ended.total_seconds == pytest.approx(181, abs=0.1)
