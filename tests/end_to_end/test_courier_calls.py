"""A courier's calls over whole processes and emulated modems: by keys, by an app, by the prompt, by SMS (B1, B4, B7).

Everybody speaks a tone of its own, so that who hears whom is told by frequencies, and every number that reached a modem
is compared with those that may have.
"""

from __future__ import annotations

import asyncio
import re
import time
import wave
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from gateway.demo.site import COURIER, PIN, SIM_NUMBERS, STRANGER
from gateway.emulator.client import Heard, RemoteCall, RemotePhone, RemotePhoneCall, RemoteSubscriber
from tests.end_to_end.house import House, house
from tests.end_to_end.test_couriers import dialled
from tests.end_to_end.test_reception import hears_prompt

pytestmark = [pytest.mark.interop, pytest.mark.real_time]

RATE = 8_000
DESK, MOBILE, STORE, CUSTOMER = 500, 2_000, 2_600, 3_100
"""The tones, none of which is near one of a key."""
LOUD = 1_000
PASSWORDS = {"102": "eight-long-words-102", "2001": "eight-long-words-2001"}


def by_one_sim(shop: str) -> str:
    """The courier is called by red alone and has an app; green asks for an extension; SMS are heard."""
    shop = shop.replace('lines = ["red", "green", "blue"]', 'lines = ["red"]')
    shop = shop.replace(f'pin = "{PIN}"\n', f'pin = "{PIN}"\nby_sms = true\napp_seconds = 3\n')
    shop = re.sub(r'(name = "green"\n)', r"\1asks_extension = true\n", shop)
    phones = "".join(f'[[phones]]\nextension = "{each}"\npassword = "{word}"\n' for each, word in PASSWORDS.items())
    return shop.replace("[[couriers]]", phones + "[[couriers]]")


class Listener(Protocol):
    """A party of the emulator's, at a mobile or at a SIP phone."""

    async def heard(self) -> Heard:
        """All that it heard."""


def tone(directory: Path, hertz: int, seconds: float = 60) -> Path:
    path = directory / f"{hertz}.wav"
    samples = (6_000 * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


def tones_in(samples: bytes) -> set[int]:
    """Which of the parties' tones are in it."""
    sound = np.frombuffer(samples, dtype="<i2").astype(float)
    at = np.arange(len(sound)) / RATE
    tones = (DESK, MOBILE, STORE, CUSTOMER)
    return {
        each for each in tones if len(sound) and 2 * abs(np.exp(-2j * np.pi * each * at) @ sound) / len(sound) > LOUD
    }


async def hears(listener: Listener, *tones: int, within: float = 10.0) -> None:
    """The last 400 ms hold exactly these."""
    found: set[int] | None = None
    try:
        async with asyncio.timeout(within):
            while found != set(tones):
                if found is not None:
                    await asyncio.sleep(0.1)
                found = tones_in((await listener.heard()).data[-int(0.8 * RATE) :])
    except TimeoutError:
        pytest.fail(f"heard {found} and not {sorted(tones)}")


def level(samples: bytes) -> float:
    return float(np.abs(np.frombuffer(samples, dtype="<i2").astype(float)).mean()) if samples else 0.0


async def registered(stack: House, extension: str) -> RemotePhone:
    password = PASSWORDS.get(extension, stack.site.phone_password)
    phone = await stack.emulator.phone(extension, password, port=stack.site.ports.sip)
    await phone.register()
    return phone


async def picked_up(phone: RemotePhone, voice: Path) -> RemotePhoneCall:
    call = await phone.incoming(within=15)
    await call.answer()
    await call.speak(voice, wait=False)
    return call


async def keys(mobile: RemoteCall, code: str, voice: Path) -> None:
    """The courier is silent while pressing, and speaks again."""
    await mobile.hush()
    await mobile.press(code)
    await asyncio.sleep(0.2 * len(code) + 0.3)
    await mobile.speak(voice, wait=False)


async def at_the_mobile(courier: RemoteSubscriber, *, within: float = 30.0) -> RemoteCall:
    call = await courier.next_call(within=within)
    await call.answered(within=15)
    return call


async def test_the_codes_of_a_courier_are_heard_to_work(tmp_path: Path) -> None:
    """Flow G: `**1` and back, `**3`, `**4`, `**2`, each judged at all ends; nothing is dialled for any of them."""
    (tmp_path / "tones").mkdir()
    desk_says, mobile_says, store_says = (tone(tmp_path / "tones", each) for each in (DESK, MOBILE, STORE))
    async with house(tmp_path / "site", shop=by_one_sim) as stack:
        front, store = await registered(stack, "101"), await registered(stack, "102")
        courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.2)
        desk = await front.call("2001")
        mobile = await at_the_mobile(courier)
        await desk.answered(within=10)
        await desk.speak(desk_says, wait=False)
        await mobile.speak(mobile_says, wait=False)
        await hears(desk, MOBILE)
        await hears(mobile, DESK)

        await keys(mobile, "**1", mobile_says)
        await hears(desk)
        assert level((await desk.heard()).data[-RATE:]) > 50, "who waits hears music"
        await keys(mobile, "**1", mobile_says)
        await hears(desk, MOBILE)
        await hears(mobile, DESK)

        await keys(mobile, "**4", mobile_says)
        await _recording_pauses(stack, paused=True)
        paused_at = time.time()
        await hears(desk, MOBILE)
        await asyncio.sleep(1.5)
        resumed_at = time.time()
        await keys(mobile, "**4", mobile_says)
        await _recording_pauses(stack, paused=False)

        await keys(mobile, "**3102#", mobile_says)
        third = await picked_up(store, store_says)
        await hears(third, DESK, MOBILE)
        await hears(desk, MOBILE, STORE)
        await hears(mobile, DESK, STORE)
        await third.hang_up()
        await hears(desk, MOBILE)

        await mobile.hush()
        await mobile.press("**2102#")
        other = await picked_up(store, store_says)
        await mobile.ended(within=10)
        await hears(desk, STORE)
        await hears(other, DESK)
        await desk.hang_up()
        (row,) = await stack.ended_calls(1)
        assert (row["called"], row["courier"]) == ("2001", "2001")
        await _is_silent(stack, row, paused_at, resumed_at, tmp_path / "recording.wav")
        assert await dialled(stack) == [f"ATD{COURIER};"]


async def _recording_pauses(stack: House, *, paused: bool) -> None:
    def is_so(snapshot: Any) -> bool:
        return [call["recording_paused"] for call in snapshot["calls"]] == [paused]

    await stack.api.until("/snapshot", is_so, within=10)


async def _is_silent(stack: House, row: dict[str, Any], since: float, until: float, file: Path) -> None:
    """Between these moments the recording holds nothing, and before them voices."""
    (recording,) = row["recordings"]
    await stack.api.save(f"/recordings/{recording['id']}", file)
    with wave.open(str(file)) as sound:
        data = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").reshape(-1, 2)
    began = datetime.fromisoformat(recording["started_at"]).timestamp()
    first, last = (int((moment - began) * RATE) for moment in (since + 0.5, until - 0.3))
    assert last - first > RATE // 2
    assert not data[first:last].any(), "card data would be in the recording"
    assert data[: first - RATE].any()


async def test_2001_is_reached_by_prompt_app_and_sms_and_a_customer_on_the_only_sim_is_not_lost(tmp_path: Path) -> None:
    """B1, B4, flows D, G and H: what each of them hears, and every byte that was dialled for it."""
    (tmp_path / "tones").mkdir()
    mobile_says, customer_says = tone(tmp_path / "tones", MOBILE), tone(tmp_path / "tones", CUSTOMER)
    async with house(tmp_path / "site", shop=by_one_sim) as stack:
        front, app = await registered(stack, "101"), await registered(stack, "2001")
        courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.2)
        customer = await stack.emulator.subscriber(STRANGER, when_called="answer", ring_seconds=0.2)
        expected = [f"ATD{COURIER};"]

        # Follow-me: the app rings, then the mobile.
        desk = await front.call("2001")
        at_app = await app.incoming(within=10)
        assert await dialled(stack) == []
        mobile = await at_the_mobile(courier)
        await at_app.ended(within=5)
        await desk.hang_up()
        await mobile.ended(within=10)
        await app.unregister()

        # A stranger dials 2001 at the prompt.
        calling = await customer.call_in(SIM_NUMBERS["green"])
        await calling.answered(within=15)
        await hears_prompt(calling, "enter-extension", within=10)
        await calling.press("2001#")
        mobile = await at_the_mobile(courier)
        await mobile.speak(mobile_says, wait=False)
        await calling.speak(customer_says, wait=False)
        await hears(calling, MOBILE)
        await hears(mobile, CUSTOMER)
        await calling.hang_up()
        await mobile.ended(within=10)
        expected += [f"ATD{COURIER};"]

        # The customer of an order has called the only SIM that leads to the courier.
        await stack.api.post("/orders", {"number": "1001", "phone": STRANGER, "courier": "2001"})
        calling = await customer.call_in(SIM_NUMBERS["red"])
        await hears_prompt(calling, "courier-told", within=15)
        await calling.ended(within=10)
        await _joined_by_order(courier, customer, mobile_says, customer_says)
        expected += [f"ATD{COURIER};", f"ATD{STRANGER};"]
        (text,) = await courier.messages(at_least=1, within=20)
        assert "1001" in text["text"]
        assert STRANGER[-7:] not in text["text"]

        # The courier writes 1001.
        await stack.emulator.send_sms(COURIER, SIM_NUMBERS["blue"], " 1001 ")
        await _joined_by_order(courier, customer, mobile_says, customer_says)
        expected += [f"ATD{COURIER};", f"ATD{STRANGER};"]
        assert sorted(await dialled(stack)) == sorted(expected)


async def _joined_by_order(
    courier: RemoteSubscriber, customer: RemoteSubscriber, mobile_says: Path, customer_says: Path
) -> None:
    """The courier is rung, hears that it is about an order, presses 1, and talks to the customer; then all is over."""
    mobile = await at_the_mobile(courier)
    await hears_prompt(mobile, "order", within=15)
    await mobile.press("1")
    called = await customer.next_call(within=15)
    await called.answered(within=15)
    await mobile.speak(mobile_says, wait=False)
    await called.speak(customer_says, wait=False)
    await hears(called, MOBILE)
    await hears(mobile, CUSTOMER)
    await called.hang_up()
    await mobile.ended(within=10)
