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

from gateway.audio.device_clock import Steadiness
from gateway.audio.dtmf import dtmf_tone
from gateway.audio.frame import FRAME_BYTES, FRAME_SAMPLES, FRAME_SECONDS, Frame
from gateway.audio.playout import Playout
from gateway.audio.port import FrameSource, MediaPort
from gateway.modem.serial_port import SerialPort
from gateway.modem.voice.frame_cutter import FrameCutter

PROMPT_AHEAD_FRAMES = 2
MOST_AHEAD_FRAMES = 4
BOUND_FRAMES = 5
KEY_MS = 160
_EARLY_FRAMES = 10
_GAP_SECONDS = 0.060


class VoiceTty:
    """The voice port of a modem: open as long as the modem is served; each call has a MediaPort of its own."""

    def __init__(self, path: str, on_lost: Callable[[], None], steadiness: Steadiness) -> None:
        self.path = path
        self.steadiness = steadiness
        self._on_lost = on_lost
        self._serial: SerialPort | None = None
        self._unsent = b""
        self._call: TtyPcmPort | None = None

    @property
    def is_open(self) -> bool:
        """Whether audio can pass."""
        return self._serial is not None and self._serial.is_open

    def open(self) -> None:
        """Open the port; nothing where it is open. Raises PortBusy or ModemLost."""
        if not self.is_open:
            self._serial = SerialPort(self.path, self._received, self._on_lost)

    def close(self) -> None:
        """Close the port; idempotent."""
        if self._serial is not None:
            self._serial.close()
            self._serial = None

    def connect(self, call: TtyPcmPort) -> None:
        """From now on this call's audio passes; what is left of the last one is dropped."""
        self._call = call
        self._unsent = b""
        if self._serial is not None:
            self._serial.flush_input()

    def disconnect(self, call: TtyPcmPort) -> None:
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
        data = b"".join([frame.tobytes() for frame in frames])
        sent = self._serial.write_or_drop(data)
        begun = -(-sent // FRAME_BYTES)
        self._unsent = data[sent : begun * FRAME_BYTES]
        return begun

    def _received(self, data: bytes) -> None:
        if self._call is not None:
            self._call.received(data)


class TtyPcmPort(MediaPort):
    """The audio of one call. `open` it before the modem's voice is switched on, `close` it after the call."""

    def __init__(self, device: VoiceTty, *, block_frames: int) -> None:
        super().__init__()
        self.last_arrival: float | None = None
        """Loop time of the newest block; None before the first one."""
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
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Drop what an earlier call left in the port, and let audio pass."""
        self._is_open = True
        self._device.connect(self)

    def close(self) -> None:
        """The call is over: nothing is read, written or awaited any more."""
        self._is_open = False
        self._leave()
        self._source = None
        self._early.clear()
        self._device.disconnect(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def pause(self, paused: bool) -> None:
        """The modem's buffer is full (True) or has room again (Quectel's +QPCMV news)."""
        self._is_paused = paused

    def play_key(self, key: str) -> None:
        """Press a key by its tone, in place of what the party would have heard meanwhile."""
        tone = dtmf_tone(key, KEY_MS)
        self._tone.extend(tone[start : start + FRAME_SAMPLES] for start in range(0, len(tone), FRAME_SAMPLES))

    def received(self, data: bytes) -> None:
        """For the device: these bytes have come from the modem."""
        now = self._loop.time()
        self.counters.bytes_in += len(data)
        frames = self._cutter.feed(data, now)
        if not frames:
            return
        self._account_for_gap(now, len(frames))
        is_first = self.last_arrival is None
        self.last_arrival = now
        for frame in frames:
            self.counters.frames_in += 1
            self._deliver(frame, self._position)
            self._position += FRAME_SAMPLES
        if self._source is not None and self._playout.fill_frames < len(frames) and not is_first:
            # The prompt has just starved: this machine is busy, and needs more in hand.
            self._ahead = min(self._ahead + 1, MOST_AHEAD_FRAMES)
        self._put(self._playout.consumed(now, len(frames)))
        if is_first:
            while self._early:
                self._put(self._playout.arrive(*self._early.popleft(), now))
        if self._source is not None:
            self._pull()
        while self._tone and self._playout.fill_frames < self._block_frames:
            self._playout.wrote(1)
            self._put([self._tone[0]])
        self._arm(now)
        self._count()

    def _restart(self, source: FrameSource | None) -> None:
        self._playout.restart(self._loop.time())
        self._early.clear()
        self._source = source
        if source is not None and self.last_arrival is not None:
            self._pull()

    def _write(self, frame: Frame, position: int) -> None:
        if not self._is_open or self.last_arrival is None:
            self._early.append((frame, position))
            return
        now = self._loop.time()
        self._put(self._playout.arrive(frame, position, now))
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
        if not frames or not self._is_open or self._is_paused:
            self.counters.dropped += len(frames)
            return
        if self._tone:
            frames = [self._tone.popleft() if self._tone else frame for frame in frames]
        sent = self._device.write(frames)
        self.counters.frames_out += sent
        self.counters.bytes_out += sent * FRAME_BYTES
        self.counters.dropped += len(frames) - sent

    def _arm(self, now: float) -> None:
        """One lazy timer: a deadline only moves later, so that it is asked for again when the timer fires."""
        if self._timer is None and self._source is None:
            due = self._playout.deadline(now)
            if due is not None:
                self._timer = self._loop.call_at(due, self._conceal)

    def _conceal(self) -> None:
        self._timer = None
        now = self._loop.time()
        if self._is_open and self._source is None:
            self._put(self._playout.conceal(now))
            self._arm(now)

    def _account_for_gap(self, now: float, frames: int) -> None:
        """A pause of the modem itself, with nothing kept for us behind it, is a jump of its timeline."""
        if self.last_arrival is None:
            return
        passed = now - self.last_arrival
        missing = int(passed / FRAME_SECONDS + 0.5) - frames
        if passed > _GAP_SECONDS + self._block_frames * FRAME_SECONDS and missing >= 2:
            self._position += missing * FRAME_SAMPLES
            self.counters.lost += missing

    def _count(self) -> None:
        """The buffer's counters are ours to show."""
        counters = self._playout.counters
        self.counters.concealed = counters.concealed
        self.counters.duplicates = counters.duplicates
        self.counters.reordered = counters.reordered
