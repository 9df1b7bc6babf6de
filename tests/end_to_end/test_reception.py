"""The reception over whole processes and an emulated modem, judged by what the customer hears (A7, A11 to A13)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from gateway.audio.prompts import prompt_path
from gateway.demo.judge import RATE, judge
from gateway.demo.site import SIM_NUMBERS, STRANGER
from gateway.emulator.client import RemoteCall
from gateway.emulator.sip_call import PhoneCall
from gateway.emulator.sip_phone import SipPhone
from gateway.emulator.sound import load_wav
from tests.end_to_end.house import House, house
from tests.end_to_end.test_couriers import dialled

pytestmark = [pytest.mark.interop, pytest.mark.real_time]

RING_SECONDS = 4.3


def hurried(shop: str) -> str:
    """One ring and one measure of music instead of two and three."""
    return shop + "\n[reception]\nquiet_rings = 1\nmusic_rings = 1\n"


async def hears_prompt(listener: RemoteCall, key: str, *, within: float) -> None:
    """The first second of a packaged prompt has come through the modem, wherever it stands."""
    said = np.array(load_wav(prompt_path("en", key)), dtype=np.int16)[:RATE]
    async with asyncio.timeout(within):
        while True:
            heard = np.frombuffer((await listener.heard()).data, dtype="<i2").astype(np.int16)
            if len(heard) > len(said) and judge(said, heard).correlation > 0.9:
                return
            await asyncio.sleep(0.5)


async def rings(phone: SipPhone, *, within: float) -> PhoneCall:
    """The phone rings, and nobody has picked up yet."""
    async with asyncio.timeout(within):
        call = await phone.incoming()
        call.ring()
        return call


async def shown(stack: House, *, waiting: int) -> None:
    """So many call-backs are promised, as the panel has it."""

    def enough(answer: dict[str, list[object]]) -> bool:
        return len(answer["waiting"]) == waiting

    await stack.api.until("/call-backs", enough, within=10)


async def test_nobody_picks_up_and_the_customer_is_called_back(tmp_path: Path) -> None:
    async with house(tmp_path, shop=hurried) as stack, stack.phone() as phone:
        await phone.register()
        customer = await stack.emulator.subscriber(STRANGER, when_called="answer", ring_seconds=0.2)
        calling = await customer.call_in(SIM_NUMBERS["red"])
        await rings(phone, within=10)
        loop = asyncio.get_running_loop()
        rings_since = loop.time()
        await calling.answered(within=20)
        assert loop.time() - rings_since > RING_SECONDS - 1, "the first rings cost the customer nothing"
        await hears_prompt(calling, "greeting", within=15)
        await hears_prompt(calling, "press-1-call-back", within=30)
        await calling.press("1")
        await hears_prompt(calling, "we-will-call-you", within=15)
        await calling.ended(within=15)
        assert await dialled(stack) == []

        front = await rings(phone, within=20)
        front.answer()
        customer_called = await customer.next_call(within=20)
        await customer_called.answered(within=15)
        await shown(stack, waiting=0)
        await customer_called.hang_up()
        assert await dialled(stack) == [f"ATD{STRANGER};"]
