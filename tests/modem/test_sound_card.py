"""Voice over a sound card: on a fake card with a clock, xruns and wrong parameters; and what the real library says.

No card was at hand: what only a real one can show is in tests/hardware.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from gateway.audio.device_clock import Steadiness
from gateway.audio.frame import FRAME_SAMPLES, Frame
from gateway.audio.twice import Doubler, Halver
from gateway.errors import ModemLost, PortBusy, SoundCardUnusable
from gateway.modem.voice.alsa_uac import MOST_QUEUED_FRAMES, AlsaVoice
from gateway.modem.voice.libasound import LibAsound
from gateway.modem.voice.sound_card import CardGone, CardXrun, Flow
from gateway.modem.voice.tty_pcm import TtyPcmPort
from tests.fakes.sound_card import FakeCard

NAME = "hw:CARD=Android,DEV=0"
Samples = np.ndarray[tuple[int], np.dtype[np.int16]]


def tone(start: int, count: int, *, rate: int = 8000, hertz: float = 1000.0) -> Samples:
    return (8000 * np.sin(2 * math.pi * hertz * np.arange(start, start + count) / rate)).astype(np.int16)


def signal_to_noise_db(samples: Samples, *, rate: int = 8000, hertz: float = 1000.0) -> float:
    """Of a tone: what is left beside the best fit of its frequency."""
    time = np.arange(len(samples)) / rate
    basis = np.stack((np.sin(2 * math.pi * hertz * time), np.cos(2 * math.pi * hertz * time)), axis=1)
    fitted = basis @ np.linalg.lstsq(basis, samples.astype(float), rcond=None)[0]
    noise = samples - fitted
    return float(10 * np.log10(np.mean(fitted**2) / max(np.mean(noise**2), 1e-9)))


def running(card: FakeCard) -> bool:
    """Whether either direction runs."""
    return any(pcm is not None and pcm.is_running for pcm in (card.capture, card.playback))


class Lost:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@asynccontextmanager
async def a_call(card: FakeCard, lost: Lost) -> AsyncIterator[tuple[AlsaVoice, TtyPcmPort, list[Frame]]]:
    """A call on that card; what the party says is collected."""
    voice = AlsaVoice(NAME, lost, Steadiness(), card)
    await voice.open()
    port = TtyPcmPort(voice, block_frames=1)
    said: list[Frame] = []
    port.listen(lambda frame, _position: said.append(frame))
    port.open()
    try:
        yield voice, port, said
    finally:
        port.close()
        voice.close()


class Speaker:
    """Somebody who says a tone, frame by frame, by a clock of his own."""

    def __init__(self, port: TtyPcmPort, ppm: float = 0.0) -> None:
        self._port = port
        self._period = 0.02 / (1 + ppm * 1e-6)

    async def speak(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(int(seconds / 0.02)):
            self._port._write(tone(number * FRAME_SAMPLES, FRAME_SAMPLES), number * FRAME_SAMPLES)
            await asyncio.sleep(max(0.0, began + (number + 1) * self._period - loop.time()))


@pytest.mark.parametrize("rate", [8000, 16000])
async def test_both_directions_pass_at_either_rate(rate: int) -> None:
    """X-M10: 40 dB each way."""
    card = FakeCard(rates=(rate,), says=lambda start, count: tone(start, count, rate=rate))
    lost = Lost()
    async with a_call(card, lost) as (voice, port, said):
        assert voice.rate == rate
        await asyncio.sleep(0.1)
        await Speaker(port).speak(4.0)
        heard = np.concatenate(card.heard[25:])
        assert signal_to_noise_db(np.concatenate(said[25:])) > 40
        assert signal_to_noise_db(heard[: rate * 3], rate=rate) > 40
        assert voice.xruns == 0
        assert port.counters.frames_in >= 200
    assert lost.times == 0


async def test_a_card_runs_during_calls_only_and_nothing_of_the_last_call_is_left() -> None:
    card = FakeCard(says=tone)
    voice = AlsaVoice(NAME, Lost(), Steadiness(), card)
    await voice.open()
    for _ in range(2):
        assert not running(card)
        port = TtyPcmPort(voice, block_frames=1)
        port.open()
        await asyncio.sleep(0.5)
        assert running(card)
        assert port.counters.frames_in == 24
        port.close()
        assert not running(card)
    voice.close()
    voice.close()


async def test_a_card_that_has_run_out_goes_on_and_gives_the_delay_back() -> None:
    """Ten stalls of a quarter of a second each: the card runs dry, plays on, and never holds more than its bound."""
    card = FakeCard(says=tone)
    async with a_call(card, Lost()) as (voice, port, said):
        await asyncio.sleep(0.1)
        assert card.capture is not None
        assert card.playback is not None
        for _ in range(10):
            await Speaker(port).speak(0.5)
            card.capture.stalls = True
            await asyncio.sleep(0.25)
            card.capture.stalls = False
        assert voice.xruns >= 10
        card.heard.clear()
        said.clear()
        await Speaker(port).speak(3.0)
        assert card.playback.queued() <= (MOST_QUEUED_FRAMES + 1) * FRAME_SAMPLES
        assert len(said) >= 145
        assert signal_to_noise_db(np.concatenate(card.heard[75:125])) > 40


@pytest.mark.parametrize("ppm", [-5000.0, 5000.0])
async def test_a_clock_that_is_half_a_percent_off(ppm: float) -> None:
    """X-M9: a quarter of a minute, no burst of xruns, the buffer bounded."""
    card = FakeCard(says=tone, ppm=ppm)
    most = 0
    async with a_call(card, Lost()) as (voice, port, _said):
        await asyncio.sleep(0.1)
        assert card.playback is not None
        speaking = asyncio.create_task(Speaker(port).speak(15.0))
        for _ in range(150):
            await asyncio.sleep(0.1)
            most = max(most, card.playback.queued())
        await speaking
        assert voice.xruns <= 3
        assert most <= (MOST_QUEUED_FRAMES + 1) * FRAME_SAMPLES


async def test_a_card_that_is_pulled_out_is_reported_once() -> None:
    card, lost = FakeCard(says=tone), Lost()
    async with a_call(card, lost) as (voice, port, _said):
        await asyncio.sleep(0.2)
        card.pull_out()
        port._write(tone(0, FRAME_SAMPLES), 0)
        await asyncio.sleep(0.2)
        assert not voice.is_open
        assert lost.times == 1


async def test_wrong_parameters_are_one_sentence() -> None:
    with pytest.raises(
        SoundCardUnusable, match=r"The sound card hw:.* cannot be used: 16000 Hz, mono, 16 bit is wanted"
    ):
        await AlsaVoice(NAME, Lost(), Steadiness(), FakeCard(rates=(44100, 48000))).open()
    with pytest.raises(SoundCardUnusable, match="2 channels, 48000 to 48000 Hz"):
        await AlsaVoice(NAME, Lost(), Steadiness(), FakeCard(rates=(48000,), channels=2)).open()
    with pytest.raises(PortBusy, match="Another program holds the sound card"):
        await AlsaVoice(NAME, Lost(), Steadiness(), FakeCard(is_busy=True)).open()
    with pytest.raises(ModemLost, match="No such device"):
        await AlsaVoice(NAME, Lost(), Steadiness(), FakeCard(is_there=False)).open()
    with pytest.raises(SoundCardUnusable, match="named as hardware"):
        await AlsaVoice("plughw:0", Lost(), Steadiness(), FakeCard()).open()


def test_the_rates_are_tried_in_order_and_both_ways_at_the_same_one() -> None:
    card = FakeCard(rates=(16000,))
    asyncio.run(_open_and_close(card))
    assert card.opened == [
        (NAME, Flow.CAPTURE, 8000),
        (NAME, Flow.CAPTURE, 16000),
        (NAME, Flow.PLAYBACK, 16000),
    ]


async def _open_and_close(card: FakeCard) -> None:
    voice = AlsaVoice(NAME, Lost(), Steadiness(), card)
    await voice.open()
    voice.close()


def test_the_real_library_takes_our_calls() -> None:
    """libasound itself, on its own device that swallows everything: opened, set up, started, read, written, closed."""
    capture = LibAsound().open("null", Flow.CAPTURE, 8000)
    playback = LibAsound().open("null", Flow.PLAYBACK, 16000)
    try:
        assert capture.parameters.rate == 8000
        assert capture.parameters.period == 160
        assert playback.parameters.period == 320
        capture.start()
        playback.start()
        assert capture.descriptor >= 0
        assert len(capture.read()) % 2 == 0
        assert playback.write(bytes(640)) == 640
        assert playback.queued() >= 0
        capture.stop()
    finally:
        capture.close()
        playback.close()
        playback.close()


def test_the_real_library_says_that_there_is_no_such_card() -> None:
    with pytest.raises(CardGone):
        LibAsound().open("hw:CARD=ThereIsNone,DEV=0", Flow.CAPTURE, 8000)


def test_halving_and_doubling_keep_a_voice_and_drop_what_is_above() -> None:
    wide = tone(0, 16000, rate=16000)
    halver = Halver()
    pieces = np.concatenate([halver.feed(wide[start : start + 321]) for start in range(0, 16000, 321)])
    assert len(pieces) == 8000
    assert signal_to_noise_db(pieces[400:]) > 45
    above = Halver().feed(tone(0, 16000, rate=16000, hertz=6000.0))
    assert np.sqrt(np.mean(above[400:].astype(float) ** 2)) < 8000 / math.sqrt(2) / 100
    doubler = Doubler()
    doubled = np.concatenate([doubler.feed(tone(start, 160)) for start in range(0, 8000, 160)])
    assert len(doubled) == 16000
    assert signal_to_noise_db(doubled[800:], rate=16000) > 45


def test_an_xrun_is_told_apart_from_a_loss() -> None:
    assert not issubclass(CardXrun, CardGone)
