"""The calls to toll-free numbers, on disk before anybody rings: what was spent and who is blocked outlive a restart."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from gateway.clock import WallClock
from gateway.events import AlertCleared, AlertRaised, CallEnded, LegAnswered, Publish, Published
from gateway.store.audit import add_audit
from gateway.store.schema import Moment, calls
from gateway.store.schema_toll_free import toll_free_calls
from gateway.store.writer import Writer
from gateway.telephony.shop import ShopView
from gateway.telephony.toll_free import (
    ALARM_SHARE,
    Block,
    TollFreeCall,
    TurnedAway,
    Usage,
    blocked_until,
    judge,
    spent,
)

log = logging.getLogger(__name__)

KEPT = timedelta(days=8)
"""Longer than anybody is blocked."""
CALM = timedelta(minutes=10)
"""So long nobody was turned away, and a flood is over."""
_LOW, _SPENT, _FLOOD = "toll-free-budget-low", "toll-free-budget-spent", "toll-free-flood"


class StoredTollFree:
    """Implements telephony.toll_free.TollFree, and follows the events of the calls it has let through."""

    def __init__(self, writer: Writer, *, gateway_id: str, shop: ShopView, clock: WallClock, publish: Publish) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._shop = shop
        self._clock = clock
        self._publish = publish
        self._calls: dict[str, TollFreeCall] = {}
        self._legs: dict[str, str] = {}
        """The callers' legs that are not answered yet, and their calls."""
        self._refused_at: dict[str, datetime] = {}
        """When somebody was last turned away for another reason than money, by way."""
        self._alerts: set[tuple[str, str]] = set()
        """Those that are raised: code and number."""

    async def load(self) -> None:
        """Take over what the last run has left. A call that was running then ended when its record says."""
        now = self._clock()

        def read(connection: Connection) -> list[TollFreeCall]:
            connection.execute(delete(toll_free_calls).where(toll_free_calls.c.began_at < now - KEPT))
            columns = toll_free_calls.c
            open_ones = update(toll_free_calls).where(columns.ended_at.is_(None))
            of_record = select(calls.c.ended_at).where(calls.c.id == columns.id).scalar_subquery()
            ended = func.coalesce(of_record, columns.answered_at, columns.began_at, type_=Moment)
            connection.execute(open_ones.values(ended_at=ended))
            rows = connection.execute(select(toll_free_calls).order_by(columns.began_at, columns.id))
            return [
                TollFreeCall(
                    id=row.id,
                    way=row.way,
                    caller=row.caller,
                    is_known=row.is_known,
                    began_at=row.began_at,
                    answered_at=row.answered_at,
                    ended_at=row.ended_at,
                    is_forgiven=row.is_forgiven,
                )
                for row in rows
            ]

        self._calls = {call.id: call for call in await self._writer.write(read)}

    def verdict(self, way: str, caller: str, *, at: datetime) -> TurnedAway | None:
        """Why a stranger's call would not be let through at that moment, by what has been so far; None: it would."""
        known, rules = tuple(self._calls.values()), self._shop().toll_free
        return judge(known, rules, way=way, caller=caller, day_began=self._day_began(at), now=at)

    async def admit(self, call_id: str, way: str, caller: str, *, leg_id: str, is_known: bool) -> TurnedAway | None:
        """Judge a call and, where it is let through (None), commit it before anybody rings.

        While the disk is away it counts all the same, and is committed later.
        """
        now = self._clock()
        if not is_known:
            reason = self.verdict(way, caller, at=now)
            if reason is not None:
                log.info("A call from %s to %s is turned away (%s).", caller or "a withheld number", way, reason)
                self._tell_refusal(way, reason, now)
                return reason
        call = TollFreeCall(id=call_id, way=way, caller=caller, is_known=is_known, began_at=now)
        self._calls[call_id] = call
        self._legs[leg_id] = call_id
        self._forget(now)
        self._tell_budget(way, now)
        if now - self._refused_at.get(way, now) >= CALM:
            self._calm(_FLOOD, way)
        values = {
            "id": call.id, "gateway_id": self._gateway_id, "way": way, "caller": caller, "is_known": is_known,
            "began_at": now, "is_forgiven": False,
        }  # fmt: skip
        await self._writer.write_or_keep(
            lambda connection: connection.execute(insert(toll_free_calls).values(values).on_conflict_do_nothing())
        )
        return None

    def __call__(self, published: Published) -> None:
        """A subscriber of the bus: when calls are answered and over."""
        match published.event:
            case LegAnswered(leg_id=leg_id) if leg_id in self._legs:
                self._change(replace(self._calls[self._legs.pop(leg_id)], answered_at=self._clock()))
            case CallEnded(call_id=call_id) if call_id in self._calls:
                self._legs = {leg: call for leg, call in self._legs.items() if call != call_id}
                self._change(replace(self._calls[call_id], ended_at=self._clock()))
            case _:
                pass

    def spent_today(self, way: str) -> float:
        """What the number of that way has cost since the shop's midnight, in its currency."""
        now = self._clock()
        return float(spent(self._calls.values(), self._shop().toll_free, way, self._day_began(now), now))

    def usage(self, way: str) -> Usage:
        """What the number of that way has had since the shop's midnight."""
        began = self._day_began(self._clock())
        today = [call for call in self._calls.values() if call.way == way and call.began_at >= began]
        return Usage(
            spent=self.spent_today(way), calls=len(today), at_once=sum(call.ended_at is None for call in today)
        )

    def blocks(self) -> list[Block]:
        """Who is blocked now, the one that is free last first."""
        now, known, rules = self._clock(), tuple(self._calls.values()), self._shop().toll_free
        until = {caller: blocked_until(known, rules, caller) for caller in {call.caller for call in known}}
        found = [Block(caller=caller, until=end) for caller, end in until.items() if end is not None and now < end]
        return sorted(found, key=lambda block: (block.until, block.caller), reverse=True)

    async def lift(self, caller: str, *, by: str) -> bool:
        """Let a blocked caller through again; False: nobody of that number is blocked. Raises StoreError."""
        if all(block.caller != caller for block in self.blocks()):
            return False
        now = self._clock()

        def commit(connection: Connection) -> None:
            of_caller = update(toll_free_calls).where(toll_free_calls.c.caller == caller)
            connection.execute(of_caller.values(is_forgiven=True))
            add_audit(
                connection, gateway_id=self._gateway_id, now=now, by=by, action="toll-free.block-lifted",
                subject=caller, details={},
            )  # fmt: skip

        await self._writer.write(commit)
        for call in [call for call in self._calls.values() if call.caller == caller]:
            self._calls[call.id] = replace(call, is_forgiven=True)
        return True

    def _change(self, call: TollFreeCall) -> None:
        self._calls[call.id] = call
        values = {"answered_at": call.answered_at, "ended_at": call.ended_at}
        changing = update(toll_free_calls).where(toll_free_calls.c.id == call.id).values(values)
        self._writer.enqueue(lambda connection: connection.execute(changing))
        self._tell_budget(call.way, self._clock())

    def _day_began(self, now: datetime) -> datetime:
        local = now.astimezone(ZoneInfo(self._shop().time_zone))
        return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)

    def _forget(self, now: datetime) -> None:
        """What no rule looks at any more; it is removed from the disk at the next start."""
        for call_id, call in list(self._calls.items()):
            if call.began_at >= now - KEPT:
                break  # they stand in the order of their beginning
            del self._calls[call_id]

    # Alerts.

    def _tell_budget(self, way: str, now: datetime) -> None:
        budget = self._shop().toll_free.daily_budget
        used = spent(self._calls.values(), self._shop().toll_free, way, self._day_began(now), now)
        values = {"number": way, "spent": f"{used:.2f}", "budget": str(budget)}
        for code, share in ((_LOW, ALARM_SHARE), (_SPENT, 1.0)):
            if budget and float(used) >= budget * share:
                self._raise(code, way, values)
            else:
                self._calm(code, way)

    def _tell_refusal(self, way: str, reason: TurnedAway, now: datetime) -> None:
        if reason is not TurnedAway.BUDGET:
            self._refused_at[way] = now
            self._raise(_FLOOD, way, {"number": way, "reason": str(reason)})

    def _raise(self, code: str, way: str, values: dict[str, str]) -> None:
        if (code, way) not in self._alerts:
            self._alerts.add((code, way))
            self._publish(AlertRaised(code=code, subject=way, values=values))

    def _calm(self, code: str, way: str) -> None:
        if (code, way) in self._alerts:
            self._alerts.discard((code, way))
            self._publish(AlertCleared(code=code, subject=way))
