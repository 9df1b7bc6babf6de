"""Orders on disk; those that live are in memory too, so that no call waits for the disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.clock import WallClock
from gateway.errors import OrderExists, OrdersInvalid
from gateway.events import OrdersChanged, Publish
from gateway.ids import new_id
from gateway.store.audit import add_audit
from gateway.store.order_file import read_rows
from gateway.store.order_values import blank, checked, invalid
from gateway.store.schema import calls, legs
from gateway.store.schema_orders import orders
from gateway.store.taken_table import TakenBack, TakenTable
from gateway.store.writer import Writer
from gateway.telephony.orders import Life, Order, Stage, alive
from gateway.telephony.promised import NOT_THE_CUSTOMER
from gateway.telephony.routing import order_dialled_as
from gateway.telephony.shop import ShopView

PUT_BACK_WITHIN = timedelta(minutes=10)
_MOST_ALIKE = 10
_MOST_PUT_BACK = 500


@dataclass(frozen=True, slots=True)
class _Change:
    """The last one of an order by a person or a program; a table from a spreadsheet is another matter."""

    former: Order
    current: Order
    until: datetime
    """Until then it can be taken back."""


@dataclass(frozen=True, slots=True)
class OrdersTaken:
    """What a table came to; `id` is by what it can be taken back for some minutes."""

    added: int
    changed: int
    id: str


class StoredOrders:
    """The orders of the shop. `by` is the name of who changes them."""

    def __init__(self, writer: Writer, *, gateway_id: str, shop: ShopView, clock: WallClock, publish: Publish) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._shop = shop
        self._clock = clock
        self._publish = publish
        self._living: dict[str, Order] = {}
        self._changes: dict[str, _Change] = {}
        """By number, in memory alone, so that a number that is erased is nowhere."""
        self._table: TakenTable[Order] | None = None
        self._tell: Callable[[Sequence[Order], str], None] = lambda _changed, _by: None

    @property
    def grace(self) -> timedelta:
        """How long an order that is over still ties its people together."""
        return timedelta(minutes=self._shop().orders.grace_minutes)

    async def load(self) -> None:
        """Read what may live."""
        not_closed = select(orders).where(orders.c.closed_at.is_(None), orders.c.gateway_id == self._gateway_id)
        rows = await self._writer.write(lambda connection: list(connection.execute(not_closed)))
        self._living = {row.number: order_of_row(row) for row in rows}
        self.alive()

    def alive(self) -> tuple[Order, ...]:
        """The orders that live now, the one that counts most first: an OrderView."""
        living = alive(self._living.values(), self._clock(), self.grace)
        if len(living) < len(self._living):
            self._living = {order.number: order for order in living}
        return living

    def alive_at(self, moment: datetime) -> tuple[Order, ...]:
        """Those of now that will live, or lived, at that moment, the one that counts most first."""
        return alive(self._living.values(), moment, self.grace)

    def life(self, order: Order) -> Life:
        """What an order is now."""
        return order.life(self._clock(), self.grace)

    def dialled_as(self, order: Order) -> str:
        """What its courier dials for it now: extensions of the shop come and go."""
        return order_dialled_as(self._shop(), order)

    def tell(self, follower: Callable[[Sequence[Order], str], None]) -> None:
        """Give every change to `follower`, all orders of it and who has made it, besides OrdersChanged."""
        self._tell = follower

    async def in_vain(self) -> dict[str, int]:
        """How often the customer of each living order was called in vain since the last talk, by the order's number."""
        first: dict[str, Order] = {}
        for order in self.alive():
            first.setdefault(order.phone, order)

        def count(connection: Connection) -> dict[str, int]:
            found = {order.number: connection.execute(_vain_calls(order)).scalar_one() for order in first.values()}
            return {number: tries for number, tries in found.items() if tries}

        return await self._writer.write(count)

    async def find(self, number: str) -> Order | None:
        """The order of that number, also when it is closed."""
        wanted = select(orders).where(orders.c.number == number, orders.c.gateway_id == self._gateway_id)
        row = await self._writer.write(lambda connection: connection.execute(wanted).first())
        return None if row is None else order_of_row(row)

    async def dialled(self, digits: str) -> Sequence[Order]:
        """The orders whose numbers have these digits, closed ones too, the last changed first."""
        wanted = (
            select(orders)
            .where(orders.c.digits == digits, orders.c.gateway_id == self._gateway_id)
            .order_by(orders.c.changed_at.desc())
            .limit(_MOST_ALIKE)
        )
        rows = await self._writer.write(lambda connection: list(connection.execute(wanted)))
        return [order_of_row(row) for row in rows]

    async def page(
        self, *, search: str, courier: str | None, stage: str | None, after: str | None, limit: int
    ) -> Sequence[Order]:
        """Orders, the newest first, those behind the order with the id `after`."""
        conditions: list[ColumnElement[bool]] = [orders.c.gateway_id == self._gateway_id]
        if search:
            text = search.casefold()
            digits = re.sub(r"\D", "", search)
            # The database knows upper and lower case of Latin letters only: names are tried as people write them.
            spellings = sorted({search, text, search.capitalize(), search.title()})
            found = [func.instr(func.lower(orders.c.number), text) > 0]
            found += [func.instr(orders.c.customer, each) > 0 for each in spellings]
            conditions.append(or_(*found, *([func.instr(orders.c.phone, digits) > 0] if len(digits) >= 4 else [])))
        if courier is not None:
            conditions.append(orders.c.courier == courier)
        if stage is not None:
            conditions.append(orders.c.stage == stage)
        if after is not None:
            conditions.append(orders.c.id < after)
        wanted = select(orders).where(*conditions).order_by(orders.c.id.desc()).limit(limit)
        rows = await self._writer.write(lambda connection: list(connection.execute(wanted)))
        return [order_of_row(row) for row in rows]

    async def add(
        self, values: Mapping[str, str], *, expires_at: datetime | None, by: str, callback_required: bool = False
    ) -> Order:
        """A new order. Raises OrdersInvalid, and OrderExists where the number was used before."""
        number = values.get("number", "")
        if await self.find(number) is not None:
            raise OrderExists(f"There is an order {number!r} already.", number=number)
        shop, now = self._shop(), self._clock()
        made = checked(blank(number, expires_at, shop=shop, now=now), values, shop=shop, now=now)
        made = replace(made, callback_required=callback_required)
        await self._keep([made], by=by, action="order.created")
        return made

    async def change(
        self, number: str, values: Mapping[str, str], *, expires_at: datetime | None = None, by: str
    ) -> Order | None:
        """Other values for an order; None: there is none of that number. Raises OrdersInvalid."""
        former = await self.find(number)
        if former is None:
            return None
        order = former if expires_at is None else replace(former, expires_at=expires_at, closed_at=None)
        changed = checked(order, values, shop=self._shop(), now=self._clock())
        await self._keep([changed], by=by, action="order.changed")
        self._remember(former, changed)
        return changed

    async def close(self, number: str, *, by: str) -> Order | None:
        """End an order at once, without grace."""
        order = await self.find(number)
        if order is None:
            return None
        closed = replace(order, closed_at=self._clock(), changed_at=self._clock())
        await self._keep([closed], by=by, action="order.closed")
        self._remember(order, closed)
        return closed

    async def put_back(self, number: str, *, by: str) -> Order | None:
        """Have an order as it was before its last change or its end, within some minutes of it.

        None: it is too late, or it has become another one since. Raises OrdersInvalid where its courier is gone.
        """
        change = self._changes.get(number)
        if change is None or self._clock() >= change.until or await self.find(number) != change.current:
            return None
        courier = change.former.courier
        if courier is not None and self._shop().courier(courier) is None:
            raise invalid(f"There is no courier {courier!r}.")
        restored = replace(change.former, changed_at=self._clock())
        await self._keep([restored], by=by, action="order.put-back")
        self._changes.pop(number, None)
        return restored

    def forget_changes(self) -> None:
        """Nothing can be put back any more: a number was erased."""
        self._changes.clear()
        self._table = None

    async def import_text(self, text: str, *, by: str) -> OrdersTaken:
        """Take a CSV file, all or nothing. Raises OrdersInvalid."""
        rows, shop, now = read_rows(text), self._shop(), self._clock()
        problems: list[str] = []
        wanted: dict[str, Order] = {}
        former: dict[str, Order | None] = {}
        for row in rows:
            number = row.values.get("number", "")
            if number not in former:
                former[number] = await self.find(number)
            order = wanted.get(number) or former[number]
            try:
                wanted[number] = checked(
                    order or blank(number, None, shop=shop, now=now), row.values, shop=shop, now=now
                )
            except OrdersInvalid as fault:
                problems.append(f"Line {row.line}: {fault}")
        if problems:
            text = "\n".join(problems[:50])
            raise OrdersInvalid(text, problem=text)
        await self._keep(list(wanted.values()), by=by, action="orders.imported")
        table = {number: (former[number], order) for number, order in wanted.items()}
        self._table = TakenTable(new_id(), self._clock() + PUT_BACK_WITHIN, table)
        added = sum(was is None for was, _ in table.values())
        return OrdersTaken(added, len(wanted) - added, self._table.id)

    async def take_back(self, table_id: str, *, by: str) -> TakenBack | None:
        """Have all orders as they were before that table was taken, within some minutes of it.

        An order stays as it is, and is told by its number, where somebody has changed it since, where a new one has
        been called about, and where its former courier is gone. None: it is too late, or another table was taken.
        """
        table, now = self._table, self._clock()
        if table is None or table.id != table_id or now >= table.until:
            return None
        couriers = {each.extension for each in self._shop().couriers}

        def take_back(connection: Connection) -> tuple[list[Order], list[Order]]:
            restored, removed = [], []
            for number, (former, left) in table.rows.items():
                of_number = select(orders).where(orders.c.number == number, orders.c.gateway_id == self._gateway_id)
                row = connection.execute(of_number).first()
                if row is None or order_of_row(row) != left:
                    continue
                if former is None and not _is_called_about(connection, left):
                    connection.execute(delete(orders).where(orders.c.id == left.id))
                    removed.append(left)
                elif former is not None and former.courier in {None, *couriers}:
                    as_before = replace(former, changed_at=now)
                    connection.execute(update(orders).where(orders.c.id == left.id).values(_row(as_before)))
                    restored.append(as_before)
            add_audit(
                connection, gateway_id=self._gateway_id, now=now, by=by, action="orders.import-undone",
                subject=str(len(restored) + len(removed)), details={},
            )  # fmt: skip
            return restored, removed

        restored, removed = await self._writer.write(take_back)
        if self._table is table:  # no other one was taken meanwhile
            self._table = None
        for order in removed:
            self._living.pop(order.number, None)
        self._now_are(restored, gone=[replace(each, closed_at=now, changed_at=now) for each in removed], by=by)
        done = {each.number for each in (*restored, *removed)}
        return TakenBack(len(done), tuple(number for number in table.rows if number not in done))

    def _remember(self, former: Order, current: Order) -> None:
        now = self._clock()
        self._changes.pop(former.number, None)
        self._changes = {key: each for key, each in self._changes.items() if now < each.until}
        while len(self._changes) >= _MOST_PUT_BACK:
            del self._changes[next(iter(self._changes))]
        self._changes[former.number] = _Change(former, current, now + PUT_BACK_WITHIN)

    async def _keep(self, changed: Sequence[Order], *, by: str, action: str) -> None:
        now = self._clock()
        subject = changed[0].number if len(changed) == 1 else str(len(changed))
        rows = [_row(order) | {"gateway_id": self._gateway_id} for order in changed]

        def keep(connection: Connection) -> None:
            for row in rows:
                connection.execute(upsert(orders).values(row).on_conflict_do_update(index_elements=["id"], set_=row))
            add_audit(
                connection, gateway_id=self._gateway_id, now=now, by=by, action=action, subject=subject, details={}
            )

        await self._writer.write(keep)
        self._now_are(changed, by=by)

    def _now_are(self, changed: Sequence[Order], *, gone: Sequence[Order] = (), by: str) -> None:
        """They are on disk: know them, and tell of them and of those that are `gone`."""
        for order in changed:
            self._living[order.number] = order
        self.alive()
        both = [*changed, *gone]
        self._tell(both, by)
        self._publish(OrdersChanged(numbers=tuple(order.number for order in both[:50]), by=by))


_DELIVERY = ("delivery_on", "delivery_from", "delivery_to")


def order_of_row(row: Row[Any]) -> Order:
    """The order of a row."""
    values = {each.name: getattr(row, each.name) for each in fields(Order)}
    on, begins, ends = (values[name] for name in _DELIVERY)
    delivery = {
        "delivery_on": date.fromisoformat(on) if on else None,
        "delivery_from": time.fromisoformat(begins) if begins else None,
        "delivery_to": time.fromisoformat(ends) if ends else None,
    }
    return Order(**{**values, "stage": Stage(values["stage"]), **delivery})


def _row(order: Order) -> dict[str, object]:
    on, begins, ends = order.delivery_on, order.delivery_from, order.delivery_to
    return asdict(order) | {
        "digits": order.digits,
        "delivery_on": on.isoformat() if on is not None else None,
        "delivery_from": f"{begins:%H:%M}" if begins is not None else None,
        "delivery_to": f"{ends:%H:%M}" if ends is not None else None,
    }


def _is_called_about(connection: Connection, order: Order) -> bool:
    """A call belongs to it since it is there."""
    of_it = select(calls.c.id).where(calls.c.order == order.number, calls.c.started_at >= order.created_at)
    return connection.execute(of_it.limit(1)).first() is not None


def _vain_calls(order: Order) -> Select[int]:
    """As telephony.unreached counts them."""
    to_customer = (legs.c.peer == order.phone, legs.c.direction == "outgoing", legs.c.line.is_not(None))
    talked = select(func.max(legs.c.answered_at, type_=legs.c.answered_at.type)).where(*to_customer).scalar_subquery()
    return select(func.count()).where(
        *to_customer,
        legs.c.ended_at.is_not(None),
        legs.c.answered_at.is_(None),
        legs.c.cause.not_in([str(cause) for cause in NOT_THE_CUSTOMER]),
        legs.c.started_at >= order.created_at,
        or_(talked.is_(None), legs.c.started_at > talked),
    )
