"""Conferences where some hear 16 kHz: the upper band reaches those, nobody else loses or gains anything."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio.codec import Codec
from gateway.audio.coder import Coder, new_coder, new_wide_coder
from gateway.audio.frame import FRAME_SAMPLES, WIDE_FRAME_SAMPLES, Frame
from gateway.audio.full_band import FullBand
from gateway.audio.mix import Conference
from gateway.audio.playout import Playout
from gateway.audio.port import FrameSource, MediaPort
from tests.audio.network import Wire, clean, jitter, listen, loss, packets
from tests.audio.ports import LoosePort

WIDE = (Codec.G722, Codec.OPUS)


class WidePort(MediaPort):
    """A wide-band phone: says and hears payloads, as the port of a SIP party does."""

    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self._phone = new_wide_coder(codec)
        self._narrow = new_coder(codec)
        self._full: FullBand | None = None
        self._codec = codec
        self._from: MediaPort | None = None
        self.heard: list[NDArray[np.int16]] = []

    def say(self, wide: NDArray[np.int16], position: int) -> None:
        decoder: Coder | FullBand = self._full or self._narrow
        self._deliver(decoder.decode(self._phone.encode(wide)), position)

    def ask_full_band(self, *, wanted: bool) -> bool:
        self._full = FullBand(self._codec) if wanted else None
        self.hears_full_band = wanted
        return True

    def full_band(self, frame: Frame) -> NDArray[np.int16] | None:
        return self._full.twin_of(frame) if self._full else None

    def hear(self, other: MediaPort | None) -> None:
        self._from = other
        super().hear(other)

    def _restart(self, source: FrameSource | None) -> None:
        """Nothing is kept."""

    def _write(self, frame: Frame, position: int) -> None:
        del position
        twin = self._from.full_band(frame) if self._from and self._full else None
        payload = self._narrow.encode(frame) if twin is None or self._full is None else self._full.encode(twin)
        self.heard.append(self._phone.decode(payload))


class Room:
    """A conference by a clock of its own; everybody says a tone, for a second and a half."""

    def __init__(self, *ports: LoosePort | WidePort) -> None:
        self.ports = ports
        self.now = 0.0
        self.conference = Conference(lambda: self.now)
        for port in ports:
            self.conference.add(port)
        self.step = 0

    def talk(self, hertz: list[float], steps: int = 75) -> None:
        for _ in range(steps):
            self.now += 0.010
            for port, tone in zip(self.ports, hertz, strict=True):
                wide = isinstance(port, WidePort)
                count = WIDE_FRAME_SAMPLES if wide else FRAME_SAMPLES
                at = 2 * np.pi * (self.step * count + np.arange(count)) / (count * 50)
                port.say((4_000 * np.sin(tone * at)).astype(np.int16), self.step * FRAME_SAMPLES)
            self.step += 1
            self.now += 0.010
            self.conference.tick(self.now)

    def loudness(self, port: LoosePort | WidePort, hertz: float) -> float:
        """Of a tone that a party has heard, in the last half second."""
        pieces = port.heard[-25:] if isinstance(port, WidePort) else [frame for frame, _ in port.heard[-25:]]
        heard = np.concatenate(pieces).astype(float)
        spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard)))) / len(heard) * 4
        return float(spectrum[round(hertz / 2) - 2 : round(hertz / 2) + 3].max())


@pytest.mark.parametrize("codec", WIDE)
@pytest.mark.parametrize("other", WIDE)
def test_two_wide_phones_and_a_modem(codec: Codec, other: Codec) -> None:
    first, second, modem = WidePort(codec), WidePort(other), LoosePort()
    room = Room(first, second, modem)
    room.talk([6_000, 900, 1_500])
    assert room.loudness(second, 6_000) == pytest.approx(4_000, rel=0.2), "the upper band reaches who can hear it"
    assert room.loudness(second, 1_500) == pytest.approx(4_000, rel=0.2)
    assert room.loudness(second, 6_500) < 200, "nothing of the modem's voice stands in the upper band"
    assert room.loudness(second, 900) < 200, "nobody hears himself"
    assert room.loudness(first, 900) == pytest.approx(4_000, rel=0.2)
    assert room.loudness(modem, 900) == pytest.approx(4_000, rel=0.2)
    assert room.loudness(modem, 2_000) < 200, "6 kHz does not fold down into what the modem hears"


def test_the_recording_of_a_wide_party_is_at_8_khz() -> None:
    first, second = WidePort(Codec.G722), WidePort(Codec.G722)
    room = Room(first, second)
    kept: list[Frame] = []
    room.conference.mix_for(first).listen(lambda frame, position: kept.append(frame))
    room.talk([900, 1_500])
    assert {len(frame) for frame in kept} == {FRAME_SAMPLES}
    spectrum = np.abs(np.fft.rfft(np.concatenate(kept[-25:]).astype(float)))
    assert int(spectrum.argmax()) * 2 == 1_500


def test_one_wide_phone_alone_costs_no_wide_mix() -> None:
    phone, modem, third = WidePort(Codec.G722), LoosePort(), LoosePort()
    room = Room(phone, modem, third)
    twins: list[object] = []
    rest = room.conference.mix_for(phone)
    rest.listen(lambda frame, position: twins.append(rest.full_band(frame)))
    room.talk([900, 1_500, 700], 10)
    assert twins == [None] * 10


@pytest.mark.parametrize("codec", WIDE)
def test_what_carries_nothing_is_nothing(codec: Codec) -> None:
    voice, phone = FullBand(codec), new_wide_coder(codec)
    frame = voice.decode(phone.encode(np.zeros(WIDE_FRAME_SAMPLES, dtype=np.int16)))
    assert (len(frame), voice.twin_of(frame) is None) == (FRAME_SAMPLES, False)
    assert len(voice.decode(b"")) == 0
    assert voice.twin_of(frame) is None, "it is no longer being delivered"
    if codec is Codec.G722:
        assert len(voice.recover(bytes(160))) == 0


def test_who_leaves_is_given_8_khz_again() -> None:
    first, second, third = WidePort(Codec.G722), WidePort(Codec.G722), LoosePort()
    room = Room(first, second, third)
    room.talk([6_000, 900, 1_500], 5)
    room.conference.drop(first)
    assert not first.hears_full_band
    room.talk([6_000, 900, 1_500])
    assert room.loudness(second, 1_500) == pytest.approx(4_000, rel=0.2)
    assert room.loudness(second, 6_000) < 200


@pytest.mark.parametrize(
    ("wire", "aim"),
    [(clean, 0.99), (jitter("exponential", 15), 0.9), (loss(0.05), 0.9)],
    ids=["clean", "jitter", "loss"],
)
def test_both_bands_wait_in_one_buffer(seed: int, wire: Wire, aim: float) -> None:
    """A low and a high tone, in pairs of samples, through a bad network: neither is lost or moved."""
    rng = np.random.default_rng(seed)
    at = np.arange(16_000 * 6) / 16_000
    voice = (4_000 * (np.sin(2 * np.pi * 300 * at) + 0.5 * np.sin(2 * np.pi * 5_200 * at))).astype(np.int16)
    pairs = voice.reshape(-1, 2)
    playout = Playout(lanes=2)
    heard = listen(wire(packets(pairs), rng), rng=rng, playout=playout, silence=np.zeros((FRAME_SAMPLES, 2), np.int16))
    sound = heard.samples.reshape(-1)[16_000:-16_000].astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / 16_000)
    near = (np.abs(frequency - 300) < 60) | (np.abs(frequency - 5_200) < 60)
    assert spectrum[near].sum() / spectrum.sum() > aim
    low, high = (spectrum[np.abs(frequency - hertz) < 60].sum() for hertz in (300, 5_200))
    assert 0.1 < high / low < 0.3
