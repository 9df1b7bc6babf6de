"""A flood at a toll-free number, as scenes (E4 to E6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.events import AlertCleared, AlertRaised
from gateway.store.toll_free import StoredTollFree
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.shop import PhoneSettings, Shop, TrunkSettings
from gateway.telephony.toll_free import TollFreeRules, WhenSpent
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg

FREE = "+78001234567"
SHOP = Shop(
    trunks=(
        TrunkSettings(name="free", host="sip.example.org", number=FREE),
        TrunkSettings(name="city", host="sip.example.net", number="+74951234567"),
    ),
    phones=(
        PhoneSettings(extension="101", name="Front desk", password="a-long-password"),
        PhoneSettings(extension="102", name="Store", password="a-long-password"),
    ),
    toll_free=TollFreeRules(per_minute="10", daily_budget=100),
)
CUSTOMER = "+79035550001"


def calls_free(s: Scene, caller: str) -> FakeLeg:
    return s.call_to_trunk("free", caller, FREE)


def alerts(s: Scene) -> list[str]:
    raised = [event.code for event in s.events if isinstance(event, AlertRaised)]
    return [code for code in raised if code.startswith("toll-free")]


async def _talk(s: Scene, caller: FakeLeg, seconds: float) -> None:
    await s.after(0.1)
    next(leg for leg in reversed(s.phones.legs["101"]) if leg.state is not LegState.ENDED).answers()
    await s.after(seconds)
    caller.hangs_up()
    await s.after(0.1)


async def test_a_flood_is_turned_away_and_a_known_customer_gets_through() -> None:
    """E6: sixty calls a minute from thirty numbers."""
    async with scene(SHOP) as s:
        s.people.names[CUSTOMER] = "Olga"
        flood: list[FakeLeg] = []
        for second in range(60):
            flood.append(calls_free(s, f"+79{second % 30:02}0000000"))
            await s.after(1)
            if second == 55:
                known = calls_free(s, CUSTOMER)
            if flood[-1].state is not LegState.ENDED:
                flood[-1].hangs_up()
        let_through = [leg for leg in flood if "ringing" in leg.told]
        assert len(let_through) == 30
        refused = [leg for leg in flood if leg not in let_through]
        assert all(leg.told == [f"hangup {Cause.BUSY}"] for leg in refused)
        assert "ringing" in known.told
        assert alerts(s) == ["toll-free-flood"]
        known.hangs_up()
        city = s.call_to_trunk("city", "+79010000000", "+74951234567")
        await s.after(0.5)
        assert "ringing" in city.told, "other numbers are no concern of the guard"
        city.hangs_up()
        await s.after(601)
        calls_free(s, "+79990000000").hangs_up()
        await s.after(1)
        assert "toll-free-flood" in [event.code for event in s.events if isinstance(event, AlertCleared)]


async def test_the_budget_alarms_and_stops_strangers_until_midnight() -> None:
    """E4: 80 of 100 raise an alarm, 100 the chosen action."""
    async with scene(SHOP) as s:
        s.people.names[CUSTOMER] = "Olga"
        await _talk(s, calls_free(s, "+79010000001"), 7 * 60 + 30)
        assert alerts(s) == ["toll-free-budget-low"]
        assert s.toll_free.spent_today("free") == 80
        await _talk(s, calls_free(s, "+79020000001"), 100)
        assert alerts(s) == ["toll-free-budget-low", "toll-free-budget-spent"]
        stranger = calls_free(s, "+79030000001")
        await s.after(0.5)
        assert stranger.told == [f"hangup {Cause.BUSY}"]
        known = calls_free(s, CUSTOMER)
        await s.after(0.5)
        assert "ringing" in known.told
        known.hangs_up()
        again = StoredTollFree(s.writer, gateway_id="g", shop=lambda: s.shop, clock=s.clock, publish=lambda event: None)
        await again.load()
        assert again.spent_today("free") == 100, "a restart forgets nothing"
        s.set_by = timedelta(hours=24)
        next_day = calls_free(s, "+79030000001")
        await s.after(0.5)
        assert "ringing" in next_day.told
        assert s.toll_free.spent_today("free") == 0
        next_day.hangs_up()


async def test_what_strangers_meet_when_the_money_is_spent_is_the_owners_choice() -> None:
    for when_spent, told in ((WhenSpent.ANNOUNCE, "early"), (WhenSpent.FORWARD, "ringing")):
        rules = replace(SHOP.toll_free, when_spent=when_spent, forward_to="102")
        async with scene(replace(SHOP, toll_free=rules)) as s:
            await _talk(s, calls_free(s, "+79010000001"), 601)
            stranger = calls_free(s, "+79030000001")
            await s.after(0.5)
            assert told in stranger.told[0]
            assert ("102" in s.phones.legs and len(s.phones.legs["102"]) == 2) is (when_spent is WhenSpent.FORWARD)
            assert ("all-busy" in s.prompts_played) is (when_spent is WhenSpent.ANNOUNCE)
            stranger.hangs_up()
            await s.after(1)


async def test_short_calls_block_their_caller_for_a_while() -> None:
    rules = replace(SHOP.toll_free, short_calls=3, block_hours=1)
    async with scene(replace(SHOP, toll_free=rules)) as s:
        for _ in range(3):
            await _talk(s, calls_free(s, "+79010000001"), 2)
        blocked, other = calls_free(s, "+79010000001"), calls_free(s, "+79020000001")
        await s.after(0.5)
        assert (blocked.told, other.told[0]) == ([f"hangup {Cause.BUSY}"], "ringing")
        other.hangs_up()
        await s.after(3600)
        later = calls_free(s, "+79010000001")
        await s.after(0.5)
        assert later.told[0] == "ringing"
        later.hangs_up()


async def test_a_disk_that_is_away_stops_no_call() -> None:
    async with scene(SHOP) as s:
        s.writer.is_away = True
        caller = calls_free(s, "+79010000001")
        await s.after(0.5)
        assert caller.told == ["ringing"]
        caller.hangs_up()
        await s.after(0.5)
        s.writer.is_away = False


async def test_whoever_hangs_up_during_the_announcement_leaves_nothing() -> None:
    """At every half second of it, and nothing was answered, which would cost."""
    rules = replace(SHOP.toll_free, when_spent=WhenSpent.ANNOUNCE)
    for half_seconds in range(4):
        async with scene(replace(SHOP, toll_free=rules)) as s:
            await _talk(s, calls_free(s, "+79010000001"), 601)
            stranger = calls_free(s, "+79030000001")
            await s.after(half_seconds / 2)
            stranger.hangs_up()
            await s.after(1)
            assert "answer" not in stranger.told
