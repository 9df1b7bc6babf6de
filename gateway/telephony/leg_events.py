"""What happens to a leg, told as events of its call."""

from __future__ import annotations

from gateway.audio.frame import FRAME_MS
from gateway.audio.port import MediaPort
from gateway.events import LegAnswered, LegEnded, LegHeld, LegRang, LegResumed, LegSound, LegStarted, Publish
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState


def report_leg(leg: Leg, *, call_id: str, publish: Publish) -> None:
    """Publish that the leg belongs to the call, and from now on each change of its state.

    A leg that comes from another call is told of again, under this one.
    """
    is_known = bool(leg.call_id)
    leg.call_id = call_id
    publish(
        LegStarted(call_id=call_id, leg_id=leg.id, kind=leg.kind, direction=leg.direction, peer=leg.peer, line=leg.line)
    )

    def changed(leg: Leg) -> None:
        call_id = leg.call_id
        match leg.state:
            case LegState.RINGING:
                publish(LegRang(call_id=call_id, leg_id=leg.id))
            case LegState.UP:
                publish(LegAnswered(call_id=call_id, leg_id=leg.id))
            case LegState.ENDED:
                counters = leg.port.settled()
                publish(
                    LegEnded(
                        call_id=call_id,
                        leg_id=leg.id,
                        cause=leg.cause or Cause.FAULT,
                        ended_by_peer=leg.ended_by_peer,
                        frames_in=counters.frames_in,
                        frames_out=counters.frames_out,
                        lost=counters.lost,
                        concealed=counters.concealed,
                        sound=_sound_of(leg.port),
                    )
                )
            case LegState.NEW:
                pass

    if leg.state is not LegState.NEW:
        changed(leg)

    def held() -> None:
        event = LegHeld if leg.on_hold else LegResumed
        publish(event(call_id=leg.call_id, leg_id=leg.id))

    if not is_known:
        leg.on_change(changed)
        leg.on_hold_change(held)


def _sound_of(port: MediaPort) -> LegSound | None:
    """What was measured; None: no sound ever went through."""
    counters, level = port.counters, port.level
    if not counters.frames_in and not counters.frames_out:
        return None
    return LegSound(
        codec=port.wire_codec,
        level_dbfs=round(level.level_dbfs, 1) if level.loud_frames else None,
        voice_seconds=round(level.voice_seconds, 2) if level.frames else None,
        silence_seconds=round(level.silence_seconds, 2) if level.frames else None,
        jitter_ms=counters.jitter_ms,
        gaps=counters.gaps,
        concealed_ms=counters.concealed * FRAME_MS,
        late=counters.late,
        delay_ms=round(counters.delay_ms, 1),
        peer_lost=counters.peer_lost,
        round_trip_ms=counters.round_trip_ms,
    )
