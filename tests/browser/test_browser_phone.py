"""A phone in Chromium and a courier on an emulated mobile: both are heard, by their tones, in calls both ways."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Page, async_playwright, expect

from gateway.demo.site import COURIER, SIM_NUMBERS, STRANGER
from gateway.emulator.client import RemoteCall
from tests.browser.conftest import CHROMIUM, PanelProcess
from tests.end_to_end.house import House, house
from web.security import SESSION_COOKIE

pytestmark = [pytest.mark.browser, pytest.mark.real_time]

MICROPHONE_HERTZ, MOBILE_HERTZ = 700, 1_100
LOUDEST = """async (seconds) => {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  context.createMediaStreamSource(document.getElementById("phone-audio").srcObject).connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  let best = [-200, 0];
  for (let left = seconds * 20; left > 0; left -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    analyser.getFloatFrequencyData(bins);
    bins.forEach((level, index) => { if (level > best[0]) best = [level, index]; });
  }
  const hertz = best[1] * context.sampleRate / analyser.fftSize;
  await context.close();
  return [best[0], hertz];
}"""
"""The level in dB and the frequency of the strongest that is heard within so many seconds."""


def beeps(path: Path, hertz: int, *, rate: int, seconds: float) -> Path:
    """A tone that is there half of the time: what lasts is taken for noise by browsers."""
    times = np.arange(round(rate * seconds)) / rate
    sound = 9000 * np.sin(2 * np.pi * hertz * times) * ((times * 2.5).astype(int) % 2 == 0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(sound.astype("<i2").tobytes())
    return path


async def strongest(listener: RemoteCall, *, from_second: float) -> tuple[float, float]:
    """The frequency that is heard most on the mobile since then, and its share of all that is heard."""
    sound = np.frombuffer((await listener.heard()).data, dtype="<i2")[round(8000 * from_second) :].astype(float)
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / 8000)
    top = hertz[int(power.argmax())]
    return float(top), float(power[np.abs(hertz - top) < 40].sum() / max(power.sum(), 1.0))


@asynccontextmanager
async def phone_page(stack: House, directory: Path) -> AsyncIterator[tuple[Page, list[str], PanelProcess]]:
    """The phone's page in Chromium, which has a microphone, for the owner who has signed in; and its complaints."""
    microphone = await asyncio.to_thread(beeps, directory / "mic.wav", MICROPHONE_HERTZ, rate=48_000, seconds=8)
    token = stack.api._http.headers["Authorization"].removeprefix("Bearer ")
    arguments = [
        "--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}",
    ]  # fmt: skip
    panel = PanelProcess(f"http://127.0.0.1:{stack.site.ports.api}")
    await asyncio.to_thread(panel.__enter__)
    try:
        async with async_playwright() as playwright:
            chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
            context = await chromium.new_context(permissions=["microphone"], locale="en")
            await context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": panel.url}])
            page = await context.new_page()
            complaints: list[str] = []
            page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda fault: complaints.append(str(fault)))
            await page.goto(f"{panel.url}/phone")
            yield page, complaints, panel
            await chromium.close()
    finally:
        await asyncio.to_thread(panel.__exit__)


async def state(page: Page, word: str, *, within: float = 15.0) -> None:
    """The page says so."""
    await expect(page.locator(".handset")).to_have_attribute("data-state", word, timeout=within * 1000)


async def mobile_is_heard(page: Page) -> None:
    """What the mobile says comes out of the browser."""
    level, hertz = await page.evaluate(LOUDEST, 1.5)
    assert level > -60
    assert hertz == pytest.approx(MOBILE_HERTZ, abs=20)


async def microphone_is_heard(mobile: RemoteCall) -> None:
    """What the microphone takes is heard on the mobile."""
    begun = len((await mobile.heard()).data) / 16_000
    await asyncio.sleep(2)
    hertz, share = await strongest(mobile, from_second=begun)
    assert hertz == pytest.approx(MICROPHONE_HERTZ, abs=10)
    assert share > 0.5


async def test_a_browser_calls_a_courier_holds_and_is_called(tmp_path: Path) -> None:
    async with house(tmp_path / "site") as stack, phone_page(stack, tmp_path) as (page, complaints, panel):
        says = await asyncio.to_thread(beeps, tmp_path / "mobile.wav", MOBILE_HERTZ, rate=8_000, seconds=30)
        courier = await stack.emulator.subscriber(COURIER, when_called="manual")
        await page.click("#phone-power")
        await state(page, "ready")

        await page.fill("#phone-number", "2001")
        await page.click("#phone-call")
        mobile = await courier.next_call(within=10)
        await state(page, "ringing")
        await mobile.answer()
        await state(page, "talking")
        await mobile.speak(says, wait=False)
        await microphone_is_heard(mobile)
        await mobile_is_heard(page)
        await page.click("#phone-keys [data-key='5']")
        await page.click("#phone-keys [data-key='#']")
        await asyncio.sleep(1.5)
        assert [key for _, key in (await mobile.facts()).keys] == ["5", "#"]
        await page.click("#phone-hold")
        await state(page, "waiting")
        await page.click("#phone-hold")
        await state(page, "talking")
        await microphone_is_heard(mobile)
        await mobile_is_heard(page)
        await page.click("#phone-mute")
        begun = len((await mobile.heard()).data) / 16_000
        await asyncio.sleep(1)
        _, share = await strongest(mobile, from_second=begun + 0.5)
        assert share < 0.5 or await is_quiet(mobile, from_second=begun + 0.5)
        await mobile.hang_up()
        await state(page, "ended")

        stranger = await stack.emulator.subscriber(STRANGER, when_called="manual")
        caller = await stranger.call_in(SIM_NUMBERS["red"])
        await state(page, "incoming", within=20)
        await page.click("#phone-answer")
        await state(page, "talking")
        await caller.speak(says, wait=False)
        await microphone_is_heard(caller)
        await mobile_is_heard(page)
        await page.click("#phone-hang-up")
        await caller.ended(within=10)

        # The panel begins anew, as after an upgrade: the window was left open, and is a phone again by itself.
        assert complaints == []
        await asyncio.to_thread(panel.__exit__)
        await state(page, "away")
        await asyncio.to_thread(panel.begin_anew)
        await state(page, "ready", within=40)
        complaints.clear()
        await page.click("#phone-off")
        await state(page, "offline")
        await stack.api.until(
            "/snapshot", lambda answer: not any(each["contacts"] for each in answer["phones"]), within=10
        )
        assert complaints == []
        rows = await stack.ended_calls(2)
        assert [row["cause"] for row in rows[:2]] == ["hung-up", "hung-up"]


async def is_quiet(listener: RemoteCall, *, from_second: float) -> bool:
    """Nothing is heard but the faintest."""
    sound = np.frombuffer((await listener.heard()).data, dtype="<i2")[round(8000 * from_second) :].astype(float)
    return float(np.abs(sound).mean()) < 60
