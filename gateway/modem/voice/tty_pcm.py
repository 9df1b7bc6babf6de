"""Voice over a serial port: s16le, mono, 8 kHz, in blocks of 20 ms (SIMCom: 40 ms).

The modem's crystal is the clock of both directions: each block that is read says that one block of
ours was taken. What is to be written when is decided by the play-out buffer; prompts are kept two
frames ahead, and more where the machine proves busy. Nothing is written before the first block of a
call has come, because a modem that does not carry a call yet throws away what it is given.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.audio.device_clock import Steadiness
from gateway.audio.dtmf import dtmf_tone
from gateway.audio.frame import FRAME_BYTES, FRAME_MS, FRAME_SAMPLES, FRAME_SECONDS, SILENCE, Frame
from gateway.audio.leveller import Leveller
from gateway.audio.playout import Playout
from gateway.audio.port import MEASURED_SAMPLES, FrameSource, MediaPort, PortCounters
from gateway.audio.speex import VoiceCleaner
from gateway.media_loop import Deadline, deadline
from gateway.modem.serial_port import SerialPort
from gateway.modem.voice.device import VoiceDevice, VoiceTaker
from gateway.modem.voice.frame_cutter import FrameCutter

PROMPT_AHEAD_FRAMES = 2
MOST_AHEAD_FRAMES = 4
BOUND_FRAMES = 5
KEY_MS = 160
_EARLY_FRAMES = 10
_GAP_SECONDS = 0.060
_BURST_SECONDS = 0.040
"""What a modem, or the machine, has kept through a pause comes within this time after it, in several pieces."""
_COUNTED_SAMPLES = 10 * FRAME_SAMPLES
_SMOOTHED = 0.1
"""Five looks a second: the delay of about the last two seconds."""


@dataclass(slots=True)
class _Pause:
    """Of the modem: nothing came from `begun` to `ended` (loop time)."""

    begun: float
    ended: float
    frames: int = 0
    """What has come since."""


class VoiceTty:
    """The voice port of a modem: open as long as the modem is served; each call has a MediaPort of its own."""

    def __init__(self, path: str, on_lost: Callable[[], None], steadiness: Steadiness) -> None:
        self.path = path
        self.steadiness = steadiness
        self._on_lost = on_lost
        self._serial: SerialPort | None = None
        self._unsent = b""
        self._call: VoiceTaker | None = None

    @property
    def is_open(self) -> bool:
        """Whether audio can pass."""
        return self._serial is not None and self._serial.is_open

    async def open(self) -> None:
        """Open the port; nothing where it is open. Raises PortBusy or ModemLost."""
        if not self.is_open:
            self._serial = SerialPort(self.path, self._received, self._on_lost, carries_voice=True)

    def close(self) -> None:
        """Close the port; idempotent."""
        if self._serial is not None:
            self._serial.close()
            self._serial = None

    def connect(self, call: VoiceTaker) -> None:
        """From now on this call's audio passes; what is left of the last one is dropped."""
        self._call = call
        self._unsent = b""
        if self._serial is not None:
            self._serial.flush_input()

    def disconnect(self, call: VoiceTaker) -> None:
        """The call is over; another call's connection stays."""
        if self._call is call:
            self._call = None

    def write(self, frames: Sequence[Frame]) -> int:
        """Write whole frames; the count of those that fitted. What was begun is finished first."""
        if self._serial is None:
            return 0
        if self._unsent:
            self._unsent = self._unsent[self._serial.write_or_drop(self._unsent) :]
            if self._unsent:
                return 0
        data = frames[0].tobytes() if len(frames) == 1 else b"".join([frame.tobytes() for frame in frames])
        sent = self._serial.write_or_drop(data)
        if sent == len(data):
            return len(frames)
        begun = -(-sent // FRAME_BYTES)
        self._unsent = data[sent : begun * FRAME_BYTES]
        return begun

    def _received(self, data: bytes) -> None:
        if self._call is not None:
            self._call.received(data)


class TtyPcmPort(MediaPort):
    """The audio of one call. `open` it before the modem's voice is switched on, `close` it after the call."""

    wire_codec = "gsm"

    def __init__(
        self,
        device: VoiceDevice,
        *,
        block_frames: int,
        leveller: Leveller | None = None,
        cleaner: VoiceCleaner | None = None,
    ) -> None:
        """`cleaner` takes noise or echo out of what the party says, `leveller` evens it out."""
        super().__init__()
        self._leveller = leveller
        self._cleaner = cleaner
        self._in_device: deque[Frame] = deque(maxlen=BOUND_FRAMES)
        """For the cleaner: what the modem was given and has not taken yet."""
        self.last_arrival: float | None = None
        """Loop time of the newest block; None before the first one."""
        self._pause: _Pause | None = None
        """One of which it is not known yet whether anything was lost."""
        self._device = device
        self._block_frames = block_frames
        self._playout = Playout(block_frames=block_frames, bound_frames=BOUND_FRAMES, steadiness=device.steadiness)
        self._cutter = FrameCutter()
        self._position = 0
        self._source: FrameSource | None = None
        self._ahead = max(PROMPT_AHEAD_FRAMES, block_frames)
        self._early: deque[tuple[Frame, int]] = deque(maxlen=_EARLY_FRAMES)
        self._tone: deque[Frame] = deque()
        self._is_open = False
        self._is_paused = False
        self._gap_seconds = _GAP_SECONDS + block_frames * FRAME_SECONDS
        self._now = asyncio.get_running_loop().time
        self._deadline: Deadline | None = None

    def open(self) -> None:
        """Drop what an earlier call left in the port, and let audio pass."""
        self._is_open = True
        if self._deadline is None:
            self._deadline = deadline(self._conceal)
        self._device.connect(self)

    def close(self) -> None:
        """The call is over: nothing is read, written or awaited any more."""
        self._is_open = False
        self._leave()
        self._source = None
        self._early.clear()
        self._device.disconnect(self)
        if self._deadline is not None:
            self._deadline.close()
            self._deadline = None
        self._count()

    def pause(self, paused: bool) -> None:
        """The modem's buffer is full (True) or has room again (Quectel's +QPCMV news)."""
        self._is_paused = paused

    def play_key(self, key: str) -> None:
        """Press a key by its tone, in place of what the party would have heard meanwhile."""
        tone = dtmf_tone(key, KEY_MS)
        self._tone.extend(tone[start : start + FRAME_SAMPLES] for start in range(0, len(tone), FRAME_SAMPLES))

    def received(self, data: bytes) -> None:
        """For the device: these bytes have come from the modem."""
        now = self._now()
        counters = self.counters
        counters.bytes_in += len(data)
        frames = self._cutter.feed(data, now)
        if not frames:
            return
        count = len(frames)
        last, self.last_arrival = self.last_arrival, now
        if last is not None and now - last > self._gap_seconds and self._pause is None:
            self._pause = _Pause(last, now)
        if self._pause is not None:
            self._account_for(self._pause, now, count)
        counters.frames_in += count
        if self._cleaner is not None:
            frames = [self._cleaner.cleaned(frame, self._taken()) for frame in frames]
        if self._leveller is not None:
            frames = [self._leveller.levelled(frame) for frame in frames]
        position = self._position
        self._position = position + count * FRAME_SAMPLES
        for frame in frames:
            if not position % MEASURED_SAMPLES:
                self.level.feed(frame, now)
            for listener in self._listeners:
                listener(frame, position)
            position += FRAME_SAMPLES
        if last is None or self._source is not None or self._tone:
            self._consumed_otherwise(now, count, is_first=last is None)
        else:
            written = self._playout.consumed(now, count)
            if written:
                self._put(written)
        self._arm(now)
        if not position % _COUNTED_SAMPLES:
            self._count()

    def _taken(self) -> Frame:
        """The frame that the modem has taken with the one that it gave."""
        return self._in_device.popleft() if self._in_device else SILENCE

    def _consumed_otherwise(self, now: float, count: int, *, is_first: bool) -> None:
        """The modem has taken frames while it hears a prompt or a key, or for the first time."""
        if self._source is not None and self._playout.fill_frames < count and not is_first:
            # The prompt has just starved: this machine is busy, and needs more in hand.
            self._ahead = min(self._ahead + 1, MOST_AHEAD_FRAMES)
        self._put(self._playout.consumed(now, count))
        if is_first:
            while self._early:
                self._put(self._playout.arrive(*self._early.popleft(), now))
        if self._source is not None:
            self._pull()
        while self._tone and self._playout.fill_frames < self._block_frames:
            self._playout.wrote(1)
            self._put([self._tone[0]])

    def _restart(self, source: FrameSource | None) -> None:
        self._playout.restart(self._now())
        self._early.clear()
        self._source = source
        if source is not None and self.last_arrival is not None:
            self._pull()

    def _write(self, frame: Frame, position: int) -> None:
        if not self._is_open or self.last_arrival is None:
            self._early.append((frame, position))
            return
        now = self._now()
        written = self._playout.arrive(frame, position, now)
        if written:
            self._put(written)
        self._arm(now)

    def _pull(self) -> None:
        """Keep the modem a little ahead of its next read."""
        while self._source is not None and self._playout.fill_frames < self._ahead:
            frame = self._source.next_frame()
            if frame is None:
                self._source = None
                return
            self._playout.wrote(1)
            self._put([frame])

    def _put(self, frames: list[Frame]) -> None:
        counters = self.counters
        count = len(frames)
        if not frames or not self._is_open or self._is_paused:
            counters.dropped += count
            return
        if self._tone:
            frames = [self._tone.popleft() if self._tone else frame for frame in frames]
        sent = self._device.write(frames)
        if self._cleaner is not None:
            self._in_device.extend(frames[:sent])
        counters.frames_out += sent
        counters.bytes_out += sent * FRAME_BYTES
        if sent != count:
            counters.dropped += count - sent

    def _arm(self, now: float) -> None:
        """The voice must go on by then, with what is here or with what is made up."""
        if self._deadline is not None:
            self._deadline.set(self._playout.deadline(now) if self._source is None else None)

    def _conceal(self) -> None:
        now = self._now()
        if self._is_open and self._source is None:
            self._put(self._playout.conceal(now))
            self._arm(now)
            self._count()

    def _account_for(self, pause: _Pause, now: float, frames: int) -> None:
        """What is still missing a moment after a pause was kept by nobody: a jump of the modem's timeline."""
        pause.frames += frames
        missing = int((now - pause.begun) / FRAME_SECONDS + 0.5) - pause.frames
        if missing >= 2 and now < pause.ended + _BURST_SECONDS:
            return
        self._pause = None
        if missing >= 2:
            self._position += missing * FRAME_SAMPLES
            self.counters.lost += missing
            self.counters.gaps += 1

    def settled(self) -> PortCounters:
        """The buffer's own are counted there."""
        self._count()
        return self.counters

    def _count(self) -> None:
        """The buffer's counters are ours to show: now and then, and where something had to be made up."""
        counters = self._playout.counters
        self.counters.concealed = counters.concealed
        self.counters.duplicates = counters.duplicates
        self.counters.reordered = counters.reordered
        self.counters.late = counters.late
        self.counters.delay_ms += _SMOOTHED * (self._playout.depth_frames * FRAME_MS - self.counters.delay_ms)
