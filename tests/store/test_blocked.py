"""Blocked numbers on disk: there after a restart, on record, gone with an erased number, and missed by nobody."""

from __future__ import annotations

import pytest

from gateway.errors import NumberNotBlockable
from gateway.events import CallEnded, CallStarted, EventBus
from gateway.settings import Settings
from gateway.store import blocked
from gateway.store.queries import Queries
from gateway.store.store import open_store
from gateway.telephony.blocked import TURNED_AWAY
from gateway.worker.seams import CallFilter
from tests.store.conftest import HandClock, small_shop
from tests.store.test_erasure import rows

NUISANCE = "+79035550001"


async def test_a_block_outlives_a_restart_and_is_on_record(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(small_shop(), by="test")
        await store.blocked.block(NUISANCE, by="anna", why="spam")
        await store.blocked.block("+79035550002", by="anna", days=2)
    async with open_store(places, clock, bus) as store:
        assert [each.number for each in store.blocked.listed()] == ["+79035550002", NUISANCE]
        assert store.blocked.is_blocked("89035550001")
        assert not store.blocked.is_blocked("+79035550003")
        clock.pass_by(hours=49)
        assert [(each.number, each.why, each.by) for each in store.blocked.listed()] == [(NUISANCE, "spam", "anna")]
        assert await store.blocked.unblock(NUISANCE, by="boris")
        assert store.blocked.listed() == []
    told = rows(places, "SELECT \"by\", action, subject FROM audit WHERE action LIKE 'number.%' ORDER BY number")
    assert told == [
        ("anna", "number.blocked", "…0001"),
        ("anna", "number.blocked", "…0002"),
        ("boris", "number.unblocked", "…0001"),
    ]


async def test_what_is_over_takes_no_room_and_is_forgotten(
    places: Settings, clock: HandClock, bus: EventBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocked, "MOST_BLOCKED", 2)
    async with open_store(places, clock, bus) as store:
        await store.save_shop(small_shop(), by="test")
        await store.blocked.block(NUISANCE, by="anna", days=1)
        await store.blocked.block("+79035550002", by="anna", days=2)
        with pytest.raises(NumberNotBlockable):
            await store.blocked.block("+79035550003", by="anna")
        clock.pass_by(hours=25)
        await store.blocked.block("+79035550003", by="anna")
        assert not await store.blocked.unblock(NUISANCE, by="anna"), "it was not blocked any more"
    kept = rows(places, "SELECT number FROM blocked_numbers ORDER BY number")
    assert kept == [("+79035550002",), ("+79035550003",)]


async def test_nobody_missed_a_caller_who_was_turned_away(places: Settings, clock: HandClock, bus: EventBus) -> None:
    flow, cause = TURNED_AWAY
    async with open_store(places, clock, bus) as store:
        await store.save_shop(small_shop(), by="test")
        for call_id, of_flow in (("blocked", flow), ("missed", "ring-phones")):
            bus.publish(
                CallStarted(
                    call_id=call_id, direction="incoming", caller=NUISANCE, caller_name="", called="red", line="red",
                    flow=of_flow,
                )
            )  # fmt: skip
            bus.publish(
                CallEnded(call_id=call_id, cause=cause, ended_by="gateway", talk_seconds=0.0, total_seconds=1.0)
            )
        assert [len(each.tries) for each in await store.missed.open()] == [1]
        with Queries(places) as archive:
            found = archive.calls(CallFilter(direction="incoming", outcome="missed"), cursor=None, limit=10)[0]
            assert [row["id"] for row in found] == ["missed"]
            assert len(archive.calls(CallFilter(), cursor=None, limit=10)[0]) == 2, "the call itself stays in the list"
