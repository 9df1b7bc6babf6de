"""A phone of the shop that plays something of its own while it rings, to a caller who is being received."""

from __future__ import annotations

import pytest

from gateway.telephony.causes import Cause
from tests.fakes.exchange import scene
from tests.flows.test_reception import GREETING, SHOP, TWO_RINGS, calls_shop


@pytest.mark.parametrize("begins_at", [1.0, TWO_RINGS + 0.5])
@pytest.mark.parametrize("declines", [True, False])
async def test_a_phone_s_own_ringing_cuts_off_no_greeting(begins_at: float, declines: bool) -> None:
    async with scene(SHOP) as s:
        caller = calls_shop(s)
        await s.after(begins_at)
        s.phones.legs["101"][0].brings_early_media()
        await s.after(TWO_RINGS + 0.7 - begins_at)
        if declines:
            s.phones.legs["101"][0].hangs_up(Cause.REJECTED)
        await s.after(GREETING + 13 + 0.8)
        assert s.prompts_played == ["greeting", "all-busy", "press-1-call-back"], "the offer comes in its time"
        caller.hangs_up()
