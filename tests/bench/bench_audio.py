"""What the audio engine costs per 20 ms frame, and what is heard through bad networks.

`python -m tests.bench.bench_audio` prints microseconds per frame and their ratio to a reference in
plain Python, measured beside it: ratios hold on other machines, microseconds do not.
`python -m tests.bench.bench_audio quality [seeds]` prints the PESQ of every seed and the medians
against the aims, with the same wire and modem served without any jitter buffer and concealment.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pesq import pesq

from gateway.audio.bridge import Bridge
from gateway.audio.coder import available_codecs, new_coder
from gateway.audio.dtmf import DtmfDetector
from gateway.audio.frame import FRAME_SAMPLES, Frame
from gateway.audio.g711 import Law, decode, encode
from gateway.audio.level import LevelMeter
from gateway.audio.mix import Conference
from gateway.audio.playout import Playout
from gateway.audio.recorder import Channel, Recorder
from gateway.audio.recording_writer import RecordingWriter
from tests.audio.network import Wire, clean, duplicates, jitter, listen, loss, packets, stall
from tests.audio.ports import LoosePort
from tests.audio.voices import frames_of, speech

_Given = TypeVar("_Given")
_CALLS = 2_000
_SPEECH = speech()
_FRAMES = frames_of(_SPEECH)


def main(arguments: list[str]) -> int:
    """Print the figures."""
    if arguments[:1] == ["quality"]:
        _print_quality(int(arguments[1]) if len(arguments) > 1 else 20)
    else:
        _print_costs()
    return 0


# Costs.


def _plain_python_call(frame: Frame, table: list[int], payload: bytes) -> int:
    """The same work without numpy: decode, level and copy of one frame."""
    total = 0
    out = bytearray()
    for byte in payload:
        sample = table[byte]
        total += sample * sample
        out += sample.to_bytes(2, "little", signed=True)
    return total + len(out)


def _microseconds(step: Callable[[int], object], *, calls: int = _CALLS) -> float:
    """The best of many rounds of this thread's own time: what the machine can do when nobody disturbs it."""

    def run() -> None:
        for index in range(calls // 10):
            step(index)

    return min(timeit.repeat(run, timer=time.thread_time, number=1, repeat=40)) / (calls // 10) * 1e6


def _print_costs() -> None:
    payloads = [encode(frame, Law.ALAW) for frame in _FRAMES]
    table = decode(bytes(range(256)), Law.ALAW).tolist()
    count = len(_FRAMES)
    reference = _microseconds(
        lambda index: _plain_python_call(_FRAMES[index % count], table, payloads[index % count]), calls=300
    )
    detector, meter = DtmfDetector(), LevelMeter()
    steps: dict[str, Callable[[int], object]] = {
        "G.711 encode": lambda index: encode(_FRAMES[index % count], Law.ALAW),
        "G.711 decode": lambda index: decode(payloads[index % count], Law.ALAW),
        **_wide_codecs(),
        "DTMF detector": lambda index: detector.feed(_FRAMES[index % count]),
        "level meter": lambda index: meter.feed(_FRAMES[index % count], index * 0.020),
        "play-out, clean link": _clean_playout(),
        "play-out, 5 % loss": _lossy_playout(),
        "conference of 3, per party": _conference(3),
        "conference of 8, per party": _conference(8),
        "conference of 8, two at 16 kHz, per party": _conference(8, wide=2),
        "conference of 8, all at 16 kHz, per party": _conference(8, wide=8),
    }
    print(f"reference in plain Python (decode, level, copy): {reference:.1f} us per frame")
    for name, step in steps.items():
        cost = _microseconds(step)
        if name.startswith("conference"):
            cost /= int(name.split()[2].rstrip(","))
        print(f"{name:42} {cost:6.2f} us   {cost / reference:5.2f} of the reference")
    with tempfile.TemporaryDirectory() as directory, RecordingWriter(lambda trouble: None) as writer:
        for name, cost in (
            ("recorder, both channels", _microseconds(_recorder(Path(directory) / "a.wav", writer))),
            ("a whole recorded call", _microseconds(_whole_call(Path(directory) / "b.wav", writer, payloads))),
        ):
            print(f"{name:42} {cost:6.2f} us   {cost / reference:5.2f} of the reference")


def _wide_codecs() -> dict[str, Callable[[int], object]]:
    """What it costs to hear and to answer a phone that speaks nothing else."""
    steps: dict[str, Callable[[int], object]] = {}
    for codec in available_codecs():
        if codec.is_wide:
            coder, name = new_coder(codec), codec.facts.name
            payloads = [coder.encode(frame) for frame in _FRAMES]
            steps[f"{name} encode"] = _over(coder.encode, _FRAMES)
            steps[f"{name} decode"] = _over(coder.decode, payloads)
    return steps


def _over(step: Callable[[_Given], object], given: list[_Given]) -> Callable[[int], object]:
    return lambda index: step(given[index % len(given)])


def _clean_playout() -> Callable[[int], object]:
    playout, count = Playout(), 0

    def step(index: int) -> None:
        nonlocal count
        count += 1
        playout.arrive(_FRAMES[index % len(_FRAMES)], count * FRAME_SAMPLES, count * 0.020 + 0.007)
        playout.deadline(0.0)
        playout.consumed(count * 0.020 + 0.0201)

    return step


def _lossy_playout() -> Callable[[int], object]:
    playout, count = Playout(), 0

    def step(index: int) -> None:
        nonlocal count
        count += 1
        if count % 20:
            playout.arrive(_FRAMES[index % len(_FRAMES)], count * FRAME_SAMPLES, count * 0.020 + 0.007)
        else:
            playout.conceal(count * 0.020 + 0.0195)
        playout.consumed(count * 0.020 + 0.0201)

    return step


class _WidePort(LoosePort):
    """Says and hears 16 kHz without a codec: what the mixer costs, not what a wire does."""

    hears_full_band = True

    def ask_full_band(self, *, wanted: bool) -> bool:
        return wanted

    def full_band(self, frame: Frame) -> NDArray[np.int16]:
        return np.repeat(frame, 2)


def _conference(size: int, *, wide: int = 0) -> Callable[[int], object]:
    count = 0
    conference = Conference(lambda: count * 0.020 + 0.007)
    ports = [_WidePort() if index < wide else LoosePort() for index in range(size)]
    for port in ports:
        conference.add(port)

    def step(index: int) -> None:
        nonlocal count
        count += 1
        for offset, port in enumerate(ports):
            port.heard.clear()
            port.say(_FRAMES[(index + 50 * offset) % len(_FRAMES)], count * FRAME_SAMPLES)
        conference.tick(count * 0.020 + 0.020)

    return step


def _recorder(path: Path, writer: RecordingWriter) -> Callable[[int], object]:
    recorder, count = Recorder(path, writer, 0.0), 0

    def step(index: int) -> None:
        nonlocal count
        count += 1
        for channel in Channel:
            recorder.write(channel, _FRAMES[index % len(_FRAMES)], count * FRAME_SAMPLES, count * 0.020)

    return step


class _ModemSide(LoosePort):
    """A sink with a play-out buffer and no port behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.playout = Playout()

    def _write(self, frame: Frame, position: int) -> None:
        b"".join(each.tobytes() for each in self.playout.arrive(frame, position, self.now))


class _PhoneSide(LoosePort):
    """A sink that encodes."""

    def _write(self, frame: Frame, position: int) -> None:
        encode(frame, Law.ALAW)


def _ignore(key: str | None) -> None:
    """What was found is of no interest here."""


def _whole_call(path: Path, writer: RecordingWriter, payloads: list[bytes]) -> Callable[[int], object]:
    """Both directions with G.711, DTMF and level on the GSM side, play-out, and a stereo recording."""
    modem, phone = _ModemSide(), _PhoneSide()
    bridge = Bridge(modem, phone, lambda: modem.now)
    bridge.start()
    bridge.tap(Recorder(path, writer, 0.0))
    detector, heard, said = DtmfDetector(), LevelMeter(), LevelMeter()
    modem.listen(lambda frame, position: _ignore(detector.feed(frame)))
    modem.listen(lambda frame, position: heard.feed(frame, modem.now))
    phone.listen(lambda frame, position: said.feed(frame, modem.now))
    count = 0

    def step(index: int) -> None:
        nonlocal count
        count += 1
        modem.now = count * 0.020
        phone.say(decode(payloads[index % len(payloads)], Law.ALAW), count * FRAME_SAMPLES)
        modem.now = count * 0.020 + 0.012
        modem.playout.consumed(modem.now)
        modem.say(_FRAMES[index % len(_FRAMES)], count * FRAME_SAMPLES)

    return step


# Quality.

LEAD_SECONDS = 2.0
START = 0.5

CONDITIONS: dict[str, tuple[Wire, float, float]] = {
    # The wire, the drift of the sender's clock in ppm, and the aim.
    "clean": (clean, 0, 3.95),
    "jitter 15 ms exponential": (jitter("exponential", 15), 0, 3.85),
    "jitter 40 ms exponential": (jitter("exponential", 40), 0, 3.6),
    "jitter 15 ms gaussian": (jitter("gaussian", 15), 0, 3.9),
    "jitter 40 ms gaussian": (jitter("gaussian", 40), 0, 3.7),
    "jitter 15 ms, reordered": (jitter("exponential", 15, reordered=True), 0, 3.8),
    "jitter 40 ms, reordered": (jitter("exponential", 40, reordered=True), 0, 3.5),
    "loss 1 %": (loss(0.01), 0, 3.75),
    "loss 3 %": (loss(0.03), 0, 3.4),
    "loss 5 %": (loss(0.05), 0, 3.1),
    "loss 3 % in bursts of 3": (loss(0.03, burst=3), 0, 3.3),
    "clock +200 ppm": (clean, 200, 3.95),
    "clock -200 ppm": (clean, -200, 3.95),
    "stall 300 ms, then burst": (stall(START + 6.0, 0.3), 0, 3.4),
    "10 % duplicates": (duplicates(0.10), 0, 3.95),
}
"""The aims were set on speech whose ceiling was 3.98; compare the distances to the ceiling too."""


class _NoBuffer(Playout):
    """The yardstick: what arrives is written as it comes, nothing is put right or made up."""

    def arrive(self, frame: Frame, position: int, now: float) -> list[Frame]:
        return [frame]

    def consumed(self, now: float, count: int = 1) -> list[Frame]:
        return []

    def deadline(self, now: float) -> float | None:
        return None


def _score(job: tuple[str, int, bool]) -> tuple[float, float]:
    """PESQ, and the milliseconds that wait at the end of the speech."""
    name, seed, plain = job
    wire, ppm, _ = CONDITIONS[name]
    original = np.concatenate([np.zeros(800, dtype=np.int16), _SPEECH])
    coded = decode(encode(original, Law.ULAW), Law.ULAW)
    rng = np.random.default_rng(seed)
    heard = listen(
        wire(packets(coded, start=START, clock_ppm=ppm), rng), rng=rng, playout=_NoBuffer() if plain else None
    )
    lead = int(LEAD_SECONDS * 8000)
    score = pesq(8000, original[lead:], heard.samples[lead + int(START * 8000) :], "nb")
    return float(score), heard.depths[-30]


def _print_quality(seeds: int) -> None:
    original = np.concatenate([np.zeros(800, dtype=np.int16), _SPEECH])[int(LEAD_SECONDS * 8000) :]
    ceiling = pesq(8000, original, decode(encode(original, Law.ULAW), Law.ULAW), "nb")
    print(f"PESQ after the first {LEAD_SECONDS:.0f} s; the ceiling of this speech behind G.711 is {ceiling:.2f}")
    with ProcessPoolExecutor(max_workers=2) as pool:
        for name, (wire, _, aim) in CONDITIONS.items():
            count = 1 if wire is clean else seeds
            ours = list(pool.map(_score, [(name, seed, False) for seed in range(count)]))
            plain = list(pool.map(_score, [(name, seed, True) for seed in range(count)]))
            scores = [score for score, _ in ours]
            print(
                f"{name:26} median {statistics.median(scores):.2f} (aim {aim:.2f}, without a buffer "
                f"{statistics.median(score for score, _ in plain):.2f}), waiting at the end "
                f"{statistics.median(depth for _, depth in ours):.0f} ms; seeds: "
                + " ".join(f"{score:.2f}" for score in scores),
                flush=True,
            )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
