"""Media in every codec, sealed and plain: what is heard, what is passed on unopened, what is reported (T-S7)."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio.codec import Codec
from gateway.audio.coder import new_coder
from gateway.audio.frame import FRAME_SAMPLES, Frame
from gateway.sip.pacer import Pacer
from gateway.sip.port_range import PortRange
from gateway.sip.rtcp import Report, ReportBlock, SenderInfo, parse_rtcp, write_rtcp
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import Agreement, Format, Way
from gateway.sip.sealed_packets import SecurePackets
from gateway.sip.srtp import CryptoLine, Suite, new_key
from gateway.sip.transport import Address
from tests.audio.voices import frames_of, speech
from tests.fakes.sip_peer import RtpSocket

PORTS = PortRange(20000, 29999)
PAYLOADS = {Codec.PCMA: 8, Codec.PCMU: 0, Codec.G722: 9, Codec.OPUS: 96}


class Party:
    """A port of ours and the socket of its phone."""

    def __init__(self, codec: Codec, *, crypto: CryptoLine | None = None, key: bytes = b"", mux: bool = False) -> None:
        self.codec = codec
        self.port = RtpPort(Pacer(), PORTS)
        self.port.open("127.0.0.1")
        self.phone = RtpSocket()
        self.phone.remote = (self.port.local.host, self.port.local.port)
        self.heard: list[tuple[int, Frame]] = []
        self.agree(codec, crypto=crypto, key=key, mux=mux)

    def agree(self, codec: Codec, *, crypto: CryptoLine | None = None, key: bytes = b"", mux: bool = False) -> None:
        agreement = Agreement(
            host="127.0.0.1",
            port=self.phone.port,
            codec=codec,
            payload=PAYLOADS[codec],
            event_payload=101,
            event_rate=codec.facts.clock_rate,
            way=Way.BOTH,
            crypto=crypto,
            has_rtcp_mux=mux,
        )
        self.codec = codec
        self.port.agree(agreement, Address("127.0.0.1", self.phone.port), key)

    def record(self) -> None:
        self.port.listen(lambda frame, position: self.heard.append((position, frame)))

    def say(self, payload: bytes) -> None:
        ticks = self.codec.facts.clock_rate // 50
        self.phone.send(payload, payload_type=PAYLOADS[self.codec], samples=ticks)

    def close(self) -> None:
        self.port.close()
        self.phone.close()


@asynccontextmanager
async def party(
    codec: Codec, *, crypto: CryptoLine | None = None, key: bytes = b"", mux: bool = False
) -> AsyncIterator[Party]:
    one = Party(codec, crypto=crypto, key=key, mux=mux)
    try:
        yield one
    finally:
        one.close()


async def pump() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def joined(heard: list[tuple[int, Frame]]) -> NDArray[np.int16]:
    return np.concatenate([frame for _, frame in heard])


def likeness(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    """The best correlation within 30 ms: a codec delays a little."""
    length = min(len(one), len(other)) - 240
    first = one[:length].astype(float)
    return max(float(np.corrcoef(first, other[late : late + length])[0, 1]) for late in range(240))


@pytest.mark.parametrize("codec", Codec)
async def test_a_voice_comes_through_both_ways_with_the_clock_of_its_codec(codec: Codec) -> None:
    said = speech()[: 150 * FRAME_SAMPLES]
    async with party(codec) as s:
        s.record()
        s.port.hear(None)
        phone = new_coder(codec)
        for index, frame in enumerate(frames_of(said)):
            s.say(phone.encode(frame))
            s.port._write(frame, index * FRAME_SAMPLES)
            await asyncio.sleep(0.02)
        assert [position for position, _ in s.heard] == list(range(0, len(said), FRAME_SAMPLES))
        assert likeness(said, joined(s.heard)) > 0.9
        voice = [each for each in s.phone.heard if each.payload_type == PAYLOADS[codec]]
        steps = {(later.timestamp - one.timestamp) & 0xFFFFFFFF for one, later in pairwise(voice)}
        assert steps == {codec.facts.clock_rate // 50}
        there = np.concatenate([phone.decode(each.payload) for each in voice])
        assert likeness(said, there) > 0.9


async def test_two_phones_with_the_same_wide_codec_hear_each_other_unopened() -> None:
    for codec in (Codec.G722, Codec.OPUS):
        async with party(codec) as a, party(codec) as b:
            b.port.hear(a.port)
            payloads = [bytes((0xF8, index)) * 20 for index in range(50)]
            for index, payload in enumerate(payloads):
                if index in (10, 30):
                    a.phone.sequence += 1
                    a.phone.timestamp += codec.facts.clock_rate // 50
                    continue
                a.say(payload * 4 if codec is Codec.G722 else payload)
                await asyncio.sleep(0.02)
            told = [each for each in b.phone.heard if each.payload_type == PAYLOADS[codec] and each.payload[0] == 0xF8]
            assert [each.payload[1] for each in told] == [index for index in range(50) if index not in (10, 30)]
            gaps = [(later.sequence - one.sequence) & 0xFFFF for one, later in pairwise(told)]
            assert sum(gaps) == 49
            assert max(gaps) == 2
            b.port.hear(None)
            count = len(told)
            a.say(payloads[0])
            await pump()
            assert len([each for each in b.phone.heard if each.payload[:1] == b"\xf8"]) == count


async def test_what_is_passed_on_unopened_is_recorded_all_the_same() -> None:
    said = speech()[: 100 * FRAME_SAMPLES]
    async with party(Codec.G722) as a, party(Codec.G722) as b:
        a.record()
        b.port.hear(a.port)
        phone = new_coder(Codec.G722)
        for frame in frames_of(said):
            a.say(phone.encode(frame))
            await asyncio.sleep(0.02)
        assert likeness(said, joined(a.heard)) > 0.9
        assert len([each for each in b.phone.heard if each.payload_type == 9]) == 100


@pytest.mark.parametrize(
    ("near", "far"), [(Codec.G722, Codec.OPUS), (Codec.OPUS, Codec.PCMA), (Codec.PCMU, Codec.G722)]
)
async def test_phones_with_different_codecs_understand_each_other(near: Codec, far: Codec) -> None:
    said = speech()[: 150 * FRAME_SAMPLES]
    async with party(near) as a, party(far) as b:
        b.port.hear(a.port)
        speaker, listener = new_coder(near), new_coder(far)
        for frame in frames_of(said):
            a.say(speaker.encode(frame))
            await asyncio.sleep(0.02)
        voice = [each for each in b.phone.heard if each.payload_type == PAYLOADS[far]]
        assert likeness(said, np.concatenate([listener.decode(each.payload) for each in voice])) > 0.85


async def test_packets_of_another_length_are_opened_and_cut_to_frames() -> None:
    async with party(Codec.G722) as a, party(Codec.G722) as b:
        b.port.hear(a.port)
        for _ in range(20):
            a.phone.send(bytes(240), payload_type=9, samples=240)
            await asyncio.sleep(0.03)
        voice = [each for each in b.phone.heard if each.payload_type == 9]
        assert len(voice) == 30
        assert {len(each.payload) for each in voice} == {160}


async def test_a_lost_opus_packet_is_told_by_the_next_one_and_then_not_taken_twice() -> None:
    said = speech()
    frames = frames_of(said)[:100]
    async with party(Codec.OPUS) as s:
        s.record()
        phone = new_coder(Codec.OPUS)
        late: tuple[bytes, int, int] | None = None
        for index, frame in enumerate(frames):
            payload = phone.encode(frame)
            if index == 60:
                late = (payload, s.phone.sequence, s.phone.timestamp)
                s.phone.sequence += 1
                s.phone.timestamp += 960
                continue
            s.say(payload)
            await asyncio.sleep(0.02)
        assert [position for position, _ in s.heard] == list(range(0, 100 * FRAME_SAMPLES, FRAME_SAMPLES))
        assert likeness(said[59 * 160 : 64 * 160], joined(s.heard)[59 * 160 : 66 * 160]) > 0.7
        assert late is not None
        header = struct.pack(">BBHII", 0x80, 96, late[1] & 0xFFFF, late[2] & 0xFFFFFFFF, s.phone.ssrc)
        s.phone.send_raw(header + late[0])
        await pump()
        assert len(s.heard) == 100


async def test_keys_are_sent_by_the_clock_of_the_codec() -> None:
    async with party(Codec.OPUS) as s:
        assert s.port.send_key("7")
        await asyncio.sleep(0.5)
        events = [each for each in s.phone.heard if each.payload_type == 101]
        durations = [struct.unpack(">BBH", each.payload)[2] for each in events]
        assert durations == [960, 1920, 2880, 3840, 4800, 4800, 4800]


async def test_a_peer_may_send_another_codec_of_its_answer_at_any_moment() -> None:
    """RFC 3264 section 7."""
    said = frames_of(speech())[20:40]
    async with party(Codec.PCMA) as s:
        s.record()
        agreement = s.port._agreement
        assert agreement is not None
        also = (Format(0, "PCMU", 8_000), Format(9, "G722", 8_000))
        s.port.agree(replace(agreement, also=also), Address("127.0.0.1", s.phone.port))
        for index, frame in enumerate(said):
            codec = (Codec.PCMA, Codec.PCMU, Codec.G722)[index // 7]
            s.phone.send(new_coder(codec).encode(frame), payload_type=PAYLOADS[codec])
            await asyncio.sleep(0.02)
        s.phone.send(bytes(20), payload_type=18)
        await pump()
        assert [position for position, _ in s.heard] == list(range(0, 20 * FRAME_SAMPLES, FRAME_SAMPLES))
        assert likeness(np.concatenate(said[:14]), joined(s.heard[:14])) > 0.95


async def test_a_change_of_codec_in_mid_call_leaves_no_gap() -> None:
    async with party(Codec.PCMA) as s:
        s.record()
        for codec in (Codec.PCMA, Codec.OPUS, Codec.G722, Codec.PCMA):
            s.agree(codec)
            phone = new_coder(codec)
            for frame in frames_of(speech())[20:30]:
                s.say(phone.encode(frame))
                await asyncio.sleep(0.02)
        assert [position for position, _ in s.heard] == list(range(0, 40 * FRAME_SAMPLES, FRAME_SAMPLES))


# Sealed.


async def test_sealed_media_is_heard_and_neither_forged_nor_repeated_nor_plain_is() -> None:
    ours, theirs = new_key(), new_key()
    async with party(Codec.PCMA, crypto=CryptoLine(1, Suite.SHA1_80, theirs), key=ours) as s:
        s.record()
        s.port.hear(None)
        phone = SecurePackets(Suite.SHA1_80, theirs, ours)
        stranger = SecurePackets(Suite.SHA1_80, new_key(), new_key())

        def packet(index: int) -> bytes:
            return struct.pack(">BBHII", 0x80, 8, index, 160 * index, 7) + bytes([index]) * 160

        for index in range(1, 51):
            sealed = phone.seal(packet(index))
            assert sealed is not None
            s.phone.send_raw(stranger.seal(packet(index)) or b"")
            s.phone.send_raw(packet(index))
            s.phone.send_raw(sealed)
            s.phone.send_raw(sealed)
            s.port._write(speech()[:160], 160 * index)
            await asyncio.sleep(0.02)
        assert len(s.heard) == 50
        assert s.port.counters.refused == 150
        assert s.port.counters.frames_in == 50
        assert len(s.phone.heard) >= 50
        for each in s.phone.heard:
            header = struct.pack(
                ">BBHII", 0x80, each.payload_type | each.marker << 7, each.sequence, each.timestamp, s.port._sender.ssrc
            )
            assert phone.open(header + each.payload) is not None


async def test_a_key_that_comes_back_after_a_while_in_the_clear_goes_on_counting() -> None:
    ours, theirs = new_key(), new_key()
    line = CryptoLine(1, Suite.SHA1_80, theirs)
    async with party(Codec.PCMA, crypto=line, key=ours) as s:
        s.port.hear(None)
        sealing = s.port._seal.packets
        s.agree(Codec.PCMA)
        assert not s.port.is_sealed
        s.port._write(speech()[:160], 0)
        await pump()
        assert len(s.phone.raw[-1]) == 172
        s.agree(Codec.PCMA, crypto=line, key=ours)
        assert s.port._seal.packets is sealing


async def test_wrong_keys_are_silence() -> None:
    async with party(Codec.PCMA, crypto=CryptoLine(1, Suite.SHA1_80, new_key()), key=new_key()) as s:
        s.record()
        wrong = SecurePackets(Suite.SHA1_80, new_key(), new_key())
        for index in range(20):
            s.phone.send_raw(wrong.seal(struct.pack(">BBHII", 0x80, 8, index, 160 * index, 7) + bytes(160)) or b"")
            await asyncio.sleep(0.02)
        assert not s.heard
        assert s.port.counters.refused == 20
        assert s.port.last_heard_at is None


# Reports.


async def reported(s: Party, rtcp: RtpSocket) -> list[Report]:
    await pump()
    return [report for each in rtcp.raw for report in parse_rtcp(each)]


def rtcp_of(s: Party) -> RtpSocket:
    """The peer's second socket, at the port after its media."""
    for _ in range(200):
        try:
            return RtpSocket(port=s.phone.port + 1)
        except OSError:
            s.phone.close()
            s.phone = RtpSocket()
            s.phone.remote = (s.port.local.host, s.port.local.port)
            s.agree(s.codec)
    raise AssertionError("no pair of ports is free")


async def test_we_report_loss_and_jitter_and_learn_the_peers() -> None:
    async with party(Codec.PCMA) as s:
        rtcp = rtcp_of(s)
        rtcp.remote = (s.port.local.host, s.port.local.port + 1)
        s.port.hear(None)
        for index in range(1_000):
            if index % 10 == 9:
                s.phone.sequence += 1
                s.phone.timestamp += 160
            else:
                s.phone.send(bytes(160), payload_type=8)
            s.port._write(speech()[:160], 160 * index)
            await asyncio.sleep(0.02)
        reports = await reported(s, rtcp)
        assert 2 <= len(reports) <= 9  # 20 s
        last = reports[-1]
        assert last.sender is not None
        assert last.sender.packets > 0
        (block,) = last.blocks
        assert block.ssrc == s.phone.ssrc
        assert block.fraction == pytest.approx(0.1, abs=0.03)
        now = asyncio.get_running_loop().time()
        answer = Report(
            ssrc=s.phone.ssrc,
            sender=SenderInfo(ntp=5 << 32, timestamp=1, packets=900, octets=144_000),
            blocks=(
                ReportBlock(
                    ssrc=last.ssrc,
                    fraction=0.25,
                    lost=77,
                    highest=1,
                    jitter=80,
                    last_report=int((now - 0.5) * 65536) & 0xFFFFFFFF,
                    delay=int(0.4 * 65536),
                ),
            ),
        )
        rtcp.send_raw(write_rtcp(answer, "phone"))
        await pump()
        counters = s.port.counters
        assert (counters.peer_lost, counters.peer_loss, counters.peer_jitter_ms) == (77, 0.25, 10.0)
        assert counters.round_trip_ms == pytest.approx(100, abs=1)
        await asyncio.sleep(10)
        (block,) = (await reported(s, rtcp))[-1].blocks
        assert block.last_report == 5 << 16
        rtcp.close()


async def test_reports_share_the_port_where_that_is_agreed_and_are_sealed_where_media_is() -> None:
    ours, theirs = new_key(), new_key()
    line = CryptoLine(1, Suite.SHA1_80, theirs)
    async with party(Codec.PCMA, crypto=line, key=ours, mux=True) as s:
        phone = SecurePackets(Suite.SHA1_80, theirs, ours)
        await asyncio.sleep(10)
        reports = [each for each in s.phone.raw if 192 <= each[1] < 224]
        assert reports
        opened = phone.open_report(reports[0])
        assert opened is not None
        assert len(parse_rtcp(opened)) == 1
        report = Report(
            ssrc=9, blocks=(ReportBlock(ssrc=s.port._sender.ssrc, fraction=0.5, lost=3, highest=1, jitter=0),)
        )
        s.phone.send_raw(phone.seal_report(write_rtcp(report, "phone")) or b"")
        await pump()
        assert s.port.counters.peer_lost == 3
        assert not s.heard


async def test_a_strangers_report_is_neither_believed_nor_answered() -> None:
    """T-S7: from another host, from another port of the same host, and about a stream that is not ours."""
    async with party(Codec.PCMA) as s:
        rtcp = rtcp_of(s)
        stranger, neighbour = RtpSocket("127.0.0.99"), RtpSocket()
        block = ReportBlock(ssrc=s.port._sender.ssrc, fraction=0.9, lost=99, highest=1, jitter=800)
        lie = write_rtcp(Report(ssrc=1, blocks=(block,)), "x")
        other = write_rtcp(
            Report(ssrc=1, blocks=(ReportBlock(ssrc=1, fraction=0.9, lost=99, highest=1, jitter=1),)), "x"
        )
        for sender, data in ((stranger, lie), (neighbour, lie), (rtcp, other)):
            sender.remote = (s.port.local.host, s.port.local.port + 1)
            for _ in range(10):
                sender.send_raw(data)
                await pump()
        await asyncio.sleep(30)
        assert not stranger.raw
        assert not neighbour.raw
        assert rtcp.raw
        assert s.port.counters.peer_lost == 0
        for each in (stranger, neighbour, rtcp):
            each.close()
