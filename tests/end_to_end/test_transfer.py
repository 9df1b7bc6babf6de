"""A customer on one SIM is handed over to a courier on another, with emulated modems; judged by what is heard."""

from __future__ import annotations

import asyncio
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from gateway.demo.judge import judge
from gateway.demo.site import COURIER, SIM_NUMBERS
from gateway.emulator.client import Heard, Say
from gateway.sip.transport import Address
from tests.end_to_end.house import house
from tests.end_to_end.test_reception import music
from tests.fakes.sip_exchange import Phone
from tests.fakes.sip_peer import Peer

CUSTOMER = "+79035550001"
COURIER_HERTZ = 2_000
BLOCK = 160


def tone(path: Path, seconds: float) -> Path:
    time_line = np.arange(int(8_000 * seconds)) / 8_000
    samples = (6_000 * np.sin(2 * np.pi * COURIER_HERTZ * time_line)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(samples.tobytes())
    return path


def moments_of_tone(heard: Heard) -> list[float]:
    """When each block that holds the courier's tone was heard."""
    samples = np.frombuffer(heard.data, dtype="<i2").astype(float)
    blocks = samples[: len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK)
    wave_of = np.exp(-2j * np.pi * COURIER_HERTZ * np.arange(BLOCK) / 8_000)
    strength = 2 * np.abs(blocks @ wave_of) / BLOCK
    return [heard.moment_of(int(number) * BLOCK) for number in np.flatnonzero(strength > 1_500)]


async def up(phone: Phone) -> None:
    answer = await phone.peer.response(180, 183, 200, within=15)
    while answer.status != 200:
        answer = await phone.peer.response(180, 183, 200, within=15)
    phone.tag = answer.recipient.tag or ""
    phone.acknowledge(answer)
    phone.peer.media.use_answer(answer.body)


@pytest.mark.real_time
async def test_a_customer_on_one_sim_hears_the_courier_on_another_as_soon_as_the_phone_hands_over(
    tmp_path: Path,
) -> None:
    """D2, D3."""
    async with house(tmp_path) as stack:
        customer = await stack.emulator.subscriber(CUSTOMER)
        courier = await stack.emulator.subscriber(COURIER, says=[Say(tone(tmp_path / "courier.wav", 20))])
        server = Address("127.0.0.1", stack.site.ports.sip)
        with Peer(server, "101", password=stack.site.phone_password) as desk:
            await desk.register()
            call = await customer.call_in(SIM_NUMBERS["red"])
            invite = await desk.asked("INVITE", within=15)
            desk.respond(invite, 200, "OK", tag="held", body=desk.media.offer())
            await desk.asked("ACK")
            held = Phone(desk, "gateway", invite.call_id, "held", invite.sender.tag or "")
            await call.answered(within=10)
            await held.offer("sendonly")
            await desk.invite("2001", call_id="ask")
            await desk.response(100)
            asking = Phone(desk, "2001", "ask", desk.tag, "", 2)
            courier_call = await courier.next_call(within=15)
            await up(asking)
            await asyncio.sleep(1.0)
            waiting = await call.heard()
            assert moments_of_tone(waiting) == [], "the customer hears nothing of the consultation"
            assert judge(music(1.0), np.frombuffer(waiting.data, dtype="<i2").astype(np.int16)).correlation > 0.9
            asked = time.monotonic()
            held.refer("2001", replaces=asking)
            await desk.response(202)
            await asyncio.sleep(2.0)
            moments = moments_of_tone(await call.heard())
            assert len(moments) > 50, "most of two seconds"
            print(f"from the REFER to the courier's voice at the customer: {1000 * (moments[0] - asked):.0f} ms")
            assert moments[0] - asked < 0.3
            await call.hang_up()
            await courier_call.ended(within=10)
            rows = await stack.ended_calls(2)
            assert sorted(row["cause"] for row in rows) == ["hung-up", "transferred"]
