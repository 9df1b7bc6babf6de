"""baresip with G.722, Opus and sealed media: judged by the tones that come back, and by what a wide band keeps."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio.codec import Codec
from gateway.audio.frame import FRAME_SAMPLES, Frame
from gateway.sip.rtp_port import RtpPort
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import Caller
from gateway.telephony.shop import Srtp
from tests.fakes.sip import SipWorld, answer_and_echo
from tests.interop.programs import Baresip, baresip, until

pytestmark = [pytest.mark.interop, pytest.mark.real_time]
ONLY = {Codec.G722: ";audio_codecs=G722/16000/1", Codec.OPUS: ";audio_codecs=opus/48000/2", Codec.PCMA: ""}


def address(world: SipWorld) -> tuple[str, int]:
    server = world.server.addresses[0]
    return server.host, server.port


def world_with(codecs: tuple[Codec, ...] = (), srtp: Srtp = Srtp.OFF) -> SipWorld:
    world = SipWorld()
    phones = tuple(replace(phone, codecs=codecs, srtp=srtp) for phone in world.shop.phones)
    world.shop = replace(world.shop, phones=phones)
    return world


class Tone:
    """A tone of so many frames."""

    def __init__(self, hertz: float, frames: int) -> None:
        moments = np.arange(frames * FRAME_SAMPLES) / 8_000
        self._samples = np.asarray(8_000 * np.sin(2 * np.pi * hertz * moments), dtype=np.int16)
        self._at: Iterator[int] = iter(range(0, len(self._samples), FRAME_SAMPLES))

    def next_frame(self) -> Frame | None:
        at = next(self._at, None)
        return None if at is None else self._samples[at : at + FRAME_SAMPLES]


def strongest_hertz(samples: NDArray[np.int16], rate: int = 8_000) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


async def tone_comes_back(leg: Leg, hertz: float = 1_000) -> bool:
    """A phone that says what it hears gives our tone back."""
    heard: list[Frame] = []
    stop = leg.port.listen(lambda frame, position: heard.append(frame))
    leg.port.play(Tone(hertz, 90))
    await until(lambda: len(heard) >= 80)
    stop()
    samples = np.concatenate(heard[30:])
    return abs(strongest_hertz(samples) - hertz) < 20 and float(np.std(samples.astype(float))) > 1_000


def write_tone(path: Path, hertz: float, rate: int, channels: int) -> None:
    tone = np.asarray(8_000 * np.sin(2 * np.pi * hertz * np.arange(30 * rate) / rate), dtype="<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(tone, channels).tobytes())


def codec_of(leg: Leg) -> Codec | None:
    assert isinstance(leg.port, RtpPort)
    return leg.port.codec


@pytest.mark.parametrize("codec", [Codec.G722, Codec.OPUS])
async def test_it_calls_and_is_called_in_a_wide_codec(codec: Codec, tmp_path: Path) -> None:
    world = world_with()
    world.on_leg = lambda leg: leg.answer()
    async with world.server, baresip(address(world), tmp_path, modules=["g722", "opus"], account=ONLY[codec]) as phone:
        assert await until(lambda: world.server.phones.is_reachable("101")), (tmp_path / "log").read_text()
        await phone.command("dial", f"2001@127.0.0.1:{world.server.addresses[0].port}")
        assert await until(lambda: bool(world.legs) and world.legs[0].state is LegState.UP)
        assert codec_of(world.legs[0]) is codec
        assert await tone_comes_back(world.legs[0])
        await phone.command("hangup")
        assert await world.legs[0].ended(within=5) is Cause.HUNG_UP
        leg = world.server.phones.dial("101", caller=Caller(number="102"))
        assert await leg.up(within=8), (tmp_path / "log").read_text()
        assert codec_of(leg) is codec
        assert await tone_comes_back(leg, 700)
        leg.hangup()


@pytest.mark.parametrize("codec", [Codec.G722, Codec.OPUS])
async def test_two_phones_keep_their_wide_band_through_the_gateway(codec: Codec, tmp_path: Path) -> None:
    """6 kHz is beyond all that 8 kHz inside could carry."""
    world = world_with((codec, Codec.PCMA))
    near, far = tmp_path / "near", tmp_path / "far"
    near.mkdir()
    far.mkdir()
    modules = ["g722", "opus", "aufile", "sndfile"]
    source = tmp_path / "tone.wav"
    write_tone(source, 6_000, *((16_000, 1) if codec is Codec.G722 else (48_000, 2)))
    async with (
        world.server,
        baresip(address(world), near, modules=modules, account=ONLY[codec], source=f"aufile,{source}") as caller,
        baresip(address(world), far, user="102", modules=modules, account=ONLY[codec]),
    ):
        phones = world.server.phones
        assert await until(lambda: phones.is_reachable("101") and phones.is_reachable("102"))

        def connect(leg: Leg) -> None:
            leg.answer()
            there = phones.dial("102", caller=Caller(number="101"))
            world.legs.append(there)
            there.port.hear(leg.port)
            leg.port.hear(there.port)

        world.on_leg = connect
        await caller.command("dial", f"102@127.0.0.1:{world.server.addresses[0].port}")
        assert await until(lambda: [leg.state for leg in world.legs] == [LegState.UP] * 2)
        assert [codec_of(leg) for leg in world.legs] == [codec, codec]
        assert await until(lambda: world.legs[1].port.counters.frames_out > 100)
        for leg in world.legs:
            leg.hangup()
        await asyncio.sleep(0.5)
    (found,) = far.glob("dump-*-dec.wav")
    with wave.open(str(found)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")[:: file.getnchannels()]
    assert strongest_hertz(samples[-rate:].astype(np.int16), rate) == pytest.approx(6_000, abs=30)


@pytest.mark.parametrize(
    ("ours", "theirs", "is_sealed"),
    [
        (Srtp.PREFERRED, ";mediaenc=srtp", True),
        (Srtp.PREFERRED, ";mediaenc=srtp-mand", True),
        (Srtp.REQUIRED, ";mediaenc=srtp-mand", True),
        (Srtp.PREFERRED, "", False),
    ],
)
async def test_sealed_media_both_ways(ours: Srtp, theirs: str, is_sealed: bool, tmp_path: Path) -> None:
    world = world_with(srtp=ours)
    world.on_leg = lambda leg: leg.answer()
    async with world.server, baresip(address(world), tmp_path, modules=["srtp"], account=theirs) as phone:
        assert await until(lambda: world.server.phones.is_reachable("101")), (tmp_path / "log").read_text()
        await phone.command("dial", f"2001@127.0.0.1:{world.server.addresses[0].port}")
        assert await until(lambda: bool(world.legs) and world.legs[0].state is LegState.UP), log(tmp_path)
        await judge(world.legs[0], is_sealed, phone)
        leg = world.server.phones.dial("101", caller=Caller(number="102"))
        assert await leg.up(within=8), log(tmp_path)
        await judge(leg, is_sealed, phone)


async def test_its_reports_tell_of_the_way_there_and_back(tmp_path: Path) -> None:
    """Within two of its intervals of five seconds."""
    world = world_with()
    world.on_leg = answer_and_echo
    async with world.server, baresip(address(world), tmp_path) as phone:
        assert await until(lambda: world.server.phones.is_reachable("101")), log(tmp_path)
        await phone.command("dial", f"2001@127.0.0.1:{world.server.addresses[0].port}")
        assert await until(lambda: bool(world.legs) and world.legs[0].state is LegState.UP)
        counters = world.legs[0].port.counters
        assert await until(lambda: counters.round_trip_ms is not None, seconds=25)
        assert counters.round_trip_ms is not None
        assert counters.round_trip_ms < 500
        assert (counters.peer_lost, counters.peer_loss) == (0, 0.0)
        await phone.command("hangup")


async def test_nothing_is_in_clear_where_the_owner_forbids_it(tmp_path: Path) -> None:
    world = world_with(srtp=Srtp.REQUIRED)
    world.on_leg = answer_and_echo
    async with world.server, baresip(address(world), tmp_path) as phone:
        assert await until(lambda: world.server.phones.is_reachable("101")), log(tmp_path)
        await phone.command("dial", f"2001@127.0.0.1:{world.server.addresses[0].port}")
        assert await until(lambda: "488" in log(tmp_path)), log(tmp_path)
        assert not world.legs
        leg = world.server.phones.dial("101", caller=Caller(number="102"))
        assert not await leg.up(within=8)
        assert leg.cause is Cause.NO_COMMON_CODEC


def log(directory: Path) -> str:
    return (directory / "log").read_text(errors="replace")


async def judge(leg: Leg, is_sealed: bool, phone: Baresip) -> None:
    assert isinstance(leg.port, RtpPort)
    assert leg.port.is_sealed is is_sealed
    assert await tone_comes_back(leg)
    assert leg.port.counters.refused == 0
    await phone.command("hangup")
    assert await leg.ended(within=5) is Cause.HUNG_UP
