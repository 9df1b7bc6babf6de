"""What each call has cost, beside its row; and what each courier's day came to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select, update

from gateway.events import LegEnded, Published
from gateway.store.schema import calls, legs
from gateway.store.writer import Writer
from gateway.telephony.shop import Shop, ShopView
from gateway.telephony.tariffs import cost_of, tariff_for


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierDay:
    """What a courier's calls of a time came to. `cost` is in hundredths; None: no call of them has a tariff."""

    courier: str
    calls: int
    reached: int
    talk_seconds: float
    cost: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTries:
    """How often people of an order tried to reach each other, and how often they did."""

    order: str
    courier: str | None
    tries: int
    reached: int


class Charges:
    """A subscriber of the bus, behind the journal: a leg that was paid for is charged when it is over."""

    def __init__(self, writer: Writer, *, shop: ShopView) -> None:
        self._writer = writer
        self._shop = shop

    def __call__(self, published: Published) -> None:
        """Have it charged by the tariffs of this moment."""
        event, shop = published.event, self._shop()
        if isinstance(event, LegEnded) and shop.tariffs:
            self._writer.enqueue(lambda connection: _charge(connection, event.leg_id, shop))

    async def days(self, since: datetime, until: datetime) -> Sequence[CourierDay]:
        """What the couriers' calls that began in that time came to, by extension."""
        wanted = (
            select(
                calls.c.courier,
                func.count(),
                func.count(calls.c.answered_at),
                func.sum(calls.c.talk_seconds),
                func.sum(calls.c.cost),
            )
            .where(calls.c.courier.is_not(None), calls.c.started_at >= since, calls.c.started_at < until)
            .group_by(calls.c.courier)
            .order_by(calls.c.courier)
        )
        rows = await self._writer.write(lambda connection: list(connection.execute(wanted)))
        return [
            CourierDay(courier=courier, calls=count, reached=reached, talk_seconds=talked, cost=cost)
            for courier, count, reached, talked, cost in rows
        ]

    async def tries(self, since: datetime, until: datetime) -> Sequence[OrderTries]:
        """How often it was tried for each order in that time, those that were reached least first."""
        reached = func.count(calls.c.answered_at)
        wanted = (
            select(calls.c.order, func.max(calls.c.courier), func.count(), reached)
            .where(calls.c.order.is_not(None), calls.c.courier.is_not(None))
            .where(calls.c.started_at >= since, calls.c.started_at < until)
            .group_by(calls.c.order)
            .order_by(reached, func.count().desc(), calls.c.order)
        )
        rows = await self._writer.write(lambda connection: list(connection.execute(wanted)))
        return [
            OrderTries(order=order, courier=courier, tries=tries, reached=met) for order, courier, tries, met in rows
        ]


def _charge(connection: Connection, leg_id: str, shop: Shop) -> None:
    """In the writer's thread; comes to the same when it is repeated."""
    leg = connection.execute(select(legs).where(legs.c.id == leg_id)).first()
    if leg is None or leg.direction != "outgoing" or leg.line is None:
        return
    tariff = tariff_for(shop.tariffs, leg.line, leg.peer)
    if tariff is None or leg.ended_at is None:
        return
    cost = 0
    if leg.answered_at is not None:
        left = 0
        if tariff.plan_minutes:
            left = max(0, tariff.plan_minutes * 60 - _used_seconds(connection, leg.line, leg.answered_at, shop))
        cost = cost_of(tariff, _talked(leg.answered_at, leg.ended_at), plan_left_seconds=left)
    connection.execute(update(legs).where(legs.c.id == leg_id).values(cost=cost))
    total = select(func.sum(legs.c.cost)).where(legs.c.call_id == leg.call_id).scalar_subquery()
    connection.execute(update(calls).where(calls.c.id == leg.call_id).values(cost=total))


def _used_seconds(connection: Connection, line: str, answered_at: datetime, shop: Shop) -> int:
    """What the calls before this one have used of the line's plan since the first of the shop's month, in minutes."""
    local = answered_at.astimezone(ZoneInfo(shop.time_zone))
    month = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    used = select(legs.c.answered_at, legs.c.ended_at).where(
        legs.c.line == line,
        legs.c.direction == "outgoing",
        legs.c.answered_at >= month,
        legs.c.answered_at < answered_at,
        legs.c.ended_at.is_not(None),
    )
    return sum(math.ceil(_talked(*row) / 60) * 60 for row in connection.execute(used))


def _talked(answered_at: datetime, ended_at: datetime) -> int:
    return max(1, math.ceil((ended_at - answered_at).total_seconds()))
