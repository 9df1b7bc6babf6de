"""Minutes per line and per extension and day, and per line and month: counted on disk before they are spent (goal 5).

The other limits of a paid call are looked at here as well, at its beginning: how many an extension begins and has
running, and the night (T-F2, T-F3).

This process alone spends, so the day's sums are kept in memory and decide at once; every minute is
committed before `open` and `extend` return. A crash leaves what was committed counted as used. While
the disk is away the limits go on holding from memory, and the rows follow when it is back (X-P5): no
restart can use that to spend twice, since the store does not open on a disk that cannot be written
(each start writes a line of the audit).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.sqlite import insert

from gateway.clock import CERTAIN, Dating, WallClock
from gateway.errors import BudgetSpent, GatewayError, MonthSpent, StoreError, TooManyAtOnce, TooManyCalls
from gateway.events import AlertCleared, AlertRaised, Publish
from gateway.ids import new_id
from gateway.store.budget_limits import (
    Subject,
    day_refusal,
    minutes_of_a_day,
    night_refusal,
    own_mobile,
    room_refusal,
    way_of,
)
from gateway.store.call_rate import CallRate
from gateway.store.month import Bill, Months, MonthSums, minutes_left, month_limit, month_refusal, open_bill
from gateway.store.schema import budget_minutes, reservations
from gateway.store.writer import Writer
from gateway.telephony.ledger import LineMinutes, Reservation
from gateway.telephony.shop import ShopView

_DAYS_KEPT = 3

# Made once: a call waits for them.
_RESERVE = insert(reservations).on_conflict_do_nothing()
_COUNT = insert(budget_minutes)
_COUNT = _COUNT.on_conflict_do_update(
    index_elements=["reservation_id", "local_day"],
    set_={"minutes": _COUNT.excluded.minutes, "cost": _COUNT.excluded.cost},
)


@dataclass(slots=True)
class _Account:
    """An open reservation: its minutes by local day. What it costs is counted for its first day."""

    line: str
    extension: str | None
    may_refuse: bool
    call_id: str = ""
    number: str = ""
    bill: Bill | None = None
    granted_seconds: int = 0
    minutes: dict[str, int] = field(default_factory=dict)

    @property
    def subjects(self) -> list[Subject]:
        return [Subject("line", self.line), *([Subject("extension", self.extension)] if self.extension else [])]


class StoredBudget:
    """The Budget of telephony.ledger. Days are the shop's own, by its time zone."""

    def __init__(self, writer: Writer, *, gateway_id: str, shop: ShopView, clock: WallClock, publish: Publish) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._shop = shop
        self._clock = clock
        self._publish = publish
        self._days: dict[str, Counter[Subject]] = {}
        self._open: dict[str, _Account] = {}
        self._alerted: dict[tuple[str, Subject], dict[str, str]] = {}
        """What the owner was told today, and with which values."""
        self._rate = CallRate(shop)
        self._months = Months(writer)
        self.dating: Dating = CERTAIN
        """While nobody knows the time, the night lock holds."""

    async def load(self) -> None:
        """Read the minutes of today, so that the limits hold even if the disk goes before the first call."""
        await self._sums(self._local_day())
        await self._months.of(self._local_day())
        await self._writer.write(lambda connection: self._rate.load(connection, self._clock()))
        await self._rehearse()

    async def open(self, *, call_id: str, leg_id: str, line: str, extension: str | None, number: str) -> Reservation:
        """Commit the first minute of an outgoing call.

        Raises BudgetSpent, TooManyCalls, TooManyAtOnce and NightLocked; for an emergency, none of them. When the
        waiting task is cancelled, the minute goes back.
        """
        # A Dialable without `+` is an emergency number: counted, never refused.
        account = _Account(line, extension, may_refuse=number.startswith("+"), call_id=call_id, number=number)
        reservation = Reservation(id=new_id(), line=line, granted_seconds=60)
        now = self._clock()
        row = {
            "id": reservation.id, "gateway_id": self._gateway_id, "call_id": call_id, "leg_id": leg_id, "line": line,
            "extension": extension, "number": number, "opened_at": now, "granted_seconds": 60,
        }  # fmt: skip
        if account.may_refuse:
            self._require_leave(extension, line, call_id, number, now)
        await self._take_minute(account)
        self._open[reservation.id] = account
        done = False
        try:
            await self._commit(
                lambda connection: connection.execute(_RESERVE, row),
                reservation.id,
                overtakes=True,  # somebody hears ringback already, and the call's own rows are many
            )
            done = True
        finally:
            if not done:
                self._settle(reservation.id, used_minutes=0, talk_seconds=0)
        return reservation

    async def extend(self, reservation: Reservation) -> Reservation:
        """Commit one more minute, before it begins. Raises BudgetSpent."""
        account = self._open[reservation.id]
        await self._take_minute(account)
        await self._commit(_granted(reservation.id, account.granted_seconds), reservation.id)
        return Reservation(id=reservation.id, line=reservation.line, granted_seconds=account.granted_seconds)

    async def close(self, reservation: Reservation, *, talk_seconds: int) -> None:
        """Settle; what was not used goes back. Only the first call counts."""
        if reservation.id not in self._open:
            return
        self._settle(reservation.id, used_minutes=-(-talk_seconds // 60), talk_seconds=talk_seconds)
        with suppress(StoreError):  # the settlement is kept until the disk is back
            await self._writer.write(lambda _connection: None)  # it stands behind the settlement in the queue

    def line_minutes(self, line: str) -> LineMinutes:
        """How a line or provider stands now, by what is known without looking at the disk."""
        day, way = self._local_day(), way_of(self._shop(), line)
        used = self._days.get(day, Counter())[Subject("line", line)]
        month = self._months.known(day)
        left = [max(0, way.minutes_per_day - used)] if way is not None else [0]
        of_month = minutes_left(way, month) if month is not None else None
        return LineMinutes(
            used=used,
            left=min([*left, *([of_month] if of_month is not None else [])]),
            of_month=month.minutes[line] if month is not None else 0,
            cost_of_month=month.cost[line] if month is not None else 0,
        )

    def refusal(self, *, way: str, extension: str | None, number: str, at: datetime) -> GatewayError | None:
        """Why a call by that line or provider would not begin at that moment; None: it would. Nothing is counted.

        Minutes of a day that has not been read yet count as none.
        """
        if not number.startswith("+"):
            return None
        account = _Account(way, extension, may_refuse=True, number=number)
        day = local_day(at, self._shop().time_zone).isoformat()
        month = self._months.known(day) or MonthSums()
        more = open_bill(self._shop(), way, number, month).for_seconds(60)
        of_extension = (
            self._no_room(extension, "", number) or self._rate.refusal(extension, number, at)
            if extension is not None
            else None
        )
        return (
            night_refusal(self._shop(), number, way, extension, at, is_certain=self.dating.is_certain)
            or of_extension
            or day_refusal(self._shop(), account.subjects, self._days.get(day, Counter()), day)
            or month_refusal(way_of(self._shop(), way), month, more, day)
        )

    def extension_minutes(self, extension: str) -> LineMinutes:
        """How a phone or a courier stands today, by what is known without looking at the disk."""
        subject = Subject("extension", extension)
        used, limit = self._days.get(self._local_day(), Counter())[subject], minutes_of_a_day(self._shop(), subject)
        return LineMinutes(used=used, left=None if limit is None else max(0, limit - used))

    # Inside.

    async def _rehearse(self) -> None:
        """Take a minute that is given back in the same moment, so that the first call finds its statements made."""
        account = _Account("", None, may_refuse=False, minutes={self._local_day(): 0})
        minutes = self._minutes_of("rehearsal", account)
        row = {
            "id": "rehearsal", "gateway_id": self._gateway_id, "call_id": "", "leg_id": "", "line": "",
            "extension": None, "number": "", "opened_at": self._clock(), "granted_seconds": 0,
        }  # fmt: skip

        def rehearse(connection: Connection) -> None:
            with connection.begin_nested() as nothing:
                connection.execute(_RESERVE, row)
                minutes(connection)
                nothing.rollback()

        await self._writer.write(rehearse)

    async def _take_minute(self, account: _Account) -> None:
        """Count one more minute of today in memory, at once, so that two calls cannot take the same one."""
        day = self._local_day()
        sums, month = await self._sums(day), await self._months.of(day)
        if account.bill is None:
            account.bill = open_bill(self._shop(), account.line, account.number, month)
        more = account.bill.for_seconds(account.granted_seconds + 60) - account.bill.cost
        if account.may_refuse:
            spent = day_refusal(self._shop(), account.subjects, sums, day)
            if spent is not None:
                self._refuse(spent, spent.values["kind"], spent.values["name"])
            of_month = month_refusal(way_of(self._shop(), account.line), month, more, day)
            if of_month is not None:
                self._refuse(of_month, "line", account.line)
            self._may_spend(account)
        for subject in account.subjects:
            sums[subject] += 1
        account.minutes[day] = account.minutes.get(day, 0) + 1
        account.bill.cost += more
        self._months.add(day, account.line, minutes=1)
        self._months.add(next(iter(account.minutes)), account.line, cost=more)
        account.granted_seconds += 60

    def _require_leave(self, extension: str | None, line: str, call_id: str, number: str, now: datetime) -> None:
        """Count one more call of the extension. Raises NightLocked, TooManyAtOnce, TooManyCalls."""
        night = night_refusal(self._shop(), number, line, extension, now, is_certain=self.dating.is_certain)
        if night is not None:
            self._refuse(night, night.values["kind"], night.values["name"])
        if extension is None:
            return
        room = self._no_room(extension, call_id, number)
        if room is not None:
            self._refuse(room, "extension", extension)
        try:
            self._rate.begin(extension, call_id, number, now)
        except TooManyCalls as refusal:
            self._refuse(refusal, "extension", extension)

    def _no_room(self, extension: str, call_id: str, number: str) -> TooManyAtOnce | None:
        shop = self._shop()
        mobile = own_mobile(shop, extension)
        running = {
            each.call_id
            for each in self._open.values()
            if each.may_refuse and each.extension == extension and each.number != mobile
        }
        return room_refusal(shop, extension, running, call_id=call_id, number=number)

    def _refuse(self, refusal: GatewayError, kind: object, name: object) -> None:
        """Tell the owner, once a day, and raise it."""
        self._alert(
            refusal.code, Subject(str(kind), str(name)), {key: str(each) for key, each in refusal.values.items()}
        )
        raise refusal

    def _alert(self, code: str, subject: Subject, values: dict[str, str]) -> None:
        """Tell the owner, once a day."""
        if (code, subject) not in self._alerted:
            self._alerted[code, subject] = values
            self._publish(AlertRaised(code=code, subject=f"{subject.kind} {subject.name}", values=values))

    def _may_spend(self, account: _Account) -> None:
        """Where the owner has raised a limit meanwhile, its alert is over; the next one is told anew."""
        shop = self._shop()
        for subject in account.subjects:
            of_day = self._alerted.get((BudgetSpent.code, subject))
            if of_day is not None and of_day["minutes"] != str(minutes_of_a_day(shop, subject)):
                self._clear_alert(BudgetSpent.code, subject)
            of_month = self._alerted.get((MonthSpent.code, subject))
            if of_month is not None and of_month["limit"] != month_limit(way_of(shop, subject.name), of_month["kind"]):
                self._clear_alert(MonthSpent.code, subject)

    def _clear_alert(self, code: str, subject: Subject) -> None:
        del self._alerted[code, subject]
        self._publish(AlertCleared(code=code, subject=f"{subject.kind} {subject.name}"))

    async def _sums(self, day: str) -> Counter[Subject]:
        """The minutes of a day; read from the store once. Raises StoreError when that is needed and impossible."""
        if day not in self._days:
            try:
                stored = await self._writer.write(lambda connection: _sums_of(connection, day))
            except StoreError:
                if not self._days or day < max(self._days):
                    raise
                stored = Counter()  # a new day begins while the disk is away: nothing can be stored for it yet
            self._days.setdefault(day, stored)
            while len(self._days) > _DAYS_KEPT:
                del self._days[next(iter(self._days))]  # the one read first, whatever the clock has done since
            self._clear_alerts()
        return self._days[day]

    def _clear_alerts(self) -> None:
        """Another day: who was out of minutes has some again."""
        for code, subject in list(self._alerted):
            self._clear_alert(code, subject)

    async def _commit(
        self, work: Callable[[Connection], object], reservation_id: str, *, overtakes: bool = False
    ) -> None:
        """Commit a change of a reservation together with its minutes; keep it for later when the disk is away."""
        minutes = self._minutes_of(reservation_id, self._open[reservation_id])

        def both(connection: Connection) -> None:
            work(connection)
            minutes(connection)

        await self._writer.write_or_keep(both, overtakes=overtakes)

    def _settle(self, reservation_id: str, *, used_minutes: int, talk_seconds: int) -> None:
        """Give back the minutes that were not used, the last first, and have it stored.

        A call that outlived what was granted (a hang-up takes its time) is charged for that too.
        """
        account = self._open[reservation_id]
        change = used_minutes - account.granted_seconds // 60
        for day in sorted(account.minutes, reverse=True):
            step = max(change, -account.minutes[day])
            account.minutes[day] += step
            change -= step
            self._months.add(day, account.line, minutes=step)
            for subject in account.subjects:
                if day in self._days:
                    self._days[day][subject] += step
        if account.bill is not None:
            cost = account.bill.for_seconds(talk_seconds)
            self._months.add(next(iter(account.minutes)), account.line, cost=cost - account.bill.cost)
            account.bill.cost = cost
        minutes = self._minutes_of(reservation_id, account)
        del self._open[reservation_id]
        settled = {"settled_at": self._clock(), "talk_seconds": talk_seconds}

        def settle(connection: Connection) -> None:
            connection.execute(update(reservations).where(reservations.c.id == reservation_id).values(settled))
            minutes(connection)

        self._writer.enqueue(settle)

    def _minutes_of(self, reservation_id: str, account: _Account) -> Callable[[Connection], None]:
        """What writes the minutes of a reservation as they are now: whole values, so that repeating does no harm."""
        rows = [
            {
                "id": new_id(), "gateway_id": self._gateway_id, "reservation_id": reservation_id, "local_day": day,
                "line": account.line, "extension": account.extension, "minutes": minutes,
                "cost": account.bill.cost if account.bill is not None and not place else 0,
            }
            for place, (day, minutes) in enumerate(account.minutes.items())
        ]  # fmt: skip

        def write(connection: Connection) -> None:
            connection.execute(_COUNT, rows)

        return write

    def _local_day(self) -> str:
        return local_day(self._clock(), self._shop().time_zone).isoformat()


def local_day(moment: datetime, time_zone: str) -> date:
    """The calendar day of a moment in a time zone."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def settle_after_crash(connection: Connection, now: datetime) -> int:
    """Close the reservations a crash left open: their committed minutes count as used. Returns how many there were."""
    left = connection.execute(update(reservations).where(reservations.c.settled_at.is_(None)).values(settled_at=now))
    return left.rowcount


def _granted(reservation_id: str, seconds: int) -> Callable[[Connection], object]:
    change = update(reservations).where(reservations.c.id == reservation_id).values(granted_seconds=seconds)
    return lambda connection: connection.execute(change)


def _sums_of(connection: Connection, day: str) -> Counter[Subject]:
    sums: Counter[Subject] = Counter()
    for kind, column in (("line", budget_minutes.c.line), ("extension", budget_minutes.c.extension)):
        rows = connection.execute(
            select(column, func.sum(budget_minutes.c.minutes))
            .where(budget_minutes.c.local_day == day, column.is_not(None))
            .group_by(column)
        )
        for name, minutes in rows:
            sums[Subject(kind, name)] = int(minutes)
    return sums
