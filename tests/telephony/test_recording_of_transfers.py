"""One file for a call whose parties change: what is said on hold is silence, the new party follows on the same side."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio.bridge import Bridge
from gateway.audio.frame import FRAME_SECONDS, SILENCE
from gateway.audio.recording_writer import RecordingWriter
from gateway.clock import utc_now
from gateway.events import Event, RecordingFinished, RecordingPaused, RecordingResumed
from gateway.telephony.recording import CallRecordings
from tests.fakes.legs import FakePort


async def say(seconds: float, *voices: tuple[FakePort, int]) -> None:
    """Each port says frames of one constant value, paced as a wire paces them."""
    for _ in range(round(seconds / FRAME_SECONDS)):
        await asyncio.sleep(FRAME_SECONDS)
        for port, value in voices:
            port.speak(SILENCE + value)


async def test_hold_is_silence_and_the_new_party_is_on_the_side_of_the_old_one(tmp_path: Path) -> None:
    events: list[Event] = []
    customer, agent, expert = FakePort(), FakePort(), FakePort()
    loop = asyncio.get_running_loop()
    with RecordingWriter(lambda _trouble: None) as writer:
        recordings = CallRecordings(directory=tmp_path, writer=writer, publish=events.append, clock=utc_now)
        first = Bridge(customer, agent, loop.time)
        recording = recordings.begin(call_id="c", bridge=first)
        await say(0.6, (customer, 1_000), (agent, 2_000))
        recording.pause()
        await say(0.6, (customer, 3_000), (agent, 4_000))
        first.stop()
        second = Bridge(customer, expert, loop.time)
        recording.follow(second)
        await say(0.6, (customer, 5_000), (expert, 6_000), (agent, 7_000))
        recording.stop()
        recording.stop()
        second.stop()
    await asyncio.sleep(0.1)
    (finished,) = [event for event in events if isinstance(event, RecordingFinished)]
    left, right = _channels(tmp_path / finished.path)
    assert finished.seconds == pytest.approx(1.8, abs=0.02)
    assert _values(left) == {0, 1_000, 5_000}
    assert _values(right) == {0, 2_000, 6_000}
    assert (left == 5_000).sum() == pytest.approx(4_800, abs=320)
    assert (right == 6_000).sum() == pytest.approx(4_800, abs=320)


async def test_card_data_is_silence_of_the_same_length_through_hold_and_transfer(tmp_path: Path) -> None:
    events: list[Event] = []
    customer, agent, expert = FakePort(), FakePort(), FakePort()
    loop = asyncio.get_running_loop()
    with RecordingWriter(lambda _trouble: None) as writer:
        recordings = CallRecordings(directory=tmp_path, writer=writer, publish=events.append, clock=utc_now)
        first = Bridge(customer, agent, loop.time)
        recording = recordings.begin(call_id="c", bridge=first)
        await say(0.4, (customer, 1_000), (agent, 2_000))
        recording.pause_for_card()
        recording.pause_for_card()
        await say(0.4, (customer, 666), (agent, 666))
        recording.pause()
        await say(0.2, (customer, 666), (agent, 666))
        recording.resume()  # the hold is over, the card data is not
        await say(0.2, (customer, 666), (agent, 666))
        first.stop()
        second = Bridge(customer, expert, loop.time)
        recording.follow(second)
        await say(0.2, (customer, 666), (expert, 666))
        recording.resume_after_card()
        recording.resume_after_card()
        await say(0.4, (customer, 5_000), (expert, 6_000))
        recording.pause_for_card()
        await say(0.2, (customer, 666), (expert, 666))
        recording.stop()
        second.stop()
    await asyncio.sleep(0.1)
    (finished,) = [event for event in events if isinstance(event, RecordingFinished)]
    left, right = _channels(tmp_path / finished.path)
    assert finished.seconds == pytest.approx(2.0, abs=0.02)
    assert _values(left) == {0, 1_000, 5_000}
    assert _values(right) == {0, 2_000, 6_000}
    pauses = [event.seconds for event in events if isinstance(event, (RecordingPaused, RecordingResumed))]
    assert pauses == pytest.approx([0.4, 1.4, 1.8, 2.0], abs=0.02)
    (spoken,) = np.flatnonzero(left == 5_000)[:1]
    assert spoken / 8_000 == pytest.approx(1.4, abs=0.04)


def _channels(path: Path) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    return samples[0::2], samples[1::2]


def _values(samples: NDArray[np.int16]) -> set[int]:
    return {int(value) for value in np.unique(samples)}
