"""Events become rows that read back as the story they told."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.events import (
    AlertAcknowledged,
    AlertCleared,
    AlertRaised,
    AudioReturned,
    AudioStopped,
    CallAnswered,
    CallEnded,
    CallRouted,
    CallStarted,
    CallStepped,
    CallTransferred,
    EventBus,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegRang,
    LegResumed,
    LegSound,
    LegStarted,
    ModemChanged,
    RecordingFinished,
    RecordingStarted,
)
from gateway.ids import new_id
from gateway.settings import Settings
from gateway.store.queries import Queries
from gateway.store.store import open_store
from gateway.telephony.ledger import OutgoingText, StoredPart
from tests.api.shapes import assert_fits
from tests.store.conftest import HandClock, small_shop


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A filter, as the worker has one."""

    direction: str | None = None
    outcome: str | None = None
    courier: str | None = None
    line: str | None = None
    search: str | None = None
    tag: str | None = None
    recorded: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    state: str | None = None
    peer: str | None = None


SOUND = LegSound(
    codec="gsm", level_dbfs=-21.4, voice_seconds=20.1, silence_seconds=39.9, jitter_ms=0.0, gaps=1, concealed_ms=20,
    late=2, delay_ms=21.5, peer_lost=0, round_trip_ms=None,
)  # fmt: skip


def tell_a_call(bus: EventBus, clock: HandClock, call_id: str, *, until: str = "end") -> None:
    """A stranger calls the SIM, 101 answers, they talk for a minute, recorded."""
    caller, callee = new_id(), new_id()
    recording = "01890000-0000-7000-8000-" + call_id[-12:]
    steps: list[tuple[float, Any]] = [
        (0, LegStarted(call_id=call_id, leg_id=caller, kind="gsm", direction="incoming", peer="+79165554433",
                       line="red")),
        (0, CallStarted(call_id=call_id, direction="incoming", caller="+79165554433", caller_name="Иван",
                        called="red", line="red", flow="ring-phones")),
        (0.1, LegStarted(call_id=call_id, leg_id=callee, kind="sip", direction="outgoing", peer="101", line=None)),
        (0.2, LegRang(call_id=call_id, leg_id=callee)),
        (4, LegAnswered(call_id=call_id, leg_id=callee)),
        (0.1, LegAnswered(call_id=call_id, leg_id=caller)),
        (0.1, CallAnswered(call_id=call_id, answered_by="101")),
        (0, RecordingStarted(call_id=call_id, recording_id=recording, path="2026-03-02/a.wav")),
        (9, AudioStopped(call_id=call_id, leg_id=callee, side="callee", peer="101", reason="nothing-arrives")),
        (1, AudioReturned(call_id=call_id, leg_id=callee, side="callee", peer="101", seconds=1.0)),
        (0, LegHeld(call_id=call_id, leg_id=callee)),
        (0, LegResumed(call_id=call_id, leg_id=callee)),
        (0, CallStepped(call_id=call_id, step="greeting")),
        (50, LegEnded(call_id=call_id, leg_id=caller, cause="hung-up", ended_by_peer=True, frames_in=3000,
                      frames_out=2999, lost=1, concealed=1, sound=SOUND)),
        (0, LegEnded(call_id=call_id, leg_id=callee, cause="hung-up", ended_by_peer=False, frames_in=3001,
                     frames_out=3000, lost=0, concealed=0)),
        (0, CallEnded(call_id=call_id, cause="hung-up", ended_by="caller", talk_seconds=60.0, total_seconds=64.5,
                      verdict="both-heard", caller_mos=4.1, callee_mos=3.9)),
        (0.5, RecordingFinished(call_id=call_id, recording_id=recording, path="2026-03-02/a.wav", seconds=60.0,
                                size_bytes=1920044, verdict="both-heard")),
    ]  # fmt: skip
    for wait, event in steps:
        if until == "talk" and isinstance(event, AudioStopped | LegEnded):
            return
        clock.pass_by(seconds=wait)
        bus.publish(event)


async def test_a_call_reads_back_as_it_was_told(places: Settings, clock: HandClock, bus: EventBus) -> None:
    call_id = new_id()
    async with open_store(places, clock, bus):
        tell_a_call(bus, clock, call_id)
    with Queries(places) as queries:
        call: Any = queries.call(call_id)
        assert queries.call("no such call") is None
    assert {key: call[key] for key in ("direction", "caller", "caller_name", "called", "line", "flow", "courier")} == {
        "direction": "incoming", "caller": "+79165554433", "caller_name": "Иван", "called": "red", "line": "red",
        "flow": "ring-phones", "courier": None,
    }  # fmt: skip
    assert call["started_at"] == "2026-03-02T09:00:00.000Z"
    assert call["answered_at"] == "2026-03-02T09:00:04.500Z"
    assert call["ended_at"] == "2026-03-02T09:01:04.500Z"
    assert (call["answered_by"], call["cause"], call["ended_by"]) == ("101", "hung-up", "caller")
    assert (call["talk_seconds"], call["total_seconds"]) == (60.0, 64.5)
    assert (call["verdict"], call["caller_mos"], call["callee_mos"]) == ("both-heard", 4.1, 3.9)
    assert [leg["sound"] for leg in call["legs"]] == [asdict(SOUND), None]
    assert_fits(call, "Call")
    assert [
        (leg["kind"], leg["peer"], leg["frames_in"], leg["lost"], leg["ended_by_peer"]) for leg in call["legs"]
    ] == [
        ("gsm", "+79165554433", 3000, 1, True),
        ("sip", "101", 3001, 0, False),
    ]
    assert call["legs"][1]["rang_at"] == "2026-03-02T09:00:00.300Z"
    (recording,) = call["recordings"]
    assert (recording["seconds"], recording["verdict"], recording["size_bytes"]) == (60.0, "both-heard", 1920044)
    assert [step["type"] for step in call["timeline"]] == [
        "leg.started", "call.started", "leg.started", "leg.rang", "leg.answered", "leg.answered", "call.answered",
        "recording.started", "audio.stopped", "audio.returned", "leg.held", "leg.resumed", "call.stepped", "leg.ended",
        "leg.ended",
        "call.ended", "recording.finished",
    ]  # fmt: skip
    assert call["timeline"][6]["data"] == {"answered_by": "101"}


async def test_what_was_learned_later_is_on_the_record(places: Settings, clock: HandClock, bus: EventBus) -> None:
    call_id = new_id()
    async with open_store(places, clock, bus):
        bus.publish(CallStarted(call_id=call_id, direction="internal", caller="101", called="89161234567", line=None,
                                flow="x"))  # fmt: skip
        bus.publish(CallRouted(call_id=call_id, called="+79161234567", flow="to-courier", direction="outgoing",
                               courier="2001"))  # fmt: skip
        bus.publish(CallRouted(call_id=call_id, called="+79161234567", flow="to-courier"))
        bus.publish(CallTransferred(call_id=call_id, by="101", to="104"))
        bus.publish(CallEnded(call_id=call_id, cause="busy", ended_by="callee", talk_seconds=0, total_seconds=3))
    with Queries(places) as queries:
        call: Any = queries.call(call_id)
        assert (call["called"], call["flow"], call["direction"], call["courier"]) == (
            "+79161234567", "to-courier", "outgoing", "2001",
        )  # fmt: skip
        for search in ("8 916 123-45-67", "1234567", "2001", "89161234567", "104"):
            assert len(queries.calls(Wanted(search=search), cursor=None, limit=9)[0]) == 1, search
        assert queries.calls(Wanted(search="7654321"), cursor=None, limit=9) == ([], None)


async def test_what_a_crash_left_open_is_closed_at_the_next_start(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    """X-P1: one row for every call, closed at the last thing known of it; paid calls even when the row was lost."""
    talking, lost = new_id(), new_id()
    async with open_store(places, clock, bus) as store:
        await store.save_shop(small_shop(), by="test")
        tell_a_call(bus, clock, talking, until="talk")
        bus.publish(AlertRaised(code="modem-lost", subject="m0", values={}))
        clock.pass_by(seconds=20)
        await store.budget.open(call_id=lost, leg_id=new_id(), line="blue", extension="101", number="+79160001122")
    clock.pass_by(hours=1)
    async with open_store(places, clock, bus) as store:
        (left,) = store.unfinished_recordings
        assert (left.call_id, left.path) == (talking, "2026-03-02/a.wav")
        bus.publish(RecordingFinished(call_id=talking, recording_id=left.recording_id, path=left.path, seconds=19.0,
                                      size_bytes=608044, verdict="both-heard"))  # fmt: skip
    async with open_store(places, clock, bus) as store:
        assert store.unfinished_recordings == []
    with Queries(places) as queries:
        call: Any = queries.call(talking)
        assert (call["cause"], call["ended_by"], call["talk_seconds"]) == ("fault", "gateway", 0.0)
        assert all(leg["cause"] == "fault" and leg["ended_at"] == call["ended_at"] for leg in call["legs"])
        assert call["recordings"][0]["seconds"] == 19.0
        assert queries.recording_path(left.recording_id) == "2026-03-02/a.wav"
        paid: Any = queries.call(lost)
        assert (paid["caller"], paid["called"], paid["line"], paid["cause"]) == ("101", "+79160001122", "blue", "fault")
        assert len(queries.calls(Wanted(), cursor=None, limit=9)[0]) == 2
        (alert,) = queries.alerts(limit=9)
        assert alert["cleared_at"] is not None


async def test_an_alert_is_one_row_until_it_is_over(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus):
        for detail in ("first", "second"):
            bus.publish(AlertRaised(code="modem-lost", subject="m0", values={"detail": detail}))
            clock.pass_by(seconds=1)
        bus.publish(AlertRaised(code="modem-lost", subject="m1", values={}))
        bus.publish(AlertAcknowledged(code="modem-lost", subject="m0", by="owner"))
        bus.publish(AlertCleared(code="modem-lost", subject="m0"))
        clock.pass_by(seconds=1)
        bus.publish(AlertRaised(code="modem-lost", subject="m0", values={}))
    with Queries(places) as queries:
        found = queries.alerts(limit=9)
    assert [(each["subject"], each["times"], each["acknowledged_by"], each["cleared_at"]) for each in found] == [
        ("m0", 1, None, None),
        ("m1", 1, None, None),
        ("m0", 2, "owner", "2026-03-02T09:00:02.000Z"),
    ]


async def test_a_modem_is_written_when_more_than_its_signal_changes(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus):
        for signal in range(-100, -50):
            bus.publish(ModemChanged(modem="m0", line="red", state="ready", reason=None, signal_dbm=signal))
        bus.publish(ModemChanged(modem="m1", line=None, state="no-sim", reason="no-sim"))
    with closing(sqlite3.connect(places.database)) as connection:
        rows = connection.execute("SELECT name, state, facts ->> 'signal_dbm' FROM modems ORDER BY name").fetchall()
    assert rows == [("m0", "ready", -100), ("m1", "no-sim", None)]


async def test_messages_in_and_out_are_listed_together(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus) as store:
        await store.inbox.keep(
            StoredPart(line="red", imsi="1", pdu=b"x", sender="MegaFon", sent_at=None, text="Баланс 100 р.",
                       reference=None, part=1, parts=1)
        )  # fmt: skip
        clock.pass_by(seconds=5)
        now = clock()
        await store.outbox.accept(
            OutgoingText(id=new_id(), to="+79161234567", text="Ждём", parts=1, reference=1, by="anna", line="blue",
                         accepted_at=now, due_at=now, expires_at=now + timedelta(hours=1))
        )  # fmt: skip
    with Queries(places) as queries:
        rows, following = queries.messages(Wanted(), cursor=None, limit=1)
        assert (rows[0]["direction"], rows[0]["peer"]) == ("outgoing", "+79161234567")
        rows, following = queries.messages(Wanted(), cursor=following, limit=1)
        assert (rows[0]["direction"], rows[0]["text"], rows[0]["time"], following) == (
            "incoming", "Баланс 100 р.", "2026-03-02T09:00:00.000Z", None,
        )  # fmt: skip
        assert len(queries.messages(Wanted(search="баланс"), cursor=None, limit=9)[0]) == 1
        assert len(queries.messages(Wanted(line="blue"), cursor=None, limit=9)[0]) == 1
