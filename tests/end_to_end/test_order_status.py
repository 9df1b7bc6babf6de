"""A18 over whole processes and an emulated modem, judged by what the caller hears."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.demo.judge import RATE, Samples, find, judge
from gateway.demo.site import SIM_NUMBERS, STRANGER
from tests.end_to_end.house import house
from tests.end_to_end.test_couriers import dialled
from tests.end_to_end.test_reception import heard, hears_prompt, prompt

pytestmark = [pytest.mark.interop, pytest.mark.real_time]

TOLD = ("status-your-order", "digit-1", "digit-0", "digit-0", "digit-1", "status-with-courier")


def has_own_number(shop: str) -> str:
    """The green SIM is for orders."""
    return shop + '\n[order_status]\nways = ["green"]\n'


def hears_in_order(whole: Samples) -> float:
    """The least likeness of the sentence's pieces, each looked for where the one before has ended."""
    start = find(prompt(TOLD[0]), whole)
    assert start is not None
    likenesses = []
    for key in TOLD:
        piece = prompt(key)
        window = whole[max(0, start - RATE // 2) : start + len(piece) + RATE // 2]
        likenesses.append(judge(piece, window).correlation)
        start += len(piece)
    print(likenesses)
    return min(likenesses)


async def test_who_dials_a_wrong_number_and_then_1001_hears_how_far_it_is(tmp_path: Path) -> None:
    async with house(tmp_path, shop=has_own_number) as stack, stack.phone() as phone:
        await phone.register()
        order = {"number": "1001", "phone": STRANGER, "courier": "2001", "stage": "with-courier"}
        await stack.api.post("/orders", order)
        customer = await stack.emulator.subscriber(STRANGER)
        calling = await customer.call_in(SIM_NUMBERS["green"])
        await calling.answered(within=10)
        await hears_prompt(calling, "status-enter-order", within=15)
        await calling.press("9999#")
        await hears_prompt(calling, "status-not-found", within=15)
        await calling.press("1001#")
        await hears_prompt(calling, "status-with-courier", within=25)
        await calling.ended(within=20)
        assert hears_in_order(await heard(calling)) > 0.9
        assert await dialled(stack) == []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await phone.incoming()
        (row,) = await stack.ended_calls(1)
        assert (row["called"], row["cause"]) == ("1001", "hung-up")
