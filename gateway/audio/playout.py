"""Playout: the jitter buffer of a sink whose device has a FIFO of its own. No clock, no timer, no port inside.

The frames that are read from a modem's voice port come by the same crystal that consumes what is
written to it, so frames written minus frames consumed is the fill of the modem's FIFO. While the
next read of the modem is covered by that fill, frames wait here, where they can still be put in
order, thrown away or shortened; while it is not, a frame is written in the moment in which it
arrives. When the next read is about to find too little, the voice is continued by concealment.

A packet that comes after its turn was concealed is played all the same: that much jitter exists,
and the delay has grown by what was made up. Only the first late one in a while, on a line that is even, is given
up, with all that was held up together with it: it tells nothing of those to come, and playing it would cost a delay
for seconds and stretch a sentence (docs/decisions/bad-networks.md). Delay that no packet of the
last seconds has needed is given back: samples are taken out in silence, or a whole pitch period of a voice. The
same two movements follow the drift between the peer's clock and the modem's crystal.

All times are seconds of one monotonic clock; positions are samples, see `gateway.audio.port`.
"""

from __future__ import annotations

from collections import deque
from math import ceil

import numpy as np

from gateway.audio.delay import DelayMeter
from gateway.audio.device_clock import TIMER_GRAIN_SECONDS, DeviceClock, Steadiness
from gateway.audio.frame import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, SILENCE, Frame
from gateway.audio.late_frames import LateFrames
from gateway.audio.splice import PlayoutCounters, Splice


class Playout:
    """One stream on its way into one device.

    The owner writes every frame that a method returns to the device at once, tells `consumed` whenever
    the device has taken frames, and calls `conceal` at `deadline`. A deadline only ever moves later
    by the other calls, so that one lazy timer serves: when it fires, ask again.

    `block_frames` is what the device takes at one read (2 for SIMCom's 40 ms), `bound_frames` the most
    that its FIFO is ever given, `longest_ms` the most that lies before a frame, here and there together.
    With a `steadiness`, as much sound is kept in the device as the machine's own stalls ask for: nothing
    where it is always in time. With two `lanes` frames are of 16 kHz, 160 pairs of samples each; positions and all that
    is counted stay those of 8 kHz.
    """

    def __init__(
        self,
        *,
        block_frames: int = 1,
        bound_frames: int = 5,
        longest_ms: int = 200,
        steadiness: Steadiness | None = None,
        lanes: int = 1,
    ) -> None:
        if not 1 <= block_frames <= bound_frames:
            raise ValueError(f"A block of {block_frames} frames does not fit into a bound of {bound_frames}.")
        self.counters = PlayoutCounters()
        self._block = block_frames
        self._bound = bound_frames
        self._period = block_frames * FRAME_SECONDS
        self._block_samples = block_frames * FRAME_SAMPLES
        # The device.
        self._fill = 0
        self._clock = DeviceClock(block_frames=block_frames, period=self._period, steadiness=steadiness)
        self._cushion = 0
        """Frames that are kept in the device beyond its next read, for stalls of this machine."""
        self._covered = block_frames
        """Frames in the device with which nothing more is wanted before its next read."""
        # The stream.
        self._held: dict[int, Frame] = {}
        self._flowing = False
        self._next_position = 0
        self._highest = 0
        self._highest_at = 0.0
        self._debt = 0
        self._stand_in: int | None = None
        self._played: deque[int] = deque(maxlen=_REMEMBERED)
        # Its delay.
        longest_samples = longest_ms * SAMPLE_RATE // 1000 + FRAME_SAMPLES
        self._delay = DelayMeter(block_samples=self._block_samples, longest_samples=longest_samples)
        self._splice = Splice(self._delay, self.counters, lanes=lanes)
        self._silence: Frame = SILENCE if lanes == 1 else np.zeros((FRAME_SAMPLES, lanes), dtype=np.int16)
        self._late = LateFrames()

    @property
    def depth_frames(self) -> float:
        """Frames between the next sample that the device takes and the newest that is here."""
        return (self._fill * FRAME_SAMPLES + len(self._splice.rest)) / FRAME_SAMPLES + len(self._held)

    @property
    def fill_frames(self) -> int:
        """Frames that are in the device's own FIFO, by our count."""
        return self._fill

    def wrote(self, count: int) -> None:
        """The owner has written `count` frames of its own (a prompt) to the device."""
        self._fill = min(self._bound, self._fill + count)

    def restart(self, now: float) -> None:
        """A new stream begins with the next frame; what is in the device is played out."""
        del now  # nothing of a stream outlives it; the device's clock goes on
        self._held.clear()
        self._splice.forget()
        self._flowing = False

    def arrive(self, frame: Frame, position: int, now: float) -> list[Frame]:
        """A frame has come from the peer. Returns the frames to write to the device now."""
        if position == self._next_position and self._flowing and not self._held and not self._debt:
            next_read, fill = self._clock.next_read, self._fill
            if next_read is not None and fill < self._covered and self._splice.is_plain:
                spare = next_read - self._clock.guard - now
                if spare > TIMER_GRAIN_SECONDS:
                    # Nearly always: its turn has come, and it covers the device's next read.
                    self._highest, self._highest_at = position, now
                    if self._delay.note(now, spare, fill * FRAME_SAMPLES):
                        self._review(now)
                    self._next_position = position + FRAME_SAMPLES
                    self._played.append(position)
                    self._stand_in = self._late.skipping_since = None
                    self._splice.played(frame)
                    self._fill = fill + 1
                    self.counters.written += 1
                    return [frame]
        return self._arrive(frame, position, now)

    def _arrive(self, frame: Frame, position: int, now: float) -> list[Frame]:
        """The same, wherever anything is out of the ordinary."""
        cushion: list[Frame] = []
        if self._flowing and position == self._next_position and not self._held and not self._debt:
            pass  # its turn has come, nothing else waits: nearly always
        elif not self._flowing or self._is_jump(position, now):
            cushion = self._laid_under(now)
            self._anchor(position)
        elif position in self._held or position in self._played:
            self.counters.duplicates += 1
            return []
        elif self._debt and self._is_given_up(position, now):
            return []
        if position < self._highest:
            self.counters.reordered += 1
        else:
            self._highest, self._highest_at = position, now
        wanted = self._note_arrival(position, now)
        if not wanted:
            return cushion
        self._held[position] = frame
        if len(self._held) > 1 or self._fill > self._block:
            self._bound_delay()
        return cushion + self._pump(now)

    def consumed(self, now: float, count: int = 1) -> list[Frame]:
        """The device has taken `count` frames. Returns the frames to write to it now."""
        self._clock.follow(now, count)
        fill = self._fill - count
        if fill < 0:
            if self._flowing and self._played:
                self._starved(-fill, now)
            fill = 0
        self._fill = fill
        return self._pump(now) if self._held or self._splice.rest.size else []

    def deadline(self, now: float) -> float | None:
        """When `conceal` must be called, unless something arrives before; None: not at all."""
        clock, fill = self._clock, self._fill
        if not self._flowing or clock.next_read is None or fill >= self._bound:
            return None
        if fill < self._block and clock.is_read_under_way(now):
            # Too late for this read: what is made up now would stay in the device as delay that nobody sees.
            return clock.next_read + clock.PATIENCE_SECONDS
        clock.promised = due = clock.next_read + fill // self._block * self._period - clock.guard
        return due

    def conceal(self, now: float, *, is_before_read: bool = False) -> list[Frame]:
        """Cover the next read of the device, by what is held or by what is made up. Returns frames to write now.

        `is_before_read`: the owner is the device, and takes its next block after this call.
        """
        self._clock.learn_lateness(now)
        due = self.deadline(now)
        if not is_before_read and (due is None or now < due - TIMER_GRAIN_SECONDS):
            return []
        written = self._pump(now)
        while self._fill < self._required(now) and self._flowing:
            written.append(self._made_up())
            written += self._pump(now)
        return written

    # The stream's order.

    def _starved(self, count: int, now: float) -> None:
        """The device has found so many frames too few: its own silence stood for what is late, or lost."""
        self.counters.underruns += count
        self._clock.learn_lateness(now)
        position = self._next_position
        if self._held and position not in self._held:
            self._next_position += count * FRAME_SAMPLES
            return
        self._owe(count)
        if position in self._held and self._is_given_up(position, now):
            del self._held[position]

    def _owe(self, count: int) -> None:
        """Something was heard in place of as many frames; if it goes on like this the stream is over."""
        self._debt += count
        if self._debt > _IDLE_FRAMES:
            self._flowing = False

    def _anchor(self, position: int) -> None:
        self.counters.dropped += len(self._held)
        self._held.clear()
        self._played.clear()
        self._flowing = True
        self._next_position = self._highest = position
        self._stand_in = None
        self._debt = self._splice.owed = 0
        self._late.skipping_since = self._clock.promised = None
        self._delay.begin(self._fill * FRAME_SAMPLES + len(self._splice.rest))

    def _laid_under(self, now: float) -> list[Frame]:
        """Silence before the first frame of a stream, as much as this machine's stalls ask for."""
        next_read = self._clock.next_read
        spare = self._period if next_read is None else next_read - self._clock.guard - now
        self._keep(self._cushion_for(now, spare))
        count = max(0, self._cushion - self._fill)
        self._fill += count
        self.counters.written += count
        return [self._silence] * count

    def _review(self, now: float) -> None:
        spare = self._delay.usual_spare()
        if spare is not None:
            self._keep(self._cushion_for(now, spare))
        self._delay.review(now, self._clock.in_hand(now), self._cushion * FRAME_SAMPLES)

    def _keep(self, cushion: int) -> None:
        self._cushion = cushion
        self._covered = min(self._bound, self._block + cushion)

    def _cushion_for(self, now: float, spare: float) -> int:
        """Frames for stalls like those of the last minute, by which packets that come `spare` early are not hit."""
        stall = self._clock.in_hand(now)
        if stall <= spare:
            return 0
        return min(self._bound - self._block, ceil(min(stall, stall - spare) / FRAME_SECONDS))

    def _is_jump(self, position: int, now: float) -> bool:
        """A step of the sender's timeline that no loss and no reordering explains."""
        ahead = position - self._highest - (now - self._highest_at) * SAMPLE_RATE
        return ahead > _JUMP_AHEAD or position < self._next_position - _JUMP_BACK

    def _is_given_up(self, position: int, now: float) -> bool:
        """Decide whether what was made up while nothing was here stood for lost frames, or for late ones.

        True: this one is late, and for once it is not played any more.
        """
        missing = max(0, round((position - self._next_position) / FRAME_SAMPLES))
        lost = min(self._debt, missing)
        inserted = self._debt - lost
        self._debt = 0
        if inserted and self._late.is_exception(now, is_even=self._delay.is_even):
            self.counters.late += 1
            self._next_position += (lost + inserted) * FRAME_SAMPLES
            self._stand_in = None
            return position < self._next_position
        if inserted:
            skipped = self._late.given_up(inserted, max(0, self._delay.room // FRAME_SAMPLES), now)
            lost += skipped
            self.counters.late += 1
            if inserted > skipped:
                self._splice.has_grown((inserted - skipped) * FRAME_SAMPLES)
        self._next_position += lost * FRAME_SAMPLES
        self._stand_in = self._next_position - FRAME_SAMPLES if lost else None
        return False

    def _note_arrival(self, position: int, now: float) -> bool:
        """Measure how early the frame is; False when its turn has passed for good."""
        ahead = position - self._next_position
        if -FRAME_SAMPLES < ahead < FRAME_SAMPLES and ahead:
            # The sender's timeline has slipped by less than a frame: nothing to wait for.
            self._next_position = position
            ahead = 0
        queued = self._fill * FRAME_SAMPLES + len(self._splice.rest) + ahead
        spare = 0.0
        if self._clock.next_read is not None:
            spare = self._clock.next_read - self._clock.guard - now
            if self._delay.note(now, spare, queued):
                self._review(now)
        if ahead >= 0:
            return True
        self.counters.late += 1
        if self._late.is_exception(now, is_even=self._delay.is_even):
            return False
        if position == self._stand_in and ahead == -FRAME_SAMPLES and self._delay.room >= FRAME_SAMPLES:
            # Only its stand-in has been played, nothing after it: it still has its place.
            self._next_position = position
            self._stand_in = None
            self._splice.has_grown(FRAME_SAMPLES)
            return True
        if self._clock.next_read is not None:
            needed = ceil(-spare / self._period) * self._block_samples - queued
            self._splice.owed = max(self._splice.owed, min(needed, self._delay.room))
        return False

    def _bound_delay(self) -> None:
        """Drop the oldest frames that wait while more waits than may."""
        end = max(self._held) + FRAME_SAMPLES
        waiting = self._fill * FRAME_SAMPLES + len(self._splice.rest)
        while waiting + end - self._next_position > self._delay.limit:
            if self._held.pop(self._next_position, None) is not None:
                self.counters.dropped += 1
            self._next_position += FRAME_SAMPLES
            self._stand_in = None
            self._delay.moved(-FRAME_SAMPLES)
            self._splice.owed = 0

    # What is written.

    def _required(self, now: float) -> int:
        """How many frames the device must hold: enough for its next read, or for the one that we have not heard of."""
        if self._clock.next_read is None or now < self._clock.next_read - self._clock.guard - TIMER_GRAIN_SECONDS:
            return self._block
        reads = int((now + self._clock.guard + TIMER_GRAIN_SECONDS - self._clock.next_read) / self._period) + 1
        return min(self._bound, self._block * reads)

    def _pump(self, now: float) -> list[Frame]:
        written: list[Frame] = []
        if not self._held and len(self._splice.rest) < FRAME_SAMPLES:
            return written
        if self._fill < self._block and self._clock.is_read_under_way(now):
            # What is written now would be counted as taken, and stay behind as delay that nobody sees. The
            # report is due within the moment; if it does not come, `conceal` goes on without it.
            return written
        required = min(self._bound, self._required(now) + self._cushion)
        while self._fill < required:
            frame = self._take()
            if frame is None:
                break
            written.append(frame)
            self._fill += 1
            self.counters.written += 1
        return written

    def _take(self) -> Frame | None:
        """The next 20 ms of what is held, as it is or with samples taken out or put in."""
        whole = self._splice.cut()
        while whole is None:
            frame = self._next_held()
            if frame is None:
                return None
            self._stand_in = None
            self._late.skipping_since = None
            whole = self._splice.add(frame)
        return whole

    def _next_held(self) -> Frame | None:
        """The frame whose turn it is, if it is here; a timeline that has slipped by less than a frame is followed."""
        while self._held:
            position = self._next_position
            if position not in self._held:
                position = min(self._held)
                if position >= self._next_position + FRAME_SAMPLES:
                    return None
            frame = self._held.pop(position)
            if position <= self._next_position - FRAME_SAMPLES:
                self.counters.dropped += 1
                continue
            self._next_position = position + FRAME_SAMPLES
            self._played.append(position)
            return frame
        return None

    def _made_up(self) -> Frame:
        """20 ms that stand for a frame which is not here."""
        frame = self._splice.made_up(self._held.get(self._next_position + FRAME_SAMPLES))
        if self._held:
            # The frame after the missing one is here: this one is lost.
            self._stand_in = self._next_position
            self._next_position += FRAME_SAMPLES
        else:
            self._owe(1)
        self._fill += 1
        self.counters.concealed += 1
        self.counters.written += 1
        return frame


_REMEMBERED = 64
_JUMP_AHEAD = SAMPLE_RATE // 5 + FRAME_SAMPLES
_JUMP_BACK = 2 * SAMPLE_RATE
_IDLE_FRAMES = 25
