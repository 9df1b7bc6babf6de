"""Speech through every path of a call and both ways: as good as the codecs alone leave it, on a clean link.

Real RTP and voice ports, with a phone's socket and a modem's memory behind them; in virtual time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray
from pesq import pesq

from gateway.audio.bridge import Bridge
from gateway.audio.codec import Codec
from gateway.audio.coder import new_coder
from gateway.audio.device_clock import Steadiness
from gateway.audio.frame import FRAME_SAMPLES, FRAME_SECONDS, Frame
from gateway.audio.g711 import Law, decode, encode
from gateway.audio.mix import Conference
from gateway.audio.port import MediaPort
from gateway.modem.voice.device import VoiceTaker
from gateway.modem.voice.tty_pcm import TtyPcmPort
from gateway.sip.pacer import Pacer
from gateway.sip.port_range import PortRange
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import Agreement, Way
from gateway.sip.transport import Address
from tests.audio.ports import LoosePort
from tests.audio.voices import RUSSIAN, frames_of, speech
from tests.fakes.sip_peer import RtpSocket

Samples = NDArray[np.int16]
SPOKEN_SECONDS = 4
BELOW_CEILING = 0.05
"""What a path may take from PESQ beyond its codecs."""
TONE_FRAMES = 1_500
"""Half a minute."""
PORTS = PortRange(20000, 29999)


class Phone:
    """A SIP phone and our port for it."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.socket = RtpSocket()
        self.port = RtpPort(Pacer(), PORTS)
        self.port.open("127.0.0.1")
        self.socket.remote = (self.port.local.host, self.port.local.port)
        self._coder = new_coder(codec)
        terms = Agreement(
            host="127.0.0.1", port=self.socket.port, codec=codec, payload=codec.facts.payload, event_payload=101,
            way=Way.BOTH,
        )  # fmt: skip
        self.port.agree(terms, Address("127.0.0.1", self.socket.port))

    async def say(self, frame: Frame) -> None:
        """20 ms."""
        facts = self.codec.facts
        self.socket.send(self._coder.encode(frame), payload_type=facts.payload, samples=facts.clock_rate // 50)
        for _ in range(3):
            await asyncio.sleep(0)

    def heard(self) -> Samples:
        """All that has come, in order."""
        ear = new_coder(self.codec)
        return np.concatenate([ear.decode(packet.payload) for packet in self.socket.heard])

    def close(self) -> None:
        self.port.close()
        self.socket.close()


class Modem:
    """The memory of a modem that takes 20 ms whenever it gives 20, and our port for it. A VoiceDevice."""

    path = "modem"
    is_open = True

    def __init__(self) -> None:
        self.steadiness = Steadiness()
        self._waiting: list[Frame] = []
        self._taken: list[Frame] = []
        self._call: VoiceTaker | None = None
        self.port = TtyPcmPort(self, block_frames=1)
        self.port.open()

    async def open(self) -> None:
        """It is."""

    def connect(self, call: VoiceTaker) -> None:
        self._call = call

    def disconnect(self, call: VoiceTaker) -> None:
        self._call = None

    def write(self, frames: Sequence[Frame]) -> int:
        self._waiting += frames
        return len(frames)

    async def say(self, frame: Frame) -> None:
        """20 ms, and take as much."""
        self._taken.append(self._waiting.pop(0) if self._waiting else np.zeros(FRAME_SAMPLES, dtype=np.int16))
        assert self._call is not None
        self._call.received(frame.astype("<i2").tobytes())
        await asyncio.sleep(0)

    def heard(self) -> Samples:
        return np.concatenate(self._taken)

    def close(self) -> None:
        self.port.close()


Party = Phone | Modem


@contextmanager
def parties(*made: Party) -> Iterator[tuple[Party, ...]]:
    with ExitStack() as stack:
        for each in made:
            stack.callback(each.close)
        yield made


async def talk(a: Party, b: Party, then: Callable[[], None] = lambda: None) -> tuple[float, float]:
    """Both speak at once; how much worse each was heard by the other than the codecs alone would leave it (PESQ)."""
    words = speech()[: SPOKEN_SECONDS * 8_000], speech(RUSSIAN, "ru")[: SPOKEN_SECONDS * 8_000]
    await _say(a, b, zip(*map(frames_of, words), strict=True), then)
    return _loss(words[0], a, b), _loss(words[1], b, a)


async def _say(a: Party, b: Party, frames: Iterable[tuple[Frame, Frame]], then: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number, (from_a, from_b) in enumerate(frames):
        await a.say(from_a)
        await asyncio.sleep(0.007)
        await b.say(from_b)
        await asyncio.sleep(0.006)
        then()
        await asyncio.sleep(began + (number + 1) * FRAME_SECONDS - loop.time())


def _loss(said: Samples, speaker: Party, listener: Party) -> float:
    whole = said
    for codec in [each.codec for each in (speaker, listener) if isinstance(each, Phone)]:
        mouth, ear = new_coder(codec), new_coder(codec)
        whole = np.concatenate([ear.decode(mouth.encode(frame)) for frame in frames_of(whole)])
    heard = listener.heard()
    ceiling, score = (pesq(8_000, said[8_000:-1_600], _aligned(said, each), "nb") for each in (whole, heard))
    print(f"PESQ {score:.2f}, the codecs alone {ceiling:.2f}")
    return float(ceiling - score)


def _aligned(said: Samples, heard: Samples) -> Samples:
    """From the second second on, to 0.2 s before the end: what holds a voice up by up to 0.1 s is no fault."""
    size = 2 * max(len(said), len(heard))
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)))
    shift = int(product[:800].argmax())
    return np.asarray(heard[8_000 + shift : len(said) - 1_600 + shift])


def _bridged(a: MediaPort, b: MediaPort) -> Bridge:
    bridge = Bridge(a, b, asyncio.get_running_loop().time)
    bridge.start()
    return bridge


def _modem() -> Party:
    return Modem()


def _phone(codec: Codec) -> Callable[[], Party]:
    return lambda: Phone(codec)


PATHS: dict[str, tuple[Callable[[], Party], Callable[[], Party]]] = {
    "modem and PCMU": (_modem, _phone(Codec.PCMU)),
    "modem and G.722": (_modem, _phone(Codec.G722)),
    "modem and Opus": (_modem, _phone(Codec.OPUS)),
    "modem and modem": (_modem, _modem),
    "PCMA and PCMA": (_phone(Codec.PCMA), _phone(Codec.PCMA)),
    "PCMA and G.722": (_phone(Codec.PCMA), _phone(Codec.G722)),
}


@pytest.mark.parametrize("name", PATHS)
async def test_two_hear_each_other_as_well_as_their_codecs_allow(name: str) -> None:
    one, other = PATHS[name]
    with parties(one(), other()) as (a, b):
        bridge = _bridged(a.port, b.port)
        assert max(await talk(a, b)) <= BELOW_CEILING
        bridge.stop()


async def test_two_of_a_conference_of_eight_hear_each_other_as_well_as_their_codecs_allow() -> None:
    with parties(Modem(), Phone(Codec.PCMA)) as (modem, phone):
        loop = asyncio.get_running_loop()
        conference = Conference(loop.time)
        for port in (modem.port, phone.port, *(LoosePort() for _ in range(6))):
            conference.add(port)
        assert max(await talk(modem, phone, lambda: conference.tick(loop.time()))) <= BELOW_CEILING
        conference.close()


@pytest.mark.parametrize("is_mixed", [False, True])
async def test_a_tone_has_no_gap_in_half_a_minute(is_mixed: bool) -> None:
    """As loud in every 20 ms as it was said."""
    at = 2 * np.pi * np.arange(FRAME_SAMPLES) / 8_000
    tones = (4_000 * np.sin(400 * at)).astype(np.int16), (4_000 * np.sin(1_000 * at)).astype(np.int16)
    with parties(Modem(), Phone(Codec.PCMU)) as (modem, phone):
        loop = asyncio.get_running_loop()
        conference = Conference(loop.time)
        if is_mixed:
            for port in (modem.port, phone.port, LoosePort()):
                conference.add(port)
            await _say(modem, phone, [tones] * TONE_FRAMES, lambda: conference.tick(loop.time()))
        else:
            bridge = _bridged(modem.port, phone.port)
            await _say(modem, phone, [tones] * TONE_FRAMES, lambda: None)
            bridge.stop()
        conference.close()
        for listener in (modem, phone):
            heard = listener.heard()[10 * FRAME_SAMPLES : (TONE_FRAMES - 10) * FRAME_SAMPLES].astype(float)
            levels = np.sqrt(np.mean(heard.reshape(-1, FRAME_SAMPLES) ** 2, axis=1))
            assert len(levels) == TONE_FRAMES - 20
            assert levels == pytest.approx(np.full(len(levels), 4_000 / np.sqrt(2)), rel=0.03)


PHONE_BUFFER_SECONDS = 0.06
"""A phone that plays each packet so long after its moment, and silence where it is not there by then."""


@pytest.mark.parametrize("late_ms", [5, 20])
async def test_what_a_modem_gives_late_is_heard_whole_behind_an_ordinary_phone_s_buffer(
    late_ms: int, seed: int
) -> None:
    """The references fall to 1.24 with 20 ms: they give what is late a later place in time."""
    words = speech()[: SPOKEN_SECONDS * 8_000]
    dice = random.Random(seed)
    with parties(Modem(), Phone(Codec.PCMU)) as (modem, phone):
        assert isinstance(phone, Phone)
        bridge = _bridged(modem.port, phone.port)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number, frame in enumerate(frames_of(words)):
            late = dice.choice((0.0, dice.uniform(0, late_ms / 1000), late_ms / 1000))
            await asyncio.sleep(max(0.0, began + number * FRAME_SECONDS + late - loop.time()))
            await modem.say(frame)
        await asyncio.sleep(0.1)
        bridge.stop()
        first = phone.socket.heard[0]
        played = np.zeros(len(words) + FRAME_SAMPLES, dtype=np.int16)
        for packet in phone.socket.heard:
            at = packet.timestamp - first.timestamp
            if packet.at - first.at <= at / 8_000 + PHONE_BUFFER_SECONDS and at < len(words):
                played[at : at + FRAME_SAMPLES] = decode(packet.payload, Law.ULAW)
        whole = decode(encode(words, Law.ULAW), Law.ULAW)
        ceiling, score = (pesq(8_000, words, each[: len(words)], "nb") for each in (whole, played))
        assert score >= ceiling - BELOW_CEILING
