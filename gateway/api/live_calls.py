"""The calls that run now, folded from their events into the form of the snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from gateway.events import (
    CallAnswered,
    CallEnded,
    CallQueued,
    CallRouted,
    CallShown,
    CallStarted,
    CallStepped,
    CallTransferred,
    Event,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegRang,
    LegResumed,
    LegStarted,
    PartyJoined,
    PartyLeft,
    RecordingFinished,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
)


@dataclass(slots=True, kw_only=True)
class LiveLeg:
    """A leg that is not over, as openapi.json has it in `LiveCall.legs`."""

    id: str
    kind: str
    direction: str
    peer: str
    line: str | None
    state: str = "new"
    role: str | None = None
    """Of a guest: what it does; None: one of those who talk."""
    held: bool = False
    """The party has put the other one on hold."""


@dataclass(slots=True, kw_only=True)
class LiveCall:
    """A running call, as the schema `LiveCall` of openapi.json has it."""

    id: str
    direction: str
    caller: str
    caller_name: str
    called: str
    line: str | None
    flow: str
    courier: str | None
    order: str | None
    shown: str | None
    started_at: str
    queue: str | None = None
    """In which the caller waits or has waited last, where the shop has several; empty: the shop's own."""
    step: str | None = None
    """What a caller hears for whom nobody has answered yet: a telephony.reception.Phase; None: they hear it ring."""
    step_at: str | None = None
    state: str = "ringing"
    answered_at: str | None = None
    answered_by: str | None = None
    recording: bool = False
    recording_paused: bool = False
    legs: list[LiveLeg] = field(default_factory=list)


class LiveCalls:
    """Every call between its CallStarted and its CallEnded."""

    def __init__(self) -> None:
        self._calls: dict[str, LiveCall] = {}

    def __iter__(self) -> Iterator[LiveCall]:
        """Oldest first."""
        return iter(self._calls.values())

    def wire(self) -> list[dict[str, object]]:
        """The JSON form, oldest first."""
        return [asdict(call) for call in self]

    def apply(self, event: Event, time: str) -> None:
        """Take one event; `time` is its moment in wire form."""
        match event:
            case CallStarted():
                self._start(event, time)
            case CallEnded():
                self._calls.pop(event.call_id, None)
            case (
                LegStarted() | LegRang() | LegAnswered() | LegHeld() | LegResumed() | LegEnded() | PartyJoined()
                | PartyLeft()
            ):  # fmt: skip
                self._change_leg(event)
            case (
                CallRouted()
                | CallQueued()
                | CallStepped()
                | CallShown()
                | CallAnswered()
                | CallTransferred()
                | RecordingStarted()
                | RecordingFinished()
            ):
                self._change(event, time)
            case RecordingPaused() | RecordingResumed():
                self._pause(event)
            case _:
                pass

    def _start(self, event: CallStarted, time: str) -> None:
        self._calls[event.call_id] = LiveCall(
            id=event.call_id,
            direction=event.direction,
            caller=event.caller,
            caller_name=event.caller_name,
            called=event.called,
            line=event.line,
            flow=event.flow,
            courier=event.courier,
            order=event.order,
            shown=None,
            started_at=time,
        )

    def _change(
        self,
        event: CallRouted
        | CallQueued
        | CallStepped
        | CallShown
        | CallAnswered
        | CallTransferred
        | RecordingStarted
        | RecordingFinished,
        time: str,
    ) -> None:
        call = self._calls.get(event.call_id)
        if call is None:
            return
        match event:
            case CallRouted():
                call.called, call.flow = event.called, event.flow
                call.direction = event.direction or call.direction
                call.courier = event.courier or call.courier
                call.order = event.order or call.order
            case CallQueued():
                call.queue = event.queue
            case CallStepped():
                call.step, call.step_at = event.step, time
            case CallShown():
                call.shown = "withheld" if event.withheld else event.number
            case CallAnswered():
                call.state, call.answered_at, call.answered_by = "talking", time, event.answered_by
            case CallTransferred():
                call.answered_by = event.to
            case RecordingStarted():
                call.recording = True
            case RecordingFinished():
                call.recording = call.recording_paused = False

    def _pause(self, event: RecordingPaused | RecordingResumed) -> None:
        call = self._calls.get(event.call_id)
        if call is not None:
            call.recording_paused = isinstance(event, RecordingPaused)

    def _change_leg(
        self,
        event: LegStarted | LegRang | LegAnswered | LegHeld | LegResumed | LegEnded | PartyJoined | PartyLeft,
    ) -> None:
        call = self._calls.get(event.call_id)
        if call is None:
            return
        if isinstance(event, LegStarted):
            call.legs.append(
                LiveLeg(id=event.leg_id, kind=event.kind, direction=event.direction, peer=event.peer, line=event.line)
            )
            return
        leg = next((each for each in call.legs if each.id == event.leg_id), None)
        if leg is None:
            return
        match event:
            case LegRang():
                leg.state = "ringing"
            case LegAnswered():
                leg.state = "up"
            case LegHeld():
                leg.held = True
            case LegResumed():
                leg.held = False
            case PartyJoined():
                leg.role = event.role
            case PartyLeft():
                leg.role = None
            case LegEnded():
                call.legs.remove(leg)
