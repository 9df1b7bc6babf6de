"""Customers who were missed: read from the calls on record, and closed by hand where nobody need call back."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    SelectBase,
    String,
    and_,
    delete,
    func,
    insert,
    not_,
    or_,
    select,
    type_coerce,
    union,
)

from gateway.clock import WallClock
from gateway.events import MissedClosed, Publish
from gateway.ids import new_id
from gateway.store.audit import add_audit
from gateway.store.schema import calls, legs
from gateway.store.schema_missed import missed_closures
from gateway.store.schema_orders import orders
from gateway.store.self_served import was_for_people
from gateway.store.writer import Writer
from gateway.telephony.missed import (
    Closure,
    Ending,
    MissedCustomer,
    Talk,
    Try,
    missed_customers,
    numbers_of,
    still_missed,
)
from gateway.telephony.orders import LAST_STAGES
from gateway.telephony.shop import PBX_PREFIX, Shop, ShopView


class StoredMissed:
    """The list as the daemon uses it."""

    def __init__(self, writer: Writer, *, gateway_id: str, shop: ShopView, clock: WallClock, publish: Publish) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._shop = shop
        self._clock = clock
        self._publish = publish

    async def open(self) -> list[MissedCustomer]:
        """Those whom somebody must call back, the one who has waited longest first. Raises StoreError."""
        shop, now = self._shop(), self._clock()
        return await self._writer.write(lambda connection: read_open(connection, shop, now))

    async def close(self, number: str = "", *, reason: str, by: str, call_id: str | None = None) -> str | None:
        """Say why nobody need call that number back, or the caller of that call; None: it is not on the list.

        What was said has the id that is returned, by which it is taken back.

        Raises StoreError.
        """
        shop, now, closure_id = self._shop(), self._clock(), new_id()
        only = {"call_id": call_id} if call_id is not None else {"number": number}

        def close(connection: Connection) -> tuple[str, str] | None:
            customer = next(iter(read_open(connection, shop, now, **only)), None)
            if customer is None or (call_id is None and not customer.can_be_called):
                return None
            is_one_call = not customer.can_be_called
            closed = "" if is_one_call else customer.number, customer.tries[-1].call_id if is_one_call else ""
            connection.execute(
                insert(missed_closures).values(
                    id=closure_id, gateway_id=self._gateway_id, number=closed[0], call_id=closed[1], closed_at=now,
                    closed_by=by, reason=reason,
                )
            )  # fmt: skip
            # The audit is never erased, a number may have to be: the call, or the order, says whose it was.
            last = customer.tries[-1]
            add_audit(
                connection, gateway_id=self._gateway_id, now=now, by=by, action="missed.closed",
                subject=last.call_id or last.order or "", details={},
            )  # fmt: skip
            return closed

        closed = await self._writer.write(close)
        if closed is None:
            return None
        self._publish(MissedClosed(number=closed[0], call_id=closed[1], by=by))
        return closure_id

    async def reopen(self, closure_id: str, *, by: str) -> bool:
        """Take back what was said: somebody waits again. False: nothing of that id was said. Raises StoreError."""
        now, mine = self._clock(), missed_closures.c.id == closure_id

        def reopen(connection: Connection) -> bool:
            if connection.execute(delete(missed_closures).where(mine)).rowcount == 0:
                return False
            add_audit(
                connection, gateway_id=self._gateway_id, now=now, by=by, action="missed.reopened", subject=closure_id,
                details={},
            )  # fmt: skip
            return True

        return await self._writer.write(reopen)


def read_open(
    connection: Connection,
    shop: Shop,
    now: datetime,
    *,
    number: str | None = None,
    call_id: str | None = None,
    of: Collection[str] | None = None,
) -> list[MissedCustomer]:
    """Those who are missed now, out of all, of one number or of one call; the one who has waited longest first.

    `of` are numbers, and calls that show none: calls of nobody else are read, as somebody has talked to them since.
    """
    since = listed_since(shop, now)
    return still_missed(read_missed(connection, shop, since, number=number, call_id=call_id, of=of, with_orders=True))


def listed_since(shop: Shop, now: datetime) -> datetime:
    """Who was missed before is on the list no more."""
    return now - timedelta(days=shop.missed.listed_days)


def read_missed(
    connection: Connection,
    shop: Shop,
    since: datetime,
    until: datetime | None = None,
    *,
    number: str | None = None,
    call_id: str | None = None,
    of: Collection[str] | None = None,
    with_orders: bool = False,
) -> list[MissedCustomer]:
    """Every customer who was missed in that time, and what has ended it since then; `of` as in `read_open`.

    With `with_orders` also those who are to be called about an order of that time that is not over.
    """
    missed = [*missed_calls(since, until, number), *([] if call_id is None else [calls.c.id == call_id])]
    if of is not None:
        listed = select(func.json_each(json.dumps(sorted(of))).table_valued("value").c.value)
        missed.append(or_(calls.c.caller.in_(listed), calls.c.id.in_(listed)))
    numbers: SelectBase = select(calls.c.caller).where(*missed, shows_number())
    nameless = select(calls.c.id).where(*missed, not_(shows_number()))
    wanted = select(
        calls.c.caller, calls.c.id, _text(calls.c.started_at), calls.c.line, calls.c.caller_name, calls.c.cause,
        calls.c.total_seconds,
    ).where(*missed)  # fmt: skip
    tries = [
        Try(
            number=caller, call_id=call_id, at=datetime.fromisoformat(at), line=line, name=name, cause=cause,
            waited_seconds=waited,
        )
        for caller, call_id, at, line, name, cause, waited in connection.execute(wanted)
    ]  # fmt: skip
    if with_orders and call_id is None:
        wanting = _wanting(since, until, number)
        numbers = union(select(calls.c.caller).where(*missed, shows_number()), select(orders.c.phone).where(*wanting))
        wanted = select(orders.c.phone, orders.c.number, _text(orders.c.created_at), orders.c.customer).where(*wanting)
        tries += [
            Try(number=phone, call_id="", at=datetime.fromisoformat(at), name=customer, order=order)
            for phone, order, at, customer in connection.execute(wanted)
        ]
    ours = numbers_of(shop)
    of_customers = [each for each in tries if each.number not in ours]
    endings = _endings(connection, since, numbers, nameless) if of_customers else []
    return missed_customers(of_customers, endings)


def _endings(connection: Connection, since: datetime, numbers: SelectBase, nameless: SelectBase) -> list[Ending]:
    """What may have ended it: talks with these numbers by whatever way, and the words of a person.

    Of calls that show no number, which are `nameless`, there are words alone.
    """
    talk = calls.alias("talk")
    talks = (
        select(
            legs.c.peer, _text(legs.c.answered_at), _text(talk.c.answered_at), talk.c.id, talk.c.caller,
            talk.c.answered_by,
        )
        .join(talk, talk.c.id == legs.c.call_id)
        .where(legs.c.peer.in_(numbers), legs.c.answered_at >= since, talk.c.answered_at.is_not(None))
    )  # fmt: skip
    found: list[Ending] = [
        Talk(
            number=peer,
            at=datetime.fromisoformat(max(leg_answered_at, answered_at)),
            call_id=call_id,
            by=(answered_by or "") if peer == caller else caller,
        )
        for peer, leg_answered_at, answered_at, call_id, caller, answered_by in connection.execute(talks)
    ]
    closures = select(
        missed_closures.c.number, _text(missed_closures.c.closed_at), missed_closures.c.closed_by,
        missed_closures.c.reason, missed_closures.c.call_id,
    ).where(
        or_(missed_closures.c.number.in_(numbers), missed_closures.c.call_id.in_(nameless)),
        missed_closures.c.closed_at >= since,
    )  # fmt: skip
    found += [
        Closure(number=number, at=datetime.fromisoformat(at), by=by, reason=reason, call_id=call_id)
        for number, at, by, reason, call_id in connection.execute(closures)
    ]
    return found


def missed_calls(since: datetime, until: datetime | None, number: str | None) -> list[ColumnElement[bool]]:
    """The condition on calls: of somebody outside, over, and nobody talked to them.

    One whose number was erased is left out, and one of a colleague at the PBX, whose number means something there.
    """
    way = func.substr(func.coalesce(calls.c.line, ""), 1, len(PBX_PREFIX))
    is_nameless = and_(calls.c.erased_at.is_(None), or_(way != PBX_PREFIX, calls.c.caller == ""))
    conditions: list[ColumnElement[bool]] = [
        calls.c.started_at >= since,
        calls.c.direction == "incoming",
        calls.c.answered_at.is_(None),
        calls.c.ended_at.is_not(None),
        or_(shows_number(), is_nameless),
        was_for_people(),
    ]
    if until is not None:
        conditions.append(calls.c.started_at < until)
    if number is not None:
        conditions.append(calls.c.caller == number)
    return conditions


def shows_number() -> ColumnElement[bool]:
    """The condition on calls: as `can_be_called` of the caller."""
    return func.substr(calls.c.caller, 1, 1) == "+"


def _wanting(since: datetime, until: datetime | None, number: str | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        orders.c.created_at >= since,
        orders.c.callback_required.is_(True),
        orders.c.closed_at.is_(None),
        func.substr(orders.c.phone, 1, 1) == "+",  # nothing is left of one that was erased
        orders.c.stage.not_in([str(stage) for stage in LAST_STAGES]),
    ]
    if until is not None:
        conditions.append(orders.c.created_at < until)
    if number is not None:
        conditions.append(orders.c.phone == number)
    return conditions


def _text(column: ColumnElement[datetime | None]) -> ColumnElement[str]:
    """A moment as it is stored: what is read by the thousand is parsed by the quicker way."""
    return type_coerce(column, String)
