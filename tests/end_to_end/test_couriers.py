"""Couriers over whole processes and emulated modems, judged by what is heard and by every number that was dialled."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest

from gateway.demo.judge import RATE, judge
from gateway.demo.site import COURIER, PIN, SIM_NUMBERS, STRANGER
from gateway.emulator.client import RemoteCall
from gateway.emulator.demo_people import COURIER_VOICE
from gateway.emulator.sound import load_wav
from tests.end_to_end.house import House, house

pytestmark = [pytest.mark.interop, pytest.mark.real_time]


def careful(shop: str) -> str:
    """The courier confirms each call by a key."""
    return shop.replace(f'pin = "{PIN}"\n', f'pin = "{PIN}"\nconfirms = true\n')


async def dialled(stack: House) -> list[str]:
    """Every number that reached a modem."""
    found = []
    for modem in await stack.emulator.modems():
        found += [line for _, line in await modem.commands() if re.match(r"(?i)ATD", line)]
    return found


async def hears(listener: RemoteCall, speaker: RemoteCall) -> bool:
    """What one says reaches the other: half-second pieces, each found by itself, as a busy machine may shift them."""
    await speaker.speak(Path(COURIER_VOICE))
    await asyncio.sleep(0.5)
    said = np.array(load_wav(COURIER_VOICE), dtype=np.int16)
    heard = np.frombuffer((await listener.heard()).data, dtype="<i2").astype(np.int16)
    pieces = [said[start : start + RATE // 2] for start in range(0, len(said) - RATE // 2, RATE // 2)]
    loud = [piece for piece in pieces if np.abs(piece.astype(int)).mean() > 500]
    likenesses = sorted(judge(piece, heard).correlation for piece in loud[:3])
    return likenesses[len(likenesses) // 2] > 0.9


async def test_an_order_ties_customer_and_courier_both_ways(tmp_path: Path) -> None:
    """B2: by any SIM, without digits one way, by the order's number the other way; 0 other numbers dialled."""
    async with house(tmp_path / "site", shop=careful) as stack:
        order = {"number": "1001", "phone": STRANGER, "courier": "2001", "stage": "with-courier"}
        await stack.api.post("/orders", order)
        courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.2)
        customer = await stack.emulator.subscriber(STRANGER, when_called="answer", ring_seconds=0.2)

        calling = await customer.call_in(SIM_NUMBERS["green"])
        mobile = await courier.next_call(within=15)
        await mobile.answered(within=15)
        await asyncio.sleep(1.0)
        await mobile.press("1")  # as soon as one knows what is said
        await calling.answered(within=15)
        await asyncio.sleep(0.5)
        assert await hears(calling, mobile)
        await calling.hang_up()
        await mobile.ended(within=10)
        (row,) = await stack.ended_calls(1)
        assert (row["order"], row["courier"], row["answered_by"]) == ("1001", "2001", COURIER)
        assert (row["shown"], row["shown_by"]) == (SIM_NUMBERS["red"], "red")
        legs = (await stack.api.get(f"/calls/{row['id']}"))["legs"]
        assert sorted(leg["peer"] for leg in legs) == sorted((STRANGER, COURIER)), "no phone of the shop was rung"

        calling = await courier.call_in(SIM_NUMBERS["blue"])
        await calling.answered(within=15)
        await asyncio.sleep(0.5)
        await calling.press(f"{PIN}#")
        await asyncio.sleep(3.5)
        await calling.press("1001#")
        mobile = await customer.next_call(within=15)
        await mobile.answered(within=15)
        await calling.hang_up()
        await mobile.ended(within=10)
        row, _ = await stack.ended_calls(2)
        assert (row["called"], row["order"]) == ("1001", "1001")
        assert row["shown_by"] == "green", "by blue the courier talks, and red has carried a call already"
        assert row["shown"] == SIM_NUMBERS["green"]
        assert sorted(await dialled(stack)) == sorted((f"ATD{COURIER};", f"ATD{STRANGER};"))
