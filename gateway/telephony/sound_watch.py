"""SoundWatch: whether two who talk hear each other, while they talk and as the verdict of their call.

Four times a second it looks at what each side has brought. A side from which nothing comes any more, or nothing but
digital silence while the other one speaks, is told of within three seconds, and again when it is back. On hold nobody
is expected to be heard. A side that comes unopened (wide band, handed on) is judged by its packets alone.
"""

from __future__ import annotations

import asyncio
import logging

from gateway.audio.e_model import impairment_of, mos
from gateway.audio.frame import FRAME_MS, FRAME_SAMPLES
from gateway.audio.level import HEARD_LEAST_SECONDS, Verdict, dbfs
from gateway.audio.port import MEASURED_FRAMES, MediaPort
from gateway.events import AlertCleared, AlertRaised, AudioReturned, AudioStopped, Publish
from gateway.telephony.leg import Leg
from gateway.telephony.trace import Traces

log = logging.getLogger(__name__)

ONE_WAY_AUDIO = "one-way-audio"
LOOK_SECONDS = 0.25
NOTE_SECONDS = 5.0
"""How often the levels are noted in the trace of the call."""
SILENT_SECONDS = 2.5
"""With the time between two looks: told within 3 s of the last sound."""
_LEAST_FRAMES = 50
"""With fewer there is nothing to be said of how it sounded."""


class SoundWatch:
    """Of one call: `begin` when two begin to hear each other, `end` when they no longer do; both may come again."""

    def __init__(self, call_id: str, publish: Publish, traces: Traces) -> None:
        self._call_id = call_id
        self._traces = traces
        self._noted_at = 0.0
        self._publish = publish
        self._sides: tuple[_Side, ...] = ()
        self._heard = [False, False]
        self._mos: list[float | None] = [None, None]
        self._has_talked = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def verdict(self) -> Verdict | None:
        """Who was heard, over all talks of the call; None: there was none."""
        if not self._has_talked:
            return None
        caller, callee = self._heard
        return Verdict.of(caller_heard=caller, callee_heard=callee)

    @property
    def caller_mos(self) -> float | None:
        """How the caller has heard the callee, in the last talk that was long enough to say."""
        return self._mos[0]

    @property
    def callee_mos(self) -> float | None:
        """How the callee has heard the caller."""
        return self._mos[1]

    def begin(self, caller: Leg, callee: Leg) -> None:
        """They hear each other from now on."""
        self._has_talked = True
        now = asyncio.get_running_loop().time()
        self._sides = _Side("caller", caller, now), _Side("callee", callee, now)
        self._noted_at = now
        self._look()

    def end(self) -> None:
        """They no longer do; idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._sides:
            return
        for index, side in enumerate(self._sides):
            self._clear(side)
            self._heard[index] = self._heard[index] or side.was_heard
        for index, (listener, speaker) in enumerate((self._sides, self._sides[::-1])):
            score = _score(speaker.leg.port, listener.leg.port)
            if score is not None:
                self._mos[index] = score
        self._sides = ()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        is_held = any(side.leg.on_hold for side in self._sides)
        for side, other in zip(self._sides, self._sides[::-1], strict=True):
            reason = None if side.is_excused(now, is_held=is_held) else side.fault(now, other)
            if reason is None:
                self._clear(side)
            elif side.silent_since is None:
                self._raise(side, reason, now)
        if now - self._noted_at >= NOTE_SECONDS:
            self._note(now)
        self._timer = loop.call_later(LOOK_SECONDS, self._look)

    def _note(self, now: float) -> None:
        """How each side sounded since the last time, for the trace of the call."""
        self._noted_at = now
        for side in self._sides:
            self._traces.heard(self._call_id, side.leg.peer or side.name, side.lately())

    def _raise(self, side: _Side, reason: str, now: float) -> None:
        leg = side.leg
        side.silent_since = now
        log.warning("Nothing is heard from the %s %s (%s).", side.name, leg.peer or "with a withheld number", reason)
        self._publish(AudioStopped(call_id=self._call_id, leg_id=leg.id, side=side.name, peer=leg.peer, reason=reason))
        values = {"side": side.name, "peer": leg.peer, "call_id": self._call_id, "reason": reason}
        self._publish(AlertRaised(code=ONE_WAY_AUDIO, subject=side.subject, values=values))

    def _clear(self, side: _Side) -> None:
        since, side.silent_since = side.silent_since, None
        if since is None:
            return
        leg = side.leg
        self._publish(AlertCleared(code=ONE_WAY_AUDIO, subject=side.subject))
        if leg.cause is None and self._timer is not None:
            seconds = round(asyncio.get_running_loop().time() - since, 1)
            self._publish(
                AudioReturned(call_id=self._call_id, leg_id=leg.id, side=side.name, peer=leg.peer, seconds=seconds)
            )


class _Side:
    """One of the two, since they began to talk."""

    def __init__(self, name: str, leg: Leg, now: float) -> None:
        self.name = name
        self.leg = leg
        self.subject = leg.peer or leg.line or leg.id
        self.silent_since: float | None = None
        self._arrived = _arrived(leg.port)
        self._arrived_at = self._alive_at = now
        self._frames_before = leg.port.counters.frames_in
        self._measured_before = leg.port.level.frames
        self._loud_before = leg.port.level.loud_frames
        level, counters = leg.port.level, leg.port.counters
        self._looked: tuple[float, ...] = (
            level.frames, level.loud_frames, level.loud_energy, counters.frames_in, counters.lost,
        )  # fmt: skip

    @property
    def was_heard(self) -> bool:
        """Whether a voice has come in this talk; of what nobody opened: whether enough of it came."""
        level = self.leg.port.level
        if level.frames > self._measured_before:
            frames = (level.loud_frames - self._loud_before) * MEASURED_FRAMES
        else:
            frames = self.leg.port.counters.frames_in - self._frames_before
        return frames * FRAME_MS / 1000 >= HEARD_LEAST_SECONDS

    def lately(self) -> str:
        """How loud it was since the last time, and how much of it was a voice."""
        level, counters = self.leg.port.level, self.leg.port.settled()
        looked = level.frames, level.loud_frames, level.loud_energy, counters.frames_in, counters.lost
        frames, loud, energy, arrived, lost = (new - old for new, old in zip(looked, self._looked, strict=True))
        self._looked = looked
        if not arrived:
            return "nothing arrives"
        missing = f", {lost:.0f} lost" if lost > 0 else ""
        if not frames:
            return f"{arrived * FRAME_MS / 1000:.1f} s, unopened{missing}"
        loudness = f"{dbfs(energy / (loud * FRAME_SAMPLES)):.0f} dBFS" if loud else "silence"
        return f"{loudness}, a voice in {loud / frames:.0%}{missing}"

    def is_excused(self, now: float, *, is_held: bool) -> bool:
        """Nothing has to come from it at present: what comes later is counted from here."""
        excused = is_held or not self.leg.port.is_due
        if excused:
            self._arrived_at = self._alive_at = now
        return excused

    def fault(self, now: float, other: _Side) -> str | None:
        """Why it is not heard; None: it is, or may well be."""
        port = self.leg.port
        arrived = _arrived(port)
        if arrived != self._arrived:
            self._arrived, self._arrived_at = arrived, now
        if now - self._arrived_at >= SILENT_SECONDS:
            return "nothing-arrives"
        level = port.level
        if level.frames == self._measured_before:
            return None
        self._alive_at = max(self._alive_at, level.alive_at or 0.0)
        spoken_at = other.leg.port.level.loud_at
        is_spoken_to = spoken_at is not None and spoken_at > self._alive_at and other.was_heard
        if now - self._alive_at >= SILENT_SECONDS and (is_spoken_to or self.silent_since is not None):
            return "no-signal"
        return None


def _arrived(port: MediaPort) -> int:
    """Grows with whatever comes from the party."""
    return port.counters.bytes_in + port.counters.frames_in


def _score(speaker: MediaPort, listener: MediaPort) -> float | None:
    """How the listener has heard the speaker, by what was measured on both wires."""
    said, heard = speaker.settled(), listener.settled()
    if said.frames_in < _LEAST_FRAMES or heard.frames_out < _LEAST_FRAMES:
        return None
    missing = said.lost / (said.frames_in + said.lost)
    # What was lost before it came to us is among what was made up for the listener, and is not counted twice.
    made_up = heard.concealed / heard.frames_out
    missed_there = min(1.0, max(0, heard.peer_lost) / heard.frames_out)
    return round(
        mos(
            delay_ms=FRAME_MS + heard.delay_ms + ((said.round_trip_ms or 0.0) + (heard.round_trip_ms or 0.0)) / 2,
            loss=1 - (1 - max(missing, made_up)) * (1 - missed_there),
            mean_burst=said.lost / said.gaps if said.gaps else 1.0,
            codecs=(impairment_of(speaker.wire_codec), impairment_of(listener.wire_codec)),
        ),
        2,
    )
