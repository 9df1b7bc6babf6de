"""Wide-band phones in a conference: what reaches their wires."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio.codec import Codec
from gateway.audio.coder import new_coder, new_wide_coder
from gateway.audio.frame import FRAME_SAMPLES, WIDE_FRAME_SAMPLES, Frame
from gateway.audio.mix import Conference
from tests.sip.test_rtp_codecs import PAYLOADS, party, pump


@pytest.mark.parametrize(("near", "far"), [(Codec.G722, Codec.OPUS), (Codec.OPUS, Codec.G722)])
async def test_in_a_conference_wide_phones_hear_each_other_in_full_band(near: Codec, far: Codec) -> None:
    async with party(near) as a, party(far) as b, party(Codec.PCMA) as c:
        conference = Conference(asyncio.get_running_loop().time)
        for each in (a, b, c):
            conference.add(each.port)
        a_frames: list[Frame] = []
        positions: list[int] = []

        def keep(frame: Frame, position: int) -> None:
            a_frames.append(frame)
            positions.append(position)

        a.port.listen(keep)
        speaker, listener = new_wide_coder(near), new_wide_coder(far)
        at = 2 * np.pi * np.arange(WIDE_FRAME_SAMPLES) / 16_000
        tone = (4_000 * (np.sin(1_000 * at) + np.sin(6_000 * at))).astype(np.int16)
        for step in range(100):
            if step == 50:  # a lost packet
                a.phone.sequence += 1
                a.phone.timestamp += near.facts.clock_rate // 50
            else:
                a.say(speaker.encode(tone))
            await asyncio.sleep(0.02)
            conference.tick(asyncio.get_running_loop().time())
        wide = np.concatenate([listener.decode(p.payload) for p in b.phone.heard if p.payload_type == PAYLOADS[far]])
        narrow = np.concatenate([new_coder(Codec.PCMA).decode(p.payload) for p in c.phone.heard if p.payload_type == 8])
        assert level(wide[-8_000:], 6_000, 16_000) == pytest.approx(4_000, rel=0.25)
        assert level(narrow[-4_000:], 1_000, 8_000) == pytest.approx(4_000, rel=0.1)
        assert level(narrow[-4_000:], 2_000, 8_000) < 200, "6 kHz, folded down"
        b.agree(Codec.PCMA)
        assert not b.port.hears_full_band, "it speaks something else from now on"
        before = len(b.phone.heard)
        a.say(speaker.encode(tone))
        await asyncio.sleep(0.02)
        conference.tick(asyncio.get_running_loop().time())
        await pump()
        assert {len(p.payload) for p in b.phone.heard[before:] if p.payload_type == 8} == {FRAME_SAMPLES}
        lengths = {len(frame) for frame in a_frames}
        assert lengths == {FRAME_SAMPLES}, "also around the lost packet"
        assert positions == sorted(set(positions))
        conference.close()
        assert not a.port.hears_full_band


@pytest.mark.parametrize(("near", "far"), [(Codec.G722, Codec.OPUS), (Codec.OPUS, Codec.G722)])
async def test_two_phones_with_different_wide_codecs_hear_each_other_in_full_band(near: Codec, far: Codec) -> None:
    async with party(near) as a, party(far) as b:
        a.record()
        a.port.hear(b.port)
        b.port.hear(a.port)
        speaker, listener = new_wide_coder(near), new_wide_coder(far)
        at = 2 * np.pi * np.arange(WIDE_FRAME_SAMPLES) / 16_000
        tone = (4_000 * (np.sin(1_000 * at) + np.sin(6_000 * at))).astype(np.int16)
        for _ in range(60):
            a.say(speaker.encode(tone))
            await asyncio.sleep(0.02)
        wide = np.concatenate([listener.decode(p.payload) for p in b.phone.heard if p.payload_type == PAYLOADS[far]])
        assert level(wide[-8_000:], 1_000, 16_000) == pytest.approx(4_000, rel=0.1)
        assert level(wide[-8_000:], 6_000, 16_000) == pytest.approx(4_000, rel=0.25)
        recorded = np.concatenate([frame for _, frame in a.heard])
        assert level(recorded[-4_000:], 1_000, 8_000) == pytest.approx(4_000, rel=0.1)
        assert level(recorded[-4_000:], 2_000, 8_000) < 200
        b.port.hear(None)
        assert a.port.hears_full_band, "the other way goes on"
        a.port.hear(None)
        assert not any(each.port.hears_full_band for each in (a, b))


async def test_phones_with_the_same_codec_cost_no_full_band() -> None:
    async with party(Codec.G722) as a, party(Codec.G722) as b, party(Codec.PCMA) as c:
        a.port.hear(b.port)
        b.port.hear(a.port)
        c.port.hear(a.port)
        assert not any(each.port.hears_full_band for each in (a, b, c))


def level(samples: NDArray[np.int16], hertz: int, rate: int) -> float:
    """The amplitude of a tone, whatever lies beside it."""
    at = 2j * np.pi * hertz * np.arange(len(samples)) / rate
    return float(2 * np.abs((samples * np.exp(-at)).mean()))
