"""A machine that stands still for some milliseconds: nothing is left in the modem that nobody knows of."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.audio.playout import Playout
from tests.audio.network import Heard, listen, packets
from tests.audio.test_playout import marks, order_heard

SECONDS = 10.0


def stalls(seed: int, *, longest_ms: float) -> list[tuple[float, float]]:
    """About two in three seconds, up to so long."""
    dice = np.random.default_rng(seed)
    begins = np.cumsum(dice.exponential(1.5, 20)) + 1.0
    return [(float(each), float(each + dice.uniform(0.001, longest_ms / 1000))) for each in begins]


def unseen_in_the_end(heard: Heard) -> list[int]:
    return heard.unseen[-60:-30]


@pytest.mark.parametrize("block_frames", [1, 2])
@pytest.mark.parametrize("phase_ms", [0.2, 1, 2, 5, 11, 19.5])
def test_what_the_buffer_believes_to_be_in_the_modem_is_there(seed: int, phase_ms: float, block_frames: int) -> None:
    held = stalls(seed, longest_ms=18)
    sent = packets(marks(int(SECONDS * 50)))
    heard = listen(sent, phase=phase_ms / 1000, block_frames=block_frames, stalls=held, rng=np.random.default_rng(seed))
    print("stalls", held)
    steady = [
        unseen
        for time, unseen in zip(heard.times, heard.unseen, strict=True)
        if not any(start - 0.001 <= time <= stop + 0.061 for start, stop in held)
    ]
    assert len(steady) > 100 / block_frames
    assert set(steady) == {0}


@pytest.mark.parametrize("into_the_read_ms", [0.02, 0.1, 0.18])
def test_a_stream_that_begins_between_a_read_and_its_report_leaves_nothing_unseen(into_the_read_ms: float) -> None:
    sent = packets(marks(100))
    phase = (sent[0][0] - into_the_read_ms / 1000) % 0.020
    heard = listen(sent, phase=phase, report_late=0.0002)
    assert set(unseen_in_the_end(heard)) == {0}
    assert order_heard(heard)[:3] == [1, 2, 3]


@pytest.mark.parametrize("phase_ms", [3, 9])
def test_one_read_that_finds_nothing_because_the_machine_stood_still_costs_no_delay(phase_ms: int) -> None:
    """The packet came in time, this machine did not: what the modem has made up stood for it."""
    sent = packets(marks(400))
    arrival = sent[200][0]
    read = arrival + phase_ms / 1000
    heard = listen(sent, phase=phase_ms / 1000 + 0.0001, stalls=[(arrival - 0.001, read + 0.004)])
    assert heard.playout.counters.underruns == 1
    assert sorted(set(range(1, 401)) - set(order_heard(heard))) == [201]
    before, after = (
        max(depth for time, depth in zip(heard.times, heard.depths, strict=True) if low < time < low + 1.5)
        for low in (2.0, 5.0)
    )
    assert after == before


def test_a_device_whose_owner_keeps_no_deadline_ends_the_stream_by_itself() -> None:
    playout = Playout()
    playout.consumed(0.0)
    assert playout.arrive(marks(1), 0, 0.005)
    for index in range(1, 60):
        assert playout.consumed(index * 0.020) == []
    assert playout.counters.underruns == 26
    assert playout.deadline(1.2) is None
