"""What each line has used since the first of the shop's month: minutes, and money by the tariffs (T-F3).

Sums are kept in memory and decide at once, like those of the day; what they are made of is committed with the minutes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from gateway.errors import MonthSpent, StoreError
from gateway.store.schema import budget_minutes
from gateway.store.writer import Writer
from gateway.telephony.shop import LineSettings, Shop, TrunkSettings
from gateway.telephony.tariffs import TariffSettings, cost_of, tariff_for

_MONTHS_KEPT = 2


@dataclass(frozen=True, slots=True)
class MonthSums:
    """By the name of the line or provider; `cost` is in hundredths of the currency."""

    minutes: Counter[str] = field(default_factory=Counter)
    cost: Counter[str] = field(default_factory=Counter)


class Months:
    """The sums of this month and the last one."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._sums: dict[str, MonthSums] = {}

    async def of(self, day: str) -> MonthSums:
        """The sums of the month of a day "2026-03-02", read from the store once.

        Raises StoreError when that is needed and impossible.
        """
        month = day[:7]
        if month not in self._sums:
            try:
                read = await self._writer.write(lambda connection: _read(connection, month))
            except StoreError:
                if not self._sums or month < max(self._sums):
                    raise
                read = MonthSums()  # a new month begins while the disk is away: nothing can be stored for it yet
            self._sums.setdefault(month, read)
            while len(self._sums) > _MONTHS_KEPT:
                del self._sums[next(iter(self._sums))]
        return self._sums[month]

    def known(self, day: str) -> MonthSums | None:
        """As `of`, where it has been read already."""
        return self._sums.get(day[:7])

    def add(self, day: str, line: str, *, minutes: int = 0, cost: int = 0) -> None:
        """Count more, or less, for the month of that day, if it is one of those that are kept."""
        sums = self.known(day)
        if sums is not None:
            sums.minutes[line] += minutes
            sums.cost[line] += cost


@dataclass(slots=True)
class Bill:
    """What one paid call comes to by its tariff; without one it costs nothing that we know of."""

    tariff: TariffSettings | None
    plan_left_seconds: int
    cost: int = 0
    """Counted so far, in hundredths."""

    def for_seconds(self, seconds: int) -> int:
        """What so many seconds of talk come to, in hundredths."""
        if self.tariff is None:
            return 0
        return cost_of(self.tariff, seconds, plan_left_seconds=self.plan_left_seconds)


def open_bill(shop: Shop, line: str, number: str, sums: MonthSums) -> Bill:
    """The bill of a call that begins now; what the month has used of the plan is gone."""
    tariff = tariff_for(shop.tariffs, line, number)
    plan_seconds = tariff.plan_minutes * 60 if tariff is not None else 0
    return Bill(tariff=tariff, plan_left_seconds=max(0, plan_seconds - sums.minutes[line] * 60))


def month_refusal(way: LineSettings | TrunkSettings | None, sums: MonthSums, more: int, day: str) -> MonthSpent | None:
    """Why another minute, which costs `more` hundredths, is too much for the month; None: it is not."""
    if way is None:
        return None
    values = {"name": way.name, "month": day[:7]}
    if way.minutes_per_month is not None and sums.minutes[way.name] >= way.minutes_per_month:
        return MonthSpent(
            f"The {way.minutes_per_month} minutes of {way.name} for {day[:7]} are used up.",
            **values, kind="minutes", limit=str(way.minutes_per_month),
        )  # fmt: skip
    if way.money_per_month is not None and more and sums.cost[way.name] + more > way.money_per_month * 100:
        return MonthSpent(
            f"The money of {way.name} for {day[:7]}, {way.money_per_month}, is used up.",
            **values, kind="money", limit=str(way.money_per_month),
        )  # fmt: skip
    return None


def month_limit(way: LineSettings | TrunkSettings | None, kind: str) -> str:
    """The limit of now, as a MonthSpent of that kind says it; empty: there is none."""
    if way is None:
        return ""
    limit = way.minutes_per_month if kind == "minutes" else way.money_per_month
    return "" if limit is None else str(limit)


def minutes_left(way: LineSettings | TrunkSettings | None, sums: MonthSums) -> int | None:
    """How many minutes the month still holds; None: there is no limit."""
    if way is None or way.minutes_per_month is None:
        return None
    return max(0, way.minutes_per_month - sums.minutes[way.name])


def _read(connection: Connection, month: str) -> MonthSums:
    rows = connection.execute(
        select(budget_minutes.c.line, func.sum(budget_minutes.c.minutes), func.sum(budget_minutes.c.cost))
        .where(budget_minutes.c.local_day >= f"{month}-01", budget_minutes.c.local_day <= f"{month}-31")
        .group_by(budget_minutes.c.line)
    )
    sums = MonthSums()
    for line, minutes, cost in rows:
        sums.minutes[line] = int(minutes)
        sums.cost[line] = int(cost)
    return sums
