"""A phone records a prompt: what was ended with the hash key is kept, everything else changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from gateway.audio.frame import FRAME_SECONDS, SILENCE
from gateway.audio.prompts import KEYS
from gateway.telephony.destinations import RecordPrompt
from gateway.telephony.feature_codes import FeatureCodes
from gateway.telephony.leg import LegState
from gateway.telephony.routing import to_prompt
from gateway.telephony.shop import PhoneSettings, Shop
from tests.fakes.exchange import PROMPT_FRAMES, scene
from tests.fakes.legs import FakeLeg

SHOP = Shop(
    phones=(PhoneSettings(extension="101", password="a-long-password"),), codes=FeatureCodes(record_prompt="*55")
)
BEEP_SECONDS = PROMPT_FRAMES / 50


async def says(leg: FakeLeg, value: int, seconds: float) -> None:
    for _ in range(round(seconds / FRAME_SECONDS)):
        await asyncio.sleep(FRAME_SECONDS)
        leg.fake_port.speak(SILENCE + value)


async def test_the_words_between_beep_and_hash_are_kept_and_played_back() -> None:
    async with scene(SHOP) as s:
        phone = s.call_from_phone("101", "*55")
        await says(phone, 111, BEEP_SECONDS + 0.1)
        assert s.prompts_played == ["recording-beep"]
        await says(phone, 2_000, 2)
        assert s.prompts_kept == {}
        phone.presses("#")
        await s.after(0.1)
        kept = s.prompts_kept["greeting"]
        assert len(kept) / 8_000 == pytest.approx(2, abs=0.2)
        assert set(np.unique(kept)) <= {0, 111, 2_000}
        assert np.mean(kept == 2_000) > 0.9
        assert s.prompts_played == ["recording-beep", "greeting"]
        await s.after(2)
        assert phone.state is LegState.ENDED


@pytest.mark.parametrize("seconds", [0.2, 1.1, 2.5])
async def test_who_hangs_up_changes_nothing(seconds: float) -> None:
    async with scene(SHOP) as s:
        phone = s.call_from_phone("101", "*55")
        await says(phone, 2_000, seconds)
        phone.hangs_up()
        await s.after(1)
        assert s.prompts_kept == {}


async def test_who_says_nothing_or_never_ends_is_told_and_nothing_is_kept() -> None:
    async with scene(SHOP) as s:
        silent = s.call_from_phone("101", "*55")
        await s.after(BEEP_SECONDS + 0.5)
        silent.presses("#")
        await s.after(0.2)
        assert s.prompts_kept == {}
        silent.hangs_up()
        endless = s.call_from_phone("101", "*55")
        await s.after(70)
        assert s.prompts_played[-1] == "goodbye"
        assert s.prompts_kept == {}
        assert endless.state is LegState.ENDED


def test_the_code_names_a_prompt_or_the_greeting() -> None:
    assert to_prompt(SHOP, "*55") == RecordPrompt(key="greeting")
    assert to_prompt(SHOP, "*5501") == RecordPrompt(key=KEYS[0])
    assert to_prompt(SHOP, f"*55{len(KEYS):02}") == RecordPrompt(key=KEYS[-1])
    for text in ("*5500", f"*55{len(KEYS) + 1:02}", "*551", "*55001", "*55٠١", "55", "101"):
        assert to_prompt(SHOP, text) is None
    assert to_prompt(replace(SHOP, codes=FeatureCodes()), "*55") is None, "nobody can, unless the owner says so"
