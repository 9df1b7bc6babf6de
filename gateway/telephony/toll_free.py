"""The guard of toll-free numbers: the shop pays for whoever calls there, so calls are counted and bounded (E4, E6).

Everything is judged by the calls of late, which the store keeps: a pure function of rules, calls and time. A contact or
a regular customer is always let through; so is whoever calls a number that is not toll-free.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

ALARM_SHARE = 0.8
"""Of the daily budget."""
_SUBSCRIBER_DIGITS = 4
"""Numbers that differ in no more than these belong to one range, which is what a flood comes from."""
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


class WhenSpent(StrEnum):
    """What strangers meet for the rest of the day when the budget of a number is spent."""

    BUSY = "busy"
    ANNOUNCE = "announce"
    """A phrase before the answer, which costs nothing; where the provider does not pass it on, busy."""
    FORWARD = "forward"
    """The extension `forward_to` rings."""


class TurnedAway(StrEnum):
    """Why a stranger is not let through."""

    BUDGET = "budget"
    BLOCKED = "blocked"
    """Too many short calls."""
    CALLER = "caller"
    PREFIX = "prefix"
    NUMBER = "number"
    AT_ONCE = "at-once"


@dataclass(frozen=True, slots=True, kw_only=True)
class TollFreeRules:
    """[toll_free] of shop.toml: of each toll-free number by itself. 0: no limit."""

    per_minute: str = "0"
    """What a minute of a caller's talk costs the shop, in its currency."""
    bills_ringing: bool = False
    """The provider counts from the first ring on, answered or not."""
    daily_budget: int = 0
    """In the shop's currency; an alarm at four fifths of it."""
    when_spent: WhenSpent = WhenSpent.BUSY
    forward_to: str | None = None
    caller_per_hour: int = 10
    """Calls of one number."""
    prefix_per_minute: int = 10
    """Calls of numbers that differ in the last four digits only."""
    number_per_minute: int = 30
    """Calls of all strangers together."""
    number_at_once: int = 10
    short_seconds: int = 5
    """A call that is over so soon is a short one."""
    short_calls: int = 5
    """So many short ones within an hour, and the caller is blocked."""
    block_hours: int = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class TollFreeCall:
    """A call that was let through. `way` is the line or provider that it came by; all times are aware UTC."""

    id: str
    way: str
    caller: str
    is_known: bool
    began_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    is_forgiven: bool = False
    """The owner has lifted the block that it led to."""

    def billed_seconds(self, rules: TollFreeRules, now: datetime) -> float:
        """What the provider counts, up to now."""
        begins = self.began_at if rules.bills_ringing else self.answered_at
        return max(0.0, ((self.ended_at or now) - begins).total_seconds()) if begins is not None else 0.0

    def is_short(self, rules: TollFreeRules) -> bool:
        """It was over soon: after its answer, or without one."""
        begins = self.answered_at or self.began_at
        return self.ended_at is not None and (self.ended_at - begins).total_seconds() < rules.short_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a number has had since the shop's midnight: money in its currency, calls that were let through."""

    spent: float
    calls: int
    at_once: int
    """That run now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Somebody who made too many short calls."""

    caller: str
    until: datetime


class TollFree(Protocol):
    """Counts the calls to toll-free numbers; the store keeps them."""

    def verdict(self, way: str, caller: str, *, at: datetime) -> TurnedAway | None:
        """Why a stranger's call would not be let through at that moment; None: it would. Nothing is counted."""

    async def admit(self, call_id: str, way: str, caller: str, *, leg_id: str, is_known: bool) -> TurnedAway | None:
        """Judge a call and, where it is let through (None), commit it first; `leg_id` is the caller's."""


class NoGuard:
    """Where nothing is counted."""

    def verdict(self, way: str, caller: str, *, at: datetime) -> None:
        """Everybody would be let through."""

    async def admit(self, call_id: str, way: str, caller: str, *, leg_id: str, is_known: bool) -> None:
        """Everybody is let through."""


def spent(calls: Iterable[TollFreeCall], rules: TollFreeRules, way: str, since: datetime, now: datetime) -> Decimal:
    """What the calls to that number have cost that began at `since` or later; each begun minute is paid whole."""
    minutes = sum(
        math.ceil(call.billed_seconds(rules, now) / 60) for call in calls if call.way == way and call.began_at >= since
    )
    return minutes * Decimal(rules.per_minute)


def blocked_until(calls: Sequence[TollFreeCall], rules: TollFreeRules, caller: str) -> datetime | None:
    """Until when the caller is blocked for short calls, whether that is over or not; None: there were not so many."""
    if not rules.short_calls or not caller:
        return None
    ends = sorted(
        call.ended_at
        for call in calls
        if call.caller == caller
        and call.ended_at is not None
        and not (call.is_known or call.is_forgiven)
        and call.is_short(rules)
    )
    last = rules.short_calls - 1
    bursts = [end for first, end in zip(ends, ends[last:], strict=False) if end - first <= _HOUR]
    return bursts[-1] + timedelta(hours=rules.block_hours) if bursts else None


def judge(
    calls: Sequence[TollFreeCall], rules: TollFreeRules, *, way: str, caller: str, day_began: datetime, now: datetime
) -> TurnedAway | None:
    """Why a stranger's call to that number is not let through now; None: it is.

    `calls` are those let through of late, of all numbers. A caller who withholds the number has no limits of their own.
    """
    until = blocked_until(calls, rules, caller)
    if until is not None and now < until:
        return TurnedAway.BLOCKED
    if rules.daily_budget and spent(calls, rules, way, day_began, now) >= rules.daily_budget:
        return TurnedAway.BUDGET
    strangers = [call for call in calls if call.way == way and not call.is_known]
    of_hour = [call for call in strangers if now - call.began_at < _HOUR]
    of_minute = [call for call in of_hour if now - call.began_at < _MINUTE]
    prefix = caller[:-_SUBSCRIBER_DIGITS]
    limits = (
        (TurnedAway.CALLER, rules.caller_per_hour if caller else 0, sum(each.caller == caller for each in of_hour)),
        (
            TurnedAway.PREFIX,
            rules.prefix_per_minute if prefix else 0,
            sum(each.caller[:-_SUBSCRIBER_DIGITS] == prefix for each in of_minute),
        ),
        (TurnedAway.NUMBER, rules.number_per_minute, len(of_minute)),
        (TurnedAway.AT_ONCE, rules.number_at_once, sum(each.ended_at is None for each in strangers)),
    )
    return next((reason for reason, most, count in limits if most and count >= most), None)
