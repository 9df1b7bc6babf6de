"""What was tried on emulated modems goes whole, and of anything else nothing does."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from gateway.call_events import CallTraced, TracedLine
from gateway.events import CallAnswered, CallEnded, CallStarted, EventBus, LegStarted, MessageLeft
from gateway.settings import Settings
from gateway.store.store import open_store
from gateway.store.trial_removal import AT_ONCE
from gateway.telephony.emulated import Brought
from gateway.telephony.ledger import StoredPart
from tests.store.conftest import HandClock, small_shop
from tests.store.test_evidence import recorded

STRANGER = "+79035550001"
OF_A_CALL = ("legs", "call_events", "recordings", "reservations", "left_messages", "call_notes")


def ended(bus: EventBus, call_id: str) -> None:
    bus.publish(CallAnswered(call_id=call_id, answered_by="101"))
    bus.publish(MessageLeft(call_id=call_id, mailbox="101", seconds=5.0))
    bus.publish(CallEnded(call_id=call_id, cause="hung-up", ended_by="caller", talk_seconds=61.5, total_seconds=70.25))
    bus.publish(CallTraced(call_id=call_id, lines=(TracedLine(seconds=0.1, kind="sip", way="in", who="x", text="y"),)))


def call(
    bus: EventBus, call_id: str, *, line: str | None = None, leg: str | None = None, courier: str | None = None
) -> None:
    bus.publish(
        CallStarted(
            call_id=call_id, direction="internal", caller="101", caller_name="", called="2001", line=line,
            flow="to-courier", courier=courier,
        )
    )  # fmt: skip
    bus.publish(
        LegStarted(call_id=call_id, leg_id=f"l-{call_id}", kind="sip", direction="outgoing", peer="2001", line=leg)
    )


def sms(line: str, sender: str, clock: HandClock) -> StoredPart:
    return StoredPart(
        line=line, imsi="1", pdu=(line + sender).encode(), sender=sender, sent_at=clock(), text=line + sender,
        reference=None,
        part=1, parts=1,
    )  # fmt: skip


def rows(places: Settings, query: str) -> list[str]:
    with closing(sqlite3.connect(places.database)) as connection:
        return sorted(str(row[0]) for row in connection.execute(query))


async def test_only_what_was_tried_goes(places: Settings, clock: HandClock, bus: EventBus) -> None:
    brought = Brought.to(small_shop())
    brought = Brought(brought.sims, "2009", brought.courier_mobile, brought.customer)
    async with open_store(places, clock, bus) as store:
        await store.save_shop(brought.added_to(small_shop()), by="test")
        files = {name: recorded(places, bus, clock, name, caller=STRANGER) for name in ("tried", "real")}
        bus.publish(
            LegStarted(call_id="tried", leg_id="l2", kind="gsm", direction="outgoing", peer="x", line="emulated-2")
        )
        many = [f"many-{number:02d}" for number in range(AT_ONCE + 3)]
        for name in many:
            call(bus, name, line="emulated-1")
        call(bus, "to-the-courier", courier="2009")
        call(bus, "to-a-real-courier", courier="2001", leg="red")
        call(bus, "between-phones")
        for name in ("tried", "real", *many, "to-the-courier", "to-a-real-courier", "between-phones"):
            ended(bus, name)
        call(bus, "running", line="emulated-1")
        paid = await store.budget.open(
            call_id="tried", leg_id="l2", line="emulated-2", extension="101", number=STRANGER
        )
        await store.budget.close(paid, talk_seconds=61)
        for part in (
            sms("emulated-1", STRANGER, clock),
            sms("red", brought.customer, clock),
            sms("red", STRANGER, clock),
        ):
            await store.inbox.keep(part)

        await store.remove_trial(places.recordings_dir, brought)

        stay = ["between-phones", "real", "running", "to-a-real-courier"]
        assert rows(places, "SELECT id FROM calls") == stay
        for table in OF_A_CALL:
            assert set(rows(places, f"SELECT call_id FROM {table}")) <= set(stay), table  # noqa: S608  # names of ours
        assert rows(places, "SELECT count(*) FROM budget_minutes") == ["0"]
        assert (files["tried"].exists(), files["real"].exists()) == (False, True)
        assert rows(places, "SELECT peer FROM messages") == [STRANGER]
        assert rows(places, "SELECT count(*) FROM message_parts") == ["1"]
        left = rows(places, "SELECT call_id FROM left_messages")
        assert left == ["between-phones", "real", "to-a-real-courier"]
