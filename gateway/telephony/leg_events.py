"""What happens to a leg, told as events of its call."""

from __future__ import annotations

from gateway.events import LegAnswered, LegEnded, LegRang, LegStarted, Publish
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
                counters = leg.port.counters
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
                    )
                )
            case LegState.NEW:
                pass

    if leg.state is not LegState.NEW:
        changed(leg)
    if not is_known:
        leg.on_change(changed)
