"""Keeping sound in hand for the stalls of the machine, and only for them."""

from __future__ import annotations

import numpy as np

from gateway.audio.device_clock import Steadiness
from gateway.audio.frame import FRAME_SAMPLES, FRAME_SECONDS, Frame
from gateway.audio.playout import Playout

START = 100.0


def settled(*stalls: tuple[float, float]) -> Steadiness:
    """A machine with these stalls (seconds ago, seconds late)."""
    steadiness = Steadiness()
    for ago, late in sorted(stalls, reverse=True):
        steadiness.note(late, START - ago)
    return steadiness


def test_a_machine_that_has_shown_no_stall_is_trusted() -> None:
    steadiness = Steadiness()
    assert steadiness.expected(START) == 0
    steadiness.note(0.001, START)
    assert steadiness.expected(START) == 0, "what timers are late by as a habit is no stall"


def test_what_came_twice_counts_until_it_is_old() -> None:
    steadiness = settled((8, 0.015), (5, 0.030), (2, 0.012))
    assert steadiness.expected(START) == 0.015
    assert steadiness.expected(START + Steadiness.WINDOW_SECONDS - 7) == 0.012
    assert steadiness.expected(START + Steadiness.WINDOW_SECONDS - 4) == 0.0, "one alone is none to reckon with"


def test_all_ports_that_are_hit_at_once_tell_of_one_stall() -> None:
    steadiness = settled(*((5 - port * 0.01, 0.010 + port * 0.001) for port in range(8)))
    assert steadiness.expected(START) == 0.0
    steadiness.note(0.012, START)
    assert steadiness.expected(START) == 0.012
    steadiness.note(0.040, START + 0.02)
    assert steadiness.expected(START + 0.02) == 0.017, "the worst of what one stall held up is that stall"


def missing_reads(steadiness: Steadiness, stall: float, phase: float = 0.013) -> tuple[int, float]:
    """Reads of the device that found nothing when the sender was held up once, and the mean depth before that.

    Packets come `phase` seconds after a read.
    """
    playout = Playout(steadiness=steadiness)
    fill, missing, depths = 0, 0, []
    frame: Frame = np.zeros(FRAME_SAMPLES, dtype=np.int16)
    events = [(START + index * FRAME_SECONDS, "read", index) for index in range(400)]
    for index in range(400):
        sent = START + phase + index * FRAME_SECONDS
        held_up = START + 5.995 + phase <= sent < START + 5.995 + phase + stall
        events.append((sent + stall if held_up else sent, "packet", index))
    for now, what, index in sorted(events):
        if what == "read":
            missing += fill == 0 and index > 10
            fill = max(0, fill - 1)
            fill += len(playout.consumed(now))
        else:
            if now < START + 6.0:
                depths.append(fill)
            fill += len(playout.arrive(frame, index * FRAME_SAMPLES, now))
    return missing, float(np.mean(depths[50:]))


def test_a_steady_machine_keeps_nothing_in_hand() -> None:
    missing, depth = missing_reads(settled(), stall=0.0)
    assert missing == 0
    assert depth == 0


def test_a_machine_with_stalls_rides_over_the_next_one() -> None:
    missing, depth = missing_reads(settled((50, 0.018), (5, 0.018)), stall=0.016)
    assert missing == 0
    assert 0.9 <= depth <= 1.1
    assert missing_reads(settled(), stall=0.016)[0] == 1, "without it, the same stall is heard"


def test_packets_that_come_early_enough_need_nothing_in_hand() -> None:
    missing, depth = missing_reads(settled((50, 0.012), (5, 0.012)), stall=0.012, phase=0.004)
    assert missing == 0
    assert depth == 0, "16 ms lie between a packet and the read that needs it"
    missing, depth = missing_reads(settled((50, 0.012), (5, 0.012)), stall=0.012, phase=0.015)
    assert missing == 0
    assert 0.9 <= depth <= 1.1
