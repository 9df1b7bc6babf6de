"""What is heard through bad networks, by twenty seeds each: the medians that were promised. For `make soak`."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from tests.audio.network import Wire, jitter, listen, loss, packets
from tests.audio.test_playout import quality, spoken

SEEDS = range(20)
LAST_READS = 250
"""The last five seconds, in which the delay is that of a line which is known."""
PROMISED: dict[str, tuple[Wire, float, float]] = {
    # The median of PESQ after the first two seconds, at least; milliseconds that wait, at most.
    "loss 3 %": (loss(0.03), 3.4, 40),
    "loss 5 %": (loss(0.05), 3.1, 40),
    "jitter 15 ms exponential": (jitter("exponential", 15), 3.7, 100),
}


@pytest.mark.parametrize("name", PROMISED)
def test_the_median_of_twenty_seeds_is_as_promised(name: str) -> None:
    wire, least, most_ms = PROMISED[name]
    _, coded = spoken()
    scores, waits = [], []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        heard = listen(wire(packets(coded), rng), rng=rng)
        scores.append(quality(heard.samples))
        # A frame that is being read has not waited.
        waits.append(float(np.mean(heard.depths[-LAST_READS - 25 : -25])) - 20)
        print(f"{name}, seed {seed}: PESQ {scores[-1]:.2f}, {waits[-1]:.0f} ms wait")
    print(f"{name}: median {statistics.median(scores):.2f}, {statistics.median(waits):.0f} ms")
    assert statistics.median(scores) >= least
    assert statistics.median(waits) <= most_ms
