"""Journal: events become rows.

It puts work into the writer's queue and returns; no event of a call, of money or of an SMS is dropped
while the writer's spool has room.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, bindparam, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.clock import CERTAIN, Dating
from gateway.events import (
    AlertAcknowledged,
    AlertCleared,
    AlertRaised,
    AudioReturned,
    AudioStopped,
    CallAnswered,
    CallBackPromised,
    CallEnded,
    CallQueued,
    CallRouted,
    CallShown,
    CallStarted,
    CallStepped,
    CallTraced,
    CallTransferred,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegRang,
    LegResumed,
    LegStarted,
    MessageLeft,
    ModemChanged,
    PartyJoined,
    PartyLeft,
    Published,
    RecordingFinished,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
)
from gateway.ids import new_id
from gateway.store.schema import alerts, call_events, calls, legs, modems, recordings
from gateway.store.unsynced import ClockMark
from gateway.store.writer import Work, Writer


class Journal:
    """A subscriber of the bus."""

    def __init__(self, writer: Writer, *, gateway_id: str, dating: Dating = CERTAIN) -> None:
        self._writer = writer
        self._dating = dating
        self._gateway_id = gateway_id
        self._modems: dict[str, dict[str, Any]] = {}

    def __call__(self, published: Published) -> None:
        """Have the event written."""
        event = published.event
        if isinstance(event, _KEPT) and not (isinstance(event, ModemChanged) and self._is_known(event)):
            mark = None if self._dating.is_certain else ClockMark.UNSYNCED
            self._writer.enqueue(_made_once(lambda: self._work(published, mark)))

    def _work(self, published: Published, mark: ClockMark | None) -> Work[object]:
        """What stores the event."""
        event, time = published.event, published.time
        work: Work[object]
        match event:
            case (
                CallStarted()
                | CallRouted()
                | CallQueued()
                | CallShown()
                | CallAnswered()
                | CallTransferred()
                | CallEnded()
            ):
                work = self._of_call(event, time)
            case LegStarted() | LegRang() | LegAnswered() | LegEnded():
                work = self._of_leg(event, time)
            case RecordingStarted() | RecordingFinished():
                work = self._of_recording(event, time)
            case RecordingPaused() | RecordingResumed():
                work = _of_pause(event)
            case AlertRaised() | AlertCleared() | AlertAcknowledged():
                work = self._of_alert(event, time)
            case ModemChanged():
                work = self._of_modem(event, time)
            case (
                AudioStopped()
                | AudioReturned()
                | PartyJoined()
                | PartyLeft()
                | CallTraced()
                | LegHeld()
                | LegResumed()
                | CallStepped()
                | CallBackPromised()
                | MessageLeft()
            ):
                work = _nothing_more
            case _:
                raise TypeError(f"No row is kept of {event.type_name()}.")
        call_id = getattr(event, "call_id", None)
        return work if call_id is None else self._with_step(work, published, call_id, mark)

    def _with_step(
        self, work: Work[object], published: Published, call_id: str, mark: ClockMark | None
    ) -> Work[object]:
        """The work, and the event as a step of the call's timeline; the call's row is there before anything of it."""
        time = published.time
        facts = {name: value for name, value in asdict(published.event).items() if name != "call_id"}
        step = {
            "id": new_id(), "gateway_id": self._gateway_id, "call_id": call_id, "seq": published.seq, "time": time,
            "type": published.event.type_name(), "data": facts,
        }  # fmt: skip
        row = {**empty_call(call_id, self._gateway_id), "started_at": time, "clock": mark}

        def write(connection: Connection) -> None:
            connection.execute(_A_CALL, row)
            connection.execute(_A_STEP, step)
            work(connection)

        return write

    @staticmethod
    def _of_call(
        event: CallStarted | CallRouted | CallQueued | CallShown | CallAnswered | CallTransferred | CallEnded,
        time: datetime,
    ) -> Work[object]:
        values: dict[str, Any] = {}
        words: tuple[str | None, ...] = ()
        match event:
            case CallStarted():
                words = (event.caller, event.caller_name, event.called, event.courier, event.order)
                values = {name: value for name, value in asdict(event).items() if name != "call_id"}
            case CallRouted():
                words = (event.called, event.courier, event.order)
                values = {"called": event.called, "flow": event.flow}
                values |= {"direction": event.direction} if event.direction else {}
                values |= {"courier": event.courier} if event.courier else {}
                values |= {"order": event.order} if event.order else {}
            case CallQueued():
                values = {"queue": event.queue}
            case CallShown():
                values = {"shown": "withheld" if event.withheld else event.number, "shown_by": event.way}
            case CallAnswered():
                words = (event.answered_by,)
                values = {"answered_at": time, "answered_by": event.answered_by}
            case CallTransferred():
                words = (event.by, event.to)
            case CallEnded():
                values = {name: value for name, value in asdict(event).items() if name != "call_id"}
                values["ended_at"] = time
        searched = " ".join(word for word in words if word).casefold()

        def write(connection: Connection) -> None:
            if values:
                connection.execute(_CHANGED_CALL, {"of": event.call_id, **values})
            if searched:
                connection.execute(_SEARCHED_CALL, {"of": event.call_id, "more": " " + searched})

        return write

    def _of_leg(self, event: LegStarted | LegRang | LegAnswered | LegEnded, time: datetime) -> Work[object]:
        facts = asdict(event)
        leg_id = facts.pop("leg_id")
        match event:
            case LegStarted():
                row = {"id": leg_id, "gateway_id": self._gateway_id, "started_at": time, **facts}
                return _changing(_A_LEG, row)
            case LegRang():
                values: dict[str, Any] = {"rang_at": time}
            case LegAnswered():
                values = {"answered_at": time}
            case LegEnded():
                values = {"ended_at": time, **facts}
        return _changing(_CHANGED_LEG, {"of": leg_id, **values})

    def _of_recording(self, event: RecordingStarted | RecordingFinished, time: datetime) -> Work[object]:
        facts = asdict(event)
        recording_id = facts.pop("recording_id")
        row = {"id": recording_id, "gateway_id": self._gateway_id, "kept": False, "started_at": time, **facts}
        if isinstance(event, RecordingStarted):
            return _changing(upsert(recordings).values(row | {"state": "running"}).on_conflict_do_nothing())
        ended = {"state": "finished", "finished_at": time, **facts}
        return _changing(
            upsert(recordings).values(row | ended).on_conflict_do_update(index_elements=["id"], set_=ended)
        )

    def _of_alert(self, event: AlertRaised | AlertCleared | AlertAcknowledged, time: datetime) -> Work[object]:
        mine = (alerts.c.code == event.code) & (alerts.c.subject == event.subject) & alerts.c.cleared_at.is_(None)
        change = update(alerts).where(mine)
        if isinstance(event, AlertCleared):
            return _changing(change.values(cleared_at=time))
        if isinstance(event, AlertAcknowledged):
            return _changing(change.values(acknowledged_at=time, acknowledged_by=event.by))
        again = change.values(last_raised_at=time, times=alerts.c.times + 1, values=event.values)
        first = insert(alerts).values(
            id=new_id(), gateway_id=self._gateway_id, code=event.code, subject=event.subject, values=event.values,
            raised_at=time, last_raised_at=time, times=1,
        )  # fmt: skip

        def raise_it(connection: Connection) -> None:
            if connection.execute(again).rowcount == 0:
                connection.execute(first)

        return raise_it

    def _is_known(self, event: ModemChanged) -> bool:
        """Nothing lasting has changed. The signal alone changes all day and is not worth a write."""
        lasting = {name: value for name, value in asdict(event).items() if name != "signal_dbm"}
        is_known = self._modems.get(event.modem) == lasting
        self._modems[event.modem] = lasting
        return is_known

    def _of_modem(self, event: ModemChanged, time: datetime) -> Work[object]:
        """The last state of each modem."""
        facts = asdict(event)
        values = {"line": event.line, "state": event.state, "changed_at": time, "facts": facts}
        row = {"id": new_id(), "gateway_id": self._gateway_id, "name": event.modem, **values}
        return _changing(
            upsert(modems).values(row).on_conflict_do_update(index_elements=["gateway_id", "name"], set_=values)
        )


def empty_call(call_id: str, gateway_id: str) -> dict[str, Any]:
    """A call of which nothing is known yet but that it is."""
    return {
        "id": call_id, "gateway_id": gateway_id, "direction": "internal", "caller": "", "caller_name": "",
        "called": "", "flow": "", "talk_seconds": 0.0, "total_seconds": 0.0, "search": "",
    }  # fmt: skip


_KEPT = (
    *(
        CallStarted,
        CallRouted,
        CallQueued,
        CallShown,
        CallAnswered,
        CallTransferred,
        CallEnded,
        LegStarted,
        LegRang,
        LegAnswered,
        LegEnded,
    ),
    *(RecordingStarted, RecordingPaused, RecordingResumed, RecordingFinished),
    *(AlertRaised, AlertCleared, AlertAcknowledged, ModemChanged),
    *(AudioStopped, AudioReturned, PartyJoined, PartyLeft, CallTraced, LegHeld, LegResumed),
    *(CallStepped, CallBackPromised, MessageLeft),
)
"""Of these there are rows; registrations have their ledger, SMS their inbox and outbox."""


def _made_once(make: Callable[[], Work[object]]) -> Work[object]:
    """Work that is made in the writer's thread: building statements keeps the loop from the voice for milliseconds.

    Repeated work is the same work, with the same ids.
    """
    made: Work[object] | None = None

    def write(connection: Connection) -> None:
        nonlocal made
        if made is None:
            made = make()
        made(connection)

    return write


def _nothing_more(_connection: Connection) -> None:
    """The step of the timeline is all that is kept."""


def _of_pause(event: RecordingPaused | RecordingResumed) -> Work[object]:
    """The pauses in the recording's own row, so that a crash leaves them; an open one has no end."""
    mine = recordings.c.id == event.recording_id

    def write(connection: Connection) -> None:
        known = list(connection.execute(select(recordings.c.pauses).where(mine)).scalar() or ())
        if isinstance(event, RecordingPaused):
            pause = {"from": event.seconds, "until": None, "why": event.why}
            if all(each["from"] != event.seconds for each in known):
                known.append(pause)
        elif known and known[-1]["until"] is None:
            known[-1] = {**known[-1], "until": event.seconds}
        connection.execute(update(recordings).where(mine).values(pauses=known))

    return write


def _changing(statement: Executable, values: dict[str, Any] | None = None) -> Callable[[Connection], None]:
    def write(connection: Connection) -> None:
        connection.execute(statement, values)

    return write


# A statement that stands ready costs a fifth of one that is made anew for each event.
_A_CALL = upsert(calls).on_conflict_do_nothing()
_A_STEP = upsert(call_events).on_conflict_do_nothing()
_A_LEG = upsert(legs).on_conflict_do_nothing()
_CHANGED_CALL = update(calls).where(calls.c.id == bindparam("of"))
_SEARCHED_CALL = _CHANGED_CALL.values(search=calls.c.search + bindparam("more"))
_CHANGED_LEG = update(legs).where(legs.c.id == bindparam("of"))
