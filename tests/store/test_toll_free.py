"""Calls to toll-free numbers on disk: nothing of them is lost by a restart, and numbers can be erased."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from gateway.errors import SettingsError
from gateway.events import AlertRaised, CallEnded, EventBus, LegAnswered
from gateway.store.schema_access import audit
from gateway.store.shop_document.shop_file import read_shop, write_shop
from gateway.store.toll_free import KEPT, StoredTollFree
from gateway.telephony.shop import Shop
from gateway.telephony.toll_free import TollFreeRules, TurnedAway, WhenSpent
from tests.fakes.direct_store import memory_writer
from tests.fakes.toll_free import short_calls
from tests.store.conftest import HandClock

SHOP = Shop(toll_free=TollFreeRules(per_minute="10", daily_budget=100, caller_per_hour=2))
CALLER = "+79031112233"


async def test_what_was_counted_before_a_restart_counts_after_it() -> None:
    clock, writer, bus = HandClock(), memory_writer(), EventBus()
    heard: list[object] = []

    def guard() -> StoredTollFree:
        return StoredTollFree(writer, gateway_id="g", shop=lambda: SHOP, clock=clock, publish=heard.append)

    first = guard()
    forget = bus.subscribe(first)
    for number in range(2):
        assert await first.admit(f"c{number}", "free", CALLER, leg_id=f"l{number}", is_known=False) is None
        clock.pass_by(seconds=5)
        bus.publish(LegAnswered(call_id=f"c{number}", leg_id=f"callee{number}"))
        bus.publish(LegAnswered(call_id=f"c{number}", leg_id=f"l{number}"))
        clock.pass_by(seconds=90)
        bus.publish(
            CallEnded(call_id=f"c{number}", cause="hung-up", ended_by="caller", talk_seconds=90, total_seconds=95)
        )
    assert first.spent_today("free") == 40
    forget()
    second = guard()
    await second.load()
    assert second.spent_today("free") == 40
    assert await second.admit("c3", "free", CALLER, leg_id="l3", is_known=False) is TurnedAway.CALLER
    assert await second.admit("c3", "free", CALLER, leg_id="l3", is_known=True) is None
    assert [type(event) for event in heard] == [AlertRaised]
    clock.pass_by(days=KEPT.days, hours=1)
    third = guard()
    await third.load()
    assert await third.admit("c4", "free", CALLER, leg_id="l4", is_known=False) is None


async def test_a_call_that_a_crash_cut_off_is_over_afterwards() -> None:
    clock, writer = HandClock(), memory_writer()
    rules = TollFreeRules(per_minute="10", number_at_once=1)

    def guard() -> StoredTollFree:
        shop = Shop(toll_free=rules)
        return StoredTollFree(writer, gateway_id="g", shop=lambda: shop, clock=clock, publish=lambda _event: None)

    first = guard()
    assert await first.admit("c1", "free", CALLER, leg_id="l1", is_known=False) is None
    assert await first.admit("c2", "free", "+79041112233", leg_id="l2", is_known=False) is TurnedAway.AT_ONCE
    second = guard()
    await second.load()
    assert await second.admit("c3", "free", "+79041112233", leg_id="l3", is_known=False) is None


async def test_a_lifted_block_stays_lifted_after_a_restart_and_is_in_the_audit() -> None:
    writer = memory_writer()
    rules = TollFreeRules(short_calls=3)

    def guard() -> StoredTollFree:
        shop = Shop(toll_free=rules)
        return StoredTollFree(writer, gateway_id="g", shop=lambda: shop, clock=HandClock(), publish=lambda _event: None)

    first = guard()
    await short_calls(first, "free", CALLER, 3)
    assert [block.caller for block in first.blocks()] == [CALLER]
    assert not await first.lift("+79041112233", by="anna")
    second = guard()
    await second.load()
    assert await second.lift(CALLER, by="anna")
    third = guard()
    await third.load()
    assert third.blocks() == []
    assert await third.admit("c9", "free", CALLER, leg_id="l9", is_known=False) is None
    (row,) = await writer.write(lambda connection: list(connection.execute(select(audit))))
    assert (row.by, row.action, row.subject) == ("anna", "toll-free.block-lifted", CALLER)


WHOLE = """\
[[phones]]
extension = "101"
password = "a-long-password"
[toll_free]
per_minute = "3.50"
daily_budget = 500
when_spent = "forward"
forward_to = "101"
"""


def test_the_rules_are_read_and_written_again() -> None:
    shop = read_shop(WHOLE)
    assert shop.toll_free == TollFreeRules(
        per_minute="3.50", daily_budget=500, when_spent=WhenSpent.FORWARD, forward_to="101"
    )
    assert read_shop(write_shop(shop), shop) == shop


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('per_minute = "cheap"', '2: "per_minute" of [toll_free] must be an amount like "3.50".'),
        ("daily_budget = -1", '2: "daily_budget" of [toll_free] must be from 0'),
        ('when_spent = "ring"', '2: "when_spent" of [toll_free] must be one of busy, announce, forward'),
        ('when_spent = "forward"', 'is "forward", but "forward_to" is not set.'),
        ('forward_to = "999"', '"999" in "forward_to" of [toll_free] is not an extension.'),
        ("block_hours = 200", "must be from 0 to 168, not 200."),
    ],
)
def test_what_is_wrong_is_told_with_its_line(line: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_shop(f"[toll_free]\n{line}\n")
    assert said in str(caught.value)
