"""Media: what comes in is delivered at once, what goes out can be played by any phone (T-S7, T-S8)."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio.codec import Codec
from gateway.audio.frame import FRAME_SAMPLES, Frame
from gateway.audio.g711 import Law, decode, encode
from gateway.errors import AddressInUse
from gateway.sip.pacer import Pacer
from gateway.sip.port_range import PortRange
from gateway.sip.rtp import parse_rtp
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import Agreement, Way
from gateway.sip.transport import Address
from tests.fakes.sip_peer import RtpSocket

PORTS = PortRange(20000, 29999)
CODECS = {Law.ULAW: Codec.PCMU, Law.ALAW: Codec.PCMA}


class Scene:
    """A port of ours and the socket of its peer."""

    def __init__(self) -> None:
        self.port = RtpPort(Pacer(), PORTS)
        self.port.open("127.0.0.1")
        self.peer = RtpSocket()
        self.peer.remote = (self.port.local.host, self.port.local.port)
        self.heard: list[tuple[int, Frame]] = []
        self.keys: list[str] = []
        self.port.listen(lambda frame, position: self.heard.append((position, frame)))
        self.port.tell_keys(self.keys.append)

    def agree(
        self, law: Law = Law.ULAW, *, way: Way = Way.BOTH, event: int | None = 96, host: str = "127.0.0.1"
    ) -> None:
        agreement = Agreement(
            host=host,
            port=self.peer.port,
            codec=CODECS[law],
            payload=0 if law is Law.ULAW else 8,
            event_payload=event,
            way=way,
        )
        self.port.agree(agreement, Address("127.0.0.1", self.peer.port))

    @property
    def positions(self) -> list[int]:
        return [position for position, _ in self.heard]


@asynccontextmanager
async def scene(law: Law = Law.ULAW) -> AsyncIterator[Scene]:
    one = Scene()
    one.agree(law)
    try:
        yield one
    finally:
        one.port.close()
        one.peer.close()


def tone(samples: int = FRAME_SAMPLES, start: int = 0) -> NDArray[np.int16]:
    moments = np.arange(start, start + samples) / 8000
    return np.asarray(8000 * np.sin(2 * np.pi * 440 * moments), dtype=np.int16)


class Loop:
    """A source of a counted number of frames."""

    def __init__(self, frames: int) -> None:
        self.left = frames

    def next_frame(self) -> Frame | None:
        self.left -= 1
        return tone() if self.left >= 0 else None


async def pump() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.parametrize("law", list(Law))
async def test_a_packet_is_a_frame_in_the_same_moment(law: Law) -> None:
    async with scene(law) as s:
        number = 0 if law is Law.ULAW else 8
        for index in range(3):
            s.peer.send(encode(tone(start=160 * index), law), payload_type=number)
            await pump()
            assert len(s.heard) == index + 1
        assert s.positions == [0, 160, 320]
        np.testing.assert_array_equal(s.heard[2][1], decode(encode(tone(start=320), law), law))


async def test_loss_reordering_and_duplicates_are_told_by_position() -> None:
    async with scene() as s:
        packets = []
        for index in range(8):
            header = struct.pack(
                ">BBHII", 0x80, 0, (65534 + index) & 0xFFFF, (2**32 - 320 + 160 * index) & 0xFFFFFFFF, 7
            )
            packets.append(header + bytes(160))
        for index in (0, 1, 3, 2, 2, 5, 7, 0):
            s.peer.send_raw(packets[index])
            await pump()
        assert s.positions == [0, 160, 480, 320, 800, 1120]
        counters = s.port.counters
        assert (counters.duplicates, counters.reordered, counters.lost) == (2, 1, 2)


@pytest.mark.parametrize("samples", [80, 240, 320, 160, 200])
async def test_any_packet_length_becomes_whole_frames(samples: int) -> None:
    async with scene() as s:
        speech = tone(4800)
        for start in range(0, 4800, samples):
            s.peer.send(encode(speech[start : start + samples], Law.ULAW))
            await pump()
        assert s.positions == list(range(0, 4800, 160))
        whole = np.concatenate([frame for _, frame in s.heard])
        np.testing.assert_array_equal(whole, decode(encode(speech, Law.ULAW), Law.ULAW))


@pytest.mark.parametrize("samples", [80, 240])
async def test_a_lost_packet_of_odd_length_shifts_nothing(samples: int) -> None:
    async with scene() as s:
        speech = tone(4800)
        for index, start in enumerate(range(0, 4800, samples)):
            if index in (3, 8):
                s.peer.sequence += 1
                s.peer.timestamp += samples
                continue
            s.peer.send(encode(speech[start : start + samples], Law.ULAW))
            await pump()
        wanted = decode(encode(speech, Law.ULAW), Law.ULAW)
        for position, frame in s.heard:
            there = frame != 0
            np.testing.assert_array_equal(frame[there], wanted[position : position + 160][there])
        assert s.positions == sorted(set(s.positions))


async def test_the_timeline_goes_on_over_a_new_ssrc_and_a_leap_of_the_timestamp() -> None:
    async with scene() as s:
        for change in ("none", "ssrc", "leap", "sequence", "back"):
            match change:
                case "ssrc":
                    s.peer.ssrc, s.peer.sequence, s.peer.timestamp = 99, 40000, 77
                case "leap":
                    s.peer.timestamp += 500_000_000
                case "sequence":
                    s.peer.sequence += 20_000
                case "back":
                    s.peer.timestamp -= 100_000
            for _ in range(5):
                s.peer.send(bytes(160))
                await asyncio.sleep(0.02)
        assert s.positions == [160 * index for index in range(25)]


async def test_a_pause_of_the_sender_is_a_gap_of_that_length() -> None:
    async with scene() as s:
        s.peer.send(bytes(160))
        await asyncio.sleep(1)
        s.peer.timestamp += 7840
        s.peer.send(bytes(160), marker=True)
        await pump()
        assert s.positions == [0, 8000]


async def test_garbage_never_raises_and_is_never_heard(seed: int) -> None:
    source = random.Random(seed)
    async with scene() as s:
        whole = struct.pack(">BBHII", 0x80, 0, 1, 1, 1) + bytes(160)
        s.peer.send_raw(b"")
        for _ in range(3000):
            data = bytearray(whole[: source.randrange(len(whole))])
            for _ in range(source.randrange(5)):
                if data:
                    data[source.randrange(len(data))] = source.randrange(256)
            s.peer.send_raw(bytes(data))
            await pump()
        for payload_type in (13, 19, 72, 101, 127):
            s.peer.send(bytes(160), payload_type=payload_type)
        await pump()
        assert all(len(frame) == 160 for _, frame in s.heard)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80",
        b"\x40" + bytes(20),
        b"\x8f" + bytes(20),
        b"\x90" + bytes(11),
        b"\x90" + bytes(13) + b"\xff\xff",
        b"\xa0" + bytes(20),
        b"\xa0" + bytes(19) + b"\xff",
    ],
)
def test_what_is_no_packet_is_none(data: bytes) -> None:
    assert parse_rtp(data) is None


def test_padding_extension_and_sources_are_taken_off() -> None:
    data = struct.pack(">BBHII", 0xB1, 0x80, 5, 6, 7) + bytes(4) + b"\xbe\xde\0\1" + bytes(4) + b"audio" + b"\0\0\3"
    packet = parse_rtp(data)
    assert packet is not None
    assert (packet.payload, packet.marker, packet.sequence) == (b"audio", True, 5)


def key_packet(code: int, *, end: bool = False, duration: int = 160) -> bytes:
    return struct.pack(">BBH", code, (0x80 if end else 0) | 10, duration)


@pytest.mark.parametrize("missing", [(), (0,), (0, 1), (5, 6, 7), (0, 1, 2, 3, 4), (1, 2, 3, 4, 5, 6, 7)])
async def test_each_key_comes_once_whatever_is_lost(missing: tuple[int, ...]) -> None:
    async with scene() as s:
        for code in (1, 1, 2, 11, 15, 16, 255):
            for index in range(8):
                if index not in missing:
                    s.peer.send(key_packet(code, end=index > 4), payload_type=96, marker=index == 0, samples=0)
                    await pump()
            s.peer.timestamp += 1600
        assert s.keys == ["1", "1", "2", "#", "D"]
        assert not s.heard


async def test_keys_with_one_timestamp_for_all_are_told_apart_by_the_marker() -> None:
    async with scene() as s:
        s.peer.timestamp = 0
        for code in (1, 1, 2, 3):
            for index in range(8):
                s.peer.send(key_packet(code, end=index > 4), payload_type=96, marker=index == 0, samples=0)
                await pump()
        assert s.keys == ["1", "1", "2", "3"]


async def test_keys_go_out_as_rfc_4733_says() -> None:
    async with scene() as s:
        s.port.hear(s.port)
        for key in "15#":
            assert s.port.send_key(key)
        await asyncio.sleep(1)
        events = [packet for packet in s.peer.heard if packet.payload_type == 96]
        assert [packet.payload[0] for packet in events] == [1] * 7 + [5] * 7 + [11] * 7
        for start in (0, 7, 14):
            one = events[start : start + 7]
            assert [packet.marker for packet in one] == [True] + [False] * 6
            assert len({packet.timestamp for packet in one}) == 1
            assert [struct.unpack(">BBH", packet.payload)[2] for packet in one] == [160, 320, 480, 640, 800, 800, 800]
            assert [packet.payload[1] >> 7 for packet in one] == [0, 0, 0, 0, 1, 1, 1]
            gaps = [later.at - earlier.at for earlier, later in pairwise(one)]
            assert gaps == pytest.approx([0.02] * 6, abs=0.005)
        assert events[7].timestamp - events[0].timestamp >= 1280
        sequences = [packet.sequence for packet in s.peer.heard]
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


async def test_frames_go_out_at_once_with_their_positions() -> None:
    async with scene() as s:
        s.port.hear(s.port)
        await pump()
        s.peer.heard.clear()
        for position in (0, 160, 480, 320, 320, 640, 64_000):
            s.port._write(tone(), position)
        await pump()
        first = s.peer.heard[0]
        assert first.marker
        steps = [
            (
                (packet.sequence - first.sequence) & 0xFFFF,
                (packet.timestamp - first.timestamp) & 0xFFFFFFFF,
                packet.marker,
            )
            for packet in s.peer.heard
        ]
        # Loss is a gap in both numbers, a late frame fills it, a double one is dropped, a pause has a marker.
        assert steps == [
            (0, 0, True),
            (1, 160, False),
            (3, 480, False),
            (2, 320, False),
            (4, 640, False),
            (5, 64_000, True),
        ]


async def test_a_new_stream_goes_on_where_the_former_ended() -> None:
    async with scene() as s:
        s.port.play(Loop(10))
        await asyncio.sleep(0.3)
        s.port.hear(s.port)
        s.port._write(tone(), 1_000_000)
        s.port._write(tone(), 1_000_160)
        await pump()
        played, live = s.peer.heard[-12:-2], s.peer.heard[-2:]
        assert [packet.marker for packet in (*played, *live)] == [True] + [False] * 9 + [True, False]
        elapsed = (live[0].timestamp - played[-1].timestamp) & 0xFFFFFFFF
        assert elapsed == round((live[0].at - played[-1].at) * 50) * 160
        assert (live[0].sequence - played[-1].sequence) & 0xFFFF == 1


async def test_a_prompt_is_paced_at_20_ms_and_many_share_one_tick() -> None:
    async with scene() as s:
        started = asyncio.get_running_loop().time()
        s.port.play(Loop(100))
        await asyncio.sleep(3)
        audio = [packet for packet in s.peer.heard if packet.at < started + 2.1]
        times = [packet.at for packet in audio]
        assert len(audio) in (100, 101)
        assert times[-1] - times[0] == pytest.approx(0.02 * (len(times) - 1), abs=0.001)


async def test_silence_is_sent_from_time_to_time_when_nothing_else_is() -> None:
    async with scene() as s:
        s.port.hear(None)
        await asyncio.sleep(10)
        assert 20 <= len(s.peer.heard) <= 30


async def test_nothing_is_sent_to_a_party_that_holds() -> None:
    async with scene() as s:
        s.agree(way=Way.RECEIVE)
        s.peer.heard.clear()
        s.port.play(Loop(100))
        await asyncio.sleep(3)
        assert not s.peer.heard


async def test_another_sender_is_neither_heard_nor_answered() -> None:
    """T-S7: before the first honest packet, after it, and after a hold."""
    async with scene() as s:
        attacker = RtpSocket("127.0.0.99")
        neighbour = RtpSocket()
        attacker.remote = neighbour.remote = s.peer.remote
        s.port.hear(s.port)
        for round_ in range(3):
            for _ in range(10):
                attacker.send(bytes([1] * 160))
                neighbour.send(bytes([1] * 160))
                await asyncio.sleep(0.02)
            for _ in range(50):
                s.peer.send(bytes([2] * 160))
                attacker.send(bytes([1] * 160))
                neighbour.send(bytes([1] * 160))
                await asyncio.sleep(0.02)
            if round_ == 1:
                s.agree(way=Way.RECEIVE)
                s.agree()
        assert not attacker.heard
        assert not neighbour.heard
        honest = decode(bytes([2] * 160), Law.ULAW)
        assert len(s.heard) == 150
        assert all((frame == honest).all() for _, frame in s.heard)
        attacker.close()
        neighbour.close()


async def test_another_port_of_the_same_host_is_learned_when_the_described_one_stays_silent() -> None:
    async with scene() as s:
        moved = RtpSocket()
        moved.remote = s.peer.remote
        for _ in range(50):
            moved.send(bytes(160))
            await asyncio.sleep(0.02)
        assert 20 <= len(s.heard) <= 26
        assert s.port.remote == Address("127.0.0.1", moved.port)
        moved.close()


async def test_behind_a_nat_the_first_packet_shows_the_port() -> None:
    s = Scene()
    s.agree(host="192.168.77.7")
    moved = RtpSocket()
    moved.remote = s.peer.remote
    moved.send(bytes(160))
    await pump()
    assert len(s.heard) == 1
    assert s.port.remote == Address("127.0.0.1", moved.port)
    moved.close()
    s.port.close()
    s.peer.close()


async def test_ports_come_in_pairs_from_the_range_and_go_back() -> None:
    narrow = PortRange(21010, 21013)
    ports = [RtpPort(Pacer(), narrow) for _ in range(3)]
    ports[0].open("127.0.0.1")
    ports[1].open("127.0.0.1")
    assert {port.local.port for port in ports[:2]} == {21010, 21012}
    with pytest.raises(AddressInUse, match="rtp_ports"):
        ports[2].open("127.0.0.1")
    ports[0].close()
    ports[2].open("127.0.0.1")
    for port in ports:
        port.close()
        port.close()


async def test_a_frame_is_through_in_less_than_a_fifth_of_a_millisecond() -> None:
    """From the packet in the socket to the listener; the median, so that a busy machine does not decide."""
    async with scene() as s:
        took = []
        for _ in range(300):
            s.peer.send(bytes(160))
            started = time.thread_time()
            s.port.wire._read(s.port.wire.rtp)  # type: ignore[arg-type]  # it is open
            took.append(time.thread_time() - started)
        assert len(s.heard) == 300
        assert sorted(took)[150] < 0.0002
