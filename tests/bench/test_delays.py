"""The bench measures what it says: delays that are put in by hand come out, in either direction."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gateway.emulator.client import VoiceStamps
from tests.bench.delays import FRAME, Stream, as_heard, trace
from tests.bench.strain import Late
from tests.bench.voices import Samples, speech_like

FRAMES = 150
BEGIN = 1000.0


def _blocks(samples: Samples, size: int, moments: list[float]) -> Stream:
    return Stream(samples.tobytes(), [(at, 2 * size) for at in moments])


def _said(samples: Samples, phase: float = 0.0) -> Stream:
    return _blocks(samples, FRAME, [BEGIN + phase + 0.020 * each for each in range(len(samples) // FRAME)])


def test_the_delay_of_each_frame_is_found() -> None:
    voice = speech_like(FRAMES * 0.020, seed=1)
    late = [BEGIN + 0.020 * each + 0.001 * (each % 7) for each in range(FRAMES)]
    traced = trace(_said(voice), _blocks(voice, FRAME, late), BEGIN, BEGIN + 60)
    assert traced.missing == 0
    assert traced.at_port_ms == pytest.approx([each % 7 for each in range(FRAMES)], abs=0.01)


def test_silence_and_other_sound_before_it_do_not_matter() -> None:
    voice = speech_like(FRAMES * 0.020, seed=1)
    lead = speech_like(0.35, seed=2)
    heard = np.concatenate((lead, voice))
    stamps = [(BEGIN, 2 * len(lead)), *((BEGIN + 0.020 * each + 0.003, 2 * FRAME) for each in range(FRAMES))]
    traced = trace(_said(voice), Stream(heard.tobytes(), stamps), BEGIN, BEGIN + 60)
    assert traced.missing == 0
    assert traced.at_port_ms == pytest.approx(np.full(FRAMES, 3.0), abs=0.01)


def test_what_was_replaced_is_missing_and_what_follows_is_found() -> None:
    voice = speech_like(FRAMES * 0.020, seed=3)
    heard = voice.copy()
    heard[20 * FRAME : 30 * FRAME] = 0
    # Ten milliseconds are put in after the hole: all that follows comes so much later.
    heard = np.concatenate((heard[: 40 * FRAME], np.zeros(80, np.int16), heard[40 * FRAME :]))[: len(voice)]
    moments = [BEGIN + 0.020 * each for each in range(FRAMES)]
    traced = trace(_said(voice), _blocks(heard, FRAME, moments), BEGIN, BEGIN + 60)
    assert 10 <= traced.missing <= 16
    assert all(each.place in (round((each.sent_at - BEGIN) * 8000), round((each.sent_at - BEGIN) * 8000) + 80)
               for each in traced.found)  # fmt: skip
    assert traced.found[-1].place % FRAME == 80


def test_only_what_was_said_between_the_two_moments_counts() -> None:
    voice = speech_like(FRAMES * 0.020, seed=4)
    traced = trace(_said(voice), _said(voice, 0.005), BEGIN + 1.0, BEGIN + 2.0)
    assert len(traced.found) == 50
    assert all(BEGIN + 1.0 <= each.sent_at < BEGIN + 2.0 for each in traced.found)


def _consumed(voice: Samples, block_frames: int, first_read: float) -> VoiceStamps:
    """What a modem notes that reads blocks, each of it full, from `first_read` on."""
    size = 2 * FRAME * block_frames
    blocks = len(voice) // (FRAME * block_frames)
    return VoiceStamps(
        arrived=[], delivered=[], arrived_data=voice.tobytes(), delivered_data=b"", dropped_bytes=0, refused_bytes=0,
        consumed=[(first_read + 0.020 * block_frames * each,) * 2 + (0, size * each) for each in range(blocks)],
        consumed_data=voice.tobytes(),
    )  # fmt: skip


@pytest.mark.parametrize("phase_ms", [1, 7, 19])
def test_a_frame_that_is_read_at_once_waits_for_the_read_alone(phase_ms: int) -> None:
    voice = speech_like(FRAMES * 0.020, seed=5)
    traced = trace(_said(voice), _said(voice), BEGIN, BEGIN + 60)
    heard = as_heard(traced, _consumed(voice, 1, BEGIN + phase_ms / 1000))
    assert heard.wait_ms == pytest.approx(np.full(len(heard.wait_ms), float(phase_ms)), abs=0.01)
    assert heard.above_ms == pytest.approx(np.zeros(len(heard.wait_ms)), abs=0.01)


@pytest.mark.parametrize("phase_ms", [1, 7, 19])
def test_a_read_of_two_frames_makes_the_first_of_them_wait_for_the_second(phase_ms: int) -> None:
    voice = speech_like(FRAMES * 0.020, seed=6)
    traced = trace(_said(voice), _said(voice), BEGIN, BEGIN + 60)
    heard = as_heard(traced, _consumed(voice, 2, BEGIN + 0.020 + phase_ms / 1000))
    assert heard.wait_ms == pytest.approx(np.full(len(heard.wait_ms), 20.0 + phase_ms), abs=0.01)
    assert heard.above_ms == pytest.approx(np.zeros(len(heard.wait_ms)), abs=0.01)


def test_a_buffer_of_one_frame_is_above_the_wait() -> None:
    voice = speech_like(FRAMES * 0.020, seed=7)
    traced = trace(_said(voice), _said(voice), BEGIN, BEGIN + 60)
    heard = as_heard(traced, _consumed(voice, 1, BEGIN + 0.025))
    assert heard.above_ms[1:] == pytest.approx(np.full(len(heard.wait_ms) - 1, 20.0), abs=0.01)


def test_how_late_99_of_100_were_is_told_from_two_looks() -> None:
    before = Late({0.001: 50, 0.005: 60, float("inf"): 60}, 0.004)
    assert math.isnan(before.p99_ms(before)), "nothing was due"
    calm = Late({0.001: 149, 0.005: 160, float("inf"): 160}, 0.004)
    assert calm.p99_ms(before) == pytest.approx(1.0), "99 of 100 at once, one within 5 ms"
    late = Late({0.001: 148, 0.005: 160, float("inf"): 160}, 0.004)
    assert late.p99_ms(before) == pytest.approx(4.0), "no later than the worst ever was"
