"""A test call by a line over whole processes: the mobile hears the gateway and itself, and nothing else is dialled."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.site import COURIER
from tests.end_to_end.house import House, house
from tests.end_to_end.test_courier_calls import MOBILE, at_the_mobile, hears, tone
from tests.end_to_end.test_couriers import dialled

pytestmark = [pytest.mark.interop, pytest.mark.real_time]


async def until(stack: House, call: str, *stages: str) -> dict[str, Any]:
    found: dict[str, Any] = await stack.api.until(
        f"/test-calls/{call}", lambda trial: trial["stage"] in stages, within=25
    )
    return found


async def test_whoever_holds_the_mobile_hears_themselves_and_the_page_knows_both_ways(tmp_path: Path) -> None:
    voice = tone(tmp_path, MOBILE)
    async with house(tmp_path / "site") as stack:
        await stack.until_modem("m0", "ready", within=20)
        line = (await stack.modem_state("m0"))["line"]
        courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.2)
        begun = await stack.api.post(f"/lines/{line}/test-calls", {"number": COURIER}, key="one-test-call")
        mobile = await at_the_mobile(courier)
        await until(stack, begun["call"], "listening")
        await mobile.speak(voice, wait=False)
        await asyncio.sleep(2)
        assert (await until(stack, begun["call"], "listening"))["level_dbfs"] > -30, "the level shows while one speaks"
        await mobile.hush()
        await until(stack, begun["call"], "replaying")
        await hears(mobile, MOBILE, within=6)
        await until(stack, begun["call"], "asking")
        await mobile.press("1")
        trial = await until(stack, begun["call"], "over")
        assert (trial["party"], trial["line"], trial["verdict"]) == (COURIER, line, "both-ways")
        (row,) = await stack.ended_calls(1)
        assert (row["direction"], row["flow"], row["line"]) == ("outgoing", "trial-call", line)
        assert [each.upper() for each in await dialled(stack)] == [f"ATD{COURIER};"]
