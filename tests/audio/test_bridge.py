"""Two who hear each other, and many who do."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.audio.bridge import Bridge, Clock
from gateway.audio.frame import FRAME_SAMPLES, SILENCE, Frame
from gateway.audio.level import SILENT_DBFS, LevelMeter, Verdict, dbfs, rms
from gateway.audio.mix import Conference
from gateway.audio.port import Listener
from gateway.audio.recorder import Channel
from tests.audio.ports import LoosePort


def constant(value: int) -> Frame:
    return np.full(FRAME_SAMPLES, value, dtype=np.int16)


class Notes:
    """A tap that remembers."""

    def __init__(self) -> None:
        self.seen: list[tuple[Channel, int, int, float]] = []

    def listener(self, channel: Channel, clock: Clock) -> Listener:
        return lambda frame, position: self.seen.append((channel, int(frame[0]), position, clock()))


def test_a_bridge_passes_frames_on_in_the_moment_they_arrive() -> None:
    a, b = LoosePort(), LoosePort()
    bridge = Bridge(a, b, lambda: 5.0)
    a.say(constant(1), 0)
    bridge.start()
    notes = Notes()
    bridge.tap(notes)
    frame = constant(2)
    a.say(frame, 160)
    b.say(constant(3), 0)
    assert [(int(each[0]), position) for each, position in b.heard] == [(2, 160)]
    assert b.heard[0][0] is frame
    assert [(int(each[0]), position) for each, position in a.heard] == [(3, 0)]
    assert notes.seen == [(Channel.CALLER, 2, 160, 5.0), (Channel.CALLEE, 3, 0, 5.0)]
    bridge.stop()
    a.say(constant(4), 320)
    assert len(b.heard) == 1
    assert len(notes.seen) == 2
    bridge.stop()


def test_a_tap_can_end_alone_and_twice() -> None:
    a, b = LoosePort(), LoosePort()
    bridge = Bridge(a, b, lambda: 0.0)
    bridge.start()
    first, second = Notes(), Notes()
    stop = bridge.tap(first)
    bridge.tap(second)
    stop()
    stop()
    a.say(constant(1), 0)
    assert first.seen == []
    assert len(second.seen) == 1
    bridge.stop()
    a.say(constant(1), 160)
    assert len(second.seen) == 1


def test_a_party_that_hears_a_prompt_meanwhile_comes_back_with_start() -> None:
    a, b = LoosePort(), LoosePort()
    bridge = Bridge(a, b, lambda: 0.0)
    bridge.start()
    a.hear(None)
    b.say(constant(1), 0)
    assert a.heard == []
    bridge.start()
    b.say(constant(1), 160)
    assert len(a.heard) == 1


class Room:
    """A conference whose parties all say their own number, every 20 ms, in step."""

    def __init__(self, count: int) -> None:
        self.now = 0.0
        self.conference = Conference(lambda: self.now)
        self.ports = [LoosePort() for _ in range(count)]
        self.position = 0

    def run(self, frames: int, *, silent: tuple[int, ...] = ()) -> None:
        for _ in range(frames):
            self.now += 0.010
            for index, port in enumerate(self.ports):
                if index not in silent:
                    port.say(constant(10 ** (index % 4 + 1) // 10), self.position)
            self.position += 160
            self.now += 0.010
            self.conference.tick(self.now)

    def heard(self) -> list[int]:
        return [int(port.heard[-1][0][80]) if port.heard else 0 for port in self.ports]


def test_everyone_hears_all_others_and_never_themselves() -> None:
    room = Room(4)
    for port in room.ports:
        room.conference.add(port)
    room.run(10)
    assert room.heard() == [1110, 1101, 1011, 111]
    assert [position for _, position in room.ports[0].heard] == list(range(0, 1600, 160))


def test_leaving_and_joining() -> None:
    room = Room(4)
    for port in room.ports[:3]:
        room.conference.add(port)
    room.run(5)
    assert room.heard() == [110, 101, 11, 0]
    room.conference.drop(room.ports[0])
    room.conference.drop(room.ports[0])
    before = len(room.ports[0].heard)
    room.conference.add(room.ports[3])
    room.run(5)
    assert room.heard()[1:] == [1100, 1010, 110]
    assert len(room.ports[0].heard) == before
    room.conference.close()
    assert room.conference.ports == ()
    room.run(1)


def test_listening_in_whispering_and_barging_in() -> None:
    room = Room(3)
    customer, agent, boss = room.ports
    room.conference.add(customer)
    room.conference.add(agent)
    room.conference.listen_in(boss)
    room.run(5)
    assert room.heard() == [10, 1, 11]
    room.conference.whisper(boss, agent)
    room.run(5)
    assert room.heard() == [10, 101, 11]
    room.conference.add(boss)
    room.run(5)
    assert room.heard() == [110, 101, 11]
    room.conference.whisper(boss, agent)
    room.conference.drop(agent)
    room.run(5)
    assert room.heard()[0] == 0


def test_a_loud_room_is_limited_and_does_not_wrap() -> None:
    room = Room(0)
    ports = [LoosePort() for _ in range(4)]
    for port in ports:
        room.conference.add(port)
    for tick in range(5):
        for port in ports:
            port.say(constant(30_000), tick * 160)
        room.now += 0.020
        room.conference.tick(room.now)
    assert int(ports[0].heard[-1][0].min()) == 32_767


def test_a_party_whose_packets_stop_fades_and_the_others_go_on() -> None:
    room = Room(3)
    for port in room.ports:
        room.conference.add(port)
    room.run(20)
    # For half a second the noise of the party's room goes on.
    room.run(30, silent=(0,))
    assert room.heard()[1] == 100
    assert room.conference.counters(room.ports[0]).concealed > 0


def test_a_conference_of_nobody() -> None:
    Conference(lambda: 0.0).tick(1.0)


def test_levels() -> None:
    meter = LevelMeter()
    assert (meter.level_dbfs, meter.heard, meter.peak) == (SILENT_DBFS, False, 0)
    for index in range(50):
        meter.feed(SILENCE, index * 0.02)
    assert meter.loud_at is None
    sine = (16_384 * np.sin(2 * np.pi * 1000 * np.arange(FRAME_SAMPLES) / 8000)).astype(np.int16)
    for index in range(50, 60):
        meter.feed(sine, index * 0.02)
    assert meter.heard is True
    assert meter.level_dbfs == pytest.approx(-6.02, abs=0.05)
    assert meter.peak == 16_384
    assert meter.loud_at == pytest.approx(1.18)
    assert rms(sine) == pytest.approx(16_384 / np.sqrt(2), rel=1e-3)
    assert dbfs(0.0) == SILENT_DBFS


def test_verdicts() -> None:
    assert Verdict.of(caller_heard=True, callee_heard=True) == "both-heard"
    assert Verdict.of(caller_heard=False, callee_heard=True) == "caller-silent"
    assert Verdict.of(caller_heard=True, callee_heard=False) == "callee-silent"
    assert Verdict.of(caller_heard=False, callee_heard=False) == "nothing-heard"


def test_a_conference_of_eight_where_each_hears_the_seven_others_and_not_itself() -> None:
    """By tones of whole periods in 20 ms, as loud as they were said."""
    room = Room(0)
    ports = [LoosePort() for _ in range(8)]
    tones = [300 + 250 * index for index in range(8)]
    for port in ports:
        room.conference.add(port)
    for step in range(60):
        at = 2 * np.pi * (step * FRAME_SAMPLES + np.arange(FRAME_SAMPLES)) / 8_000
        room.now += 0.010
        for port, tone in zip(ports, tones, strict=True):
            port.say((2_000 * np.sin(tone * at)).astype(np.int16), step * FRAME_SAMPLES)
        room.now += 0.010
        room.conference.tick(room.now)
    for port, own in zip(ports, tones, strict=True):
        heard = np.concatenate([frame for frame, _ in port.heard[-40:]]).astype(float)
        spectrum = np.abs(np.fft.rfft(heard)) / len(heard) * 2
        levels = [float(spectrum[round(tone * len(heard) / 8_000)]) for tone in tones]
        assert levels == pytest.approx([0 if tone == own else 2_000 for tone in tones], rel=0.02, abs=5)
