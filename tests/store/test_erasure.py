"""T-L8: a number that is erased is nowhere in the data directory any more, in no spelling."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.call_events import CallTraced, TracedLine
from gateway.errors import SettingsError
from gateway.events import AlertRaised, CallAnswered, CallEnded, CallTransferred, EventBus
from gateway.settings import Settings
from gateway.store.erasures import Erasures, ErasureState, erase_command, erase_number
from gateway.store.store import Store, open_store
from gateway.telephony.ledger import OutgoingText, StoredPart
from gateway.telephony.promised import PromisedCall, PromiseState
from tests.store.conftest import HandClock, small_shop
from tests.store.test_evidence import CUSTOMER, recorded

OTHER = "+79031112234"
SPELLINGS = (
    b"9031112233", b"903 111", b"903) 111", b"111-22-33", bytes.fromhex("093011212233"), "Иванова".encode(),
    json.dumps("Иванова").strip('"').encode(),  # as JSON is stored
)  # fmt: skip


def sms(clock: HandClock, text: str, sender: str = CUSTOMER) -> StoredPart:
    return StoredPart(
        line="red", imsi="1", pdu=b"\x07\x91" + text.encode() + b"9031112233", sender=sender, sent_at=clock(),
        text=text, reference=None, part=1, parts=1,
    )  # fmt: skip


def outgoing(clock: HandClock, message_id: str, to: str, text: str) -> OutgoingText:
    return OutgoingText(
        id=message_id, to=to, text=text, parts=1, reference=1, by="anna", line=None, accepted_at=clock(),
        due_at=clock(), expires_at=clock() + timedelta(days=1), carried_by="red",
    )  # fmt: skip


def ended(bus: EventBus, call_id: str) -> None:
    bus.publish(CallAnswered(call_id=call_id, answered_by="101"))
    bus.publish(CallEnded(call_id=call_id, cause="hung-up", ended_by="caller", talk_seconds=61.5, total_seconds=70.25))


async def fill(store: Store, places: Settings, bus: EventBus, clock: HandClock) -> dict[str, Path]:
    """Two calls of the customer and one of somebody else, all recorded; SMS, money, an alert."""
    await store.save_shop(small_shop(), by="test")
    files = {
        "as-caller": recorded(places, bus, clock, "as-caller", caller_name="Мария Иванова"),
        "as-called": recorded(places, bus, clock, "as-called", caller="2001", called=CUSTOMER, leg=CUSTOMER),
        "another": recorded(places, bus, clock, "another", caller=OTHER),
    }
    bus.publish(CallTransferred(call_id="as-caller", by="101", to="102"))
    for name in files:
        ended(bus, name)
    for number in ("17", "18"):
        values = {"number": number, "phone": CUSTOMER, "customer": "Мария Иванова"}
        await store.orders.add(values, expires_at=clock() + timedelta(days=3650), by="anna")
    await store.orders.close("17", by="anna")
    promise = PromisedCall(
        id="p1", number=CUSTOMER, name="Мария Иванова", call_id="as-caller", promised_at=clock(), due_at=clock(),
        expires_at=clock(), changed_at=clock(), state=PromiseState.KEPT,
    )  # fmt: skip
    await store.call_backs.keep(promise)
    await store.blocked.block(CUSTOMER, by="anna", why="Мария Иванова")
    assert await store.toll_free.admit("as-caller", "free", CUSTOMER, leg_id="leg-0", is_known=False) is None
    said = TracedLine(seconds=0.5, kind="sip", way="in", who="101", text='From: "Мария Иванова" <sip:…2233@shop>')
    bus.publish(CallTraced(call_id="as-caller", lines=(said,)))
    bus.publish(AlertRaised(code="test", subject="x", values={"number": CUSTOMER}))
    reservation = await store.budget.open(
        call_id="as-called", leg_id="leg-1", line="red", extension="101", number=CUSTOMER
    )
    await store.budget.close(reservation, talk_seconds=61)
    await store.inbox.keep(sms(clock, "Это Мария Иванова, где заказ?"))
    await store.inbox.keep(sms(clock, "Позвоните 8 (903) 111-22-33, пожалуйста", sender=OTHER))
    text = outgoing(clock, "m-out", CUSTOMER, "Ваш заказ едет")
    await store.outbox.accept(text)
    await store.outbox.end(text, part=None, state="failed", failure="no-network")
    return files


@asynccontextmanager
async def erasing(store: Store, places: Settings) -> AsyncIterator[Erasures]:
    erasures = store.erasures(places.recordings_dir)
    task = asyncio.create_task(erasures.run())
    try:
        yield erasures
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def done(erasures: Erasures, order_id: str) -> list[int]:
    """Wait for it; the counts that were seen on the way."""
    seen: list[int] = []
    while (progress := erasures.progress(order_id)) is not None and progress.state is not ErasureState.DONE:
        assert progress.state is not ErasureState.FAILED
        seen.append(progress.done)
        await asyncio.sleep(0.01)
    return seen


def found_in(directory: Path) -> list[str]:
    files = [file for file in directory.rglob("*") if file.is_file()]
    return [
        f"{file.name}: {spelling!r}" for file in files for spelling in SPELLINGS if spelling in file.read_bytes()
    ]  # fmt: skip


def rows(places: Settings, query: str) -> list[Any]:
    with closing(sqlite3.connect(places.database)) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.real_time
async def test_nothing_is_left_of_an_erased_number_but_bare_rows(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus) as store, erasing(store, places) as erasures:
        files = await fill(store, places, bus, clock)
        before = rows(places, "SELECT count(*) FROM calls")
        plan = await erasures.plan("8 903 111 22 33")
        assert (plan.calls, plan.recordings, plan.messages, plan.held, plan.running) == (2, 2, 2, 0, 1), plan
        assert plan.mentions == 4  # the other's SMS, the alert, an order that is over, a promise that is kept
        assert all(file.exists() for file in files.values()), "a plan changes nothing"
        assert found_in(places.data_dir)
        await done(erasures, erasures.begin("8 903 111 22 33", by="anna").id)
        assert [name for name, file in files.items() if file.exists()] == ["another"]
        assert rows(places, "SELECT count(*) FROM calls") == before
        (bare,) = rows(
            places, "SELECT talk_seconds, total_seconds, caller, caller_name FROM calls WHERE id = 'as-caller'"
        )
        assert bare == (61.5, 70.25, "", "")
        assert rows(places, "SELECT caller, called FROM calls WHERE id = 'as-called'") == [("2001", "")]
        assert rows(places, "SELECT sum(minutes) FROM budget_minutes") == [(2,)], "what was paid stays countable"
        assert rows(places, "SELECT number, phone, customer FROM orders ORDER BY number") == [
            ("17", "", ""),
            ("18", CUSTOMER, "Мария Иванова"),
        ]
        (text,) = rows(places, "SELECT text FROM messages WHERE peer = '+79031112234'")[0]
        assert text == "Позвоните …, пожалуйста"
        assert (await erasures.plan(CUSTOMER)).is_empty
        await store.orders.close("18", by="anna")
        await done(erasures, erasures.begin(CUSTOMER, by="anna").id)
        assert not (await erasures.plan(CUSTOMER)).running
    assert found_in(places.data_dir) == []
    assert (
        rows(places, "SELECT by, action, subject FROM audit WHERE action = 'number.erased'")
        == [("anna", "number.erased", "")] * 2
    )
    assert rows(places, "PRAGMA integrity_check") == [("ok",)]


async def test_what_is_held_or_runs_stays_until_it_does_no_more(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus) as store, erasing(store, places) as erasures:
        files = await fill(store, places, bus, clock)
        recorded(places, bus, clock, "running")
        await store.outbox.accept(outgoing(clock, "m-waits", CUSTOMER, "later"))
        await store.evidence.hold_call("as-caller", by="anna", why="order 17")
        plan = await erasures.plan(CUSTOMER)
        assert (plan.calls, plan.recordings, plan.held, plan.running) == (1, 1, 1, 3), plan
        await done(erasures, erasures.begin(CUSTOMER, by="anna").id)
        assert files["as-caller"].exists()
        assert not files["as-called"].exists()
        await store.evidence.release_call("as-caller", by="anna")
        assert (await erasures.plan(CUSTOMER)).calls == 1
        await done(erasures, erasures.begin(CUSTOMER, by="anna").id)
        assert not files["as-caller"].exists()
        assert rows(places, "SELECT caller FROM calls WHERE id = 'running'") == [(CUSTOMER,)]


async def test_progress_is_told_on_the_way_and_orders_follow_one_another(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    async with open_store(places, clock, bus) as store, erasing(store, places) as erasures:
        for number in range(35):
            recorded(places, bus, clock, f"c{number}")
            ended(bus, f"c{number}")
        first, second = erasures.begin(CUSTOMER, by="anna"), erasures.begin(OTHER, by="anna")
        assert first.state is ErasureState.WAITING
        await done(erasures, second.id)
        progress = erasures.progress(first.id)
        assert progress is not None
        assert (progress.state, progress.done, progress.total) == (ErasureState.DONE, 35, 35)
        assert erasures.progress("nonsense") is None
        with pytest.raises(ValueError, match="three characters"):
            erasures.begin("7", by="anna")
        with pytest.raises(ValueError, match="three characters"):
            await erasures.plan("")


async def test_the_command_line_erases_beside_a_running_daemon_and_without_one(
    places: Settings, clock: HandClock, bus: EventBus
) -> None:
    told: list[tuple[int, int]] = []

    def erase(*, really: bool) -> Any:
        return erase_number(
            places, places.recordings_dir, "+7 903 111-22-33", really=really, tell=lambda *each: told.append(each)
        )

    async with open_store(places, clock, bus) as store:
        files = await fill(store, places, bus, clock)
        assert (await asyncio.to_thread(erase, really=False)).calls == 2
        assert told == []
        assert files["as-caller"].exists()
        await asyncio.to_thread(erase, really=True)
        assert told[-1] == (8, 8)
        assert not files["as-caller"].exists()
        await store.orders.close("18", by="anna")
    await asyncio.to_thread(erase, really=True)
    assert (await asyncio.to_thread(erase, really=False)).is_empty
    assert found_in(places.data_dir) == []


async def test_the_owner_is_told_in_sentences(places: Settings, clock: HandClock, bus: EventBus) -> None:
    def command(number: str, *, really: bool) -> str:
        return erase_command(places, places.recordings_dir, number, really=really)

    async with open_store(places, clock, bus) as store:
        await fill(store, places, bus, clock)
        await store.evidence.hold_call("as-caller", by="anna", why="order 17")
        told = await asyncio.to_thread(command, CUSTOMER, really=False)
        assert "This would be erased: number and name in 1 calls, 1 recordings (1 s), 2 SMS" in told
        assert "1 calls are held for a dispute and stay" in told
        assert "add --yes" in told
        assert "Erased: number and name in 1 calls" in await asyncio.to_thread(command, CUSTOMER, really=True)
        assert "nothing of this number" in await asyncio.to_thread(command, "+79990000000", really=True)
        with pytest.raises(SettingsError, match="three characters"):
            command("1", really=True)
