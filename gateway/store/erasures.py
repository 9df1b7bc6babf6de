"""Erasing by number, for the daemon (with progress) and for the command line (whether or not the daemon runs)."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.clock import WallClock, utc_now
from gateway.errors import SettingsError, StoreError
from gateway.ids import new_id
from gateway.store.audit import add_audit
from gateway.store.command_note import BY_COMMAND
from gateway.store.database import Places, open_engine, prepare
from gateway.store.erasure import ErasurePlan, Found, NumberErasure
from gateway.store.kept_days import forget_days
from gateway.store.number_traces import TracedNumber
from gateway.store.opened import transaction
from gateway.store.shop_document.shop_versions import gateway_id_of, load_shop
from gateway.store.writer import Writer
from gateway.telephony.shop import ShopView

log = logging.getLogger(__name__)

REMEMBERED = 50
"""So many orders can be asked about, the newest ones."""
_FLUSH_TRIES = 40
_FLUSH_SECONDS = 0.25


class ErasureState(StrEnum):
    """How far an order has come."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureProgress:
    """An order: `done` of `total` rows; `plan` is what it found when it began."""

    id: str
    state: ErasureState = ErasureState.WAITING
    done: int = 0
    total: int = 0
    plan: ErasurePlan | None = None


@dataclass(frozen=True, slots=True)
class _Order:
    id: str
    number: TracedNumber
    by: str


class Erasures:
    """Orders to erase, carried out one after another by `run`; nothing of an order is stored, nor its number."""

    def __init__(
        self,
        writer: Writer,
        places: Places,
        recordings_dir: Path,
        *,
        gateway_id: str,
        clock: WallClock,
        shop: ShopView,
        erased: Callable[[str], Awaitable[None]],
    ) -> None:
        """`erased` hears which number is gone, so that it goes from memory too."""
        self._writer = writer
        self._places = places
        self._directory = recordings_dir
        self._gateway_id = gateway_id
        self._clock = clock
        self._shop = shop
        self._erased = erased
        self._orders: asyncio.Queue[_Order] = asyncio.Queue()
        self._progress: dict[str, ErasureProgress] = {}

    async def plan(self, number: str) -> ErasurePlan:
        """What would go; nothing does. Raises ValueError for what is no number, and StoreError."""
        found = await self._find(NumberErasure(self._traced(number), self._directory), self._clock())
        return found.plan

    def begin(self, number: str, *, by: str) -> ErasureProgress:
        """Have it carried out. Raises ValueError for what is no number."""
        order = _Order(new_id(), self._traced(number), by)
        self._progress[order.id] = progress = ErasureProgress(id=order.id)
        while len(self._progress) > REMEMBERED:
            del self._progress[next(iter(self._progress))]
        self._orders.put_nowait(order)
        return progress

    def progress(self, order_id: str) -> ErasureProgress | None:
        """How far it is; None: there is no such order."""
        return self._progress.get(order_id)

    async def run(self) -> NoReturn:
        """Carry out orders until cancelled. One that fails may be given again: what is gone already does not matter."""
        while True:
            order = await self._orders.get()
            try:
                await self._carry_out(order)
            except (StoreError, OSError) as fault:
                log.warning("A number could not be erased: %s", fault)
                self._now(order.id, state=ErasureState.FAILED)

    async def _carry_out(self, order: _Order) -> None:
        erasure, now = NumberErasure(order.number, self._directory), self._clock()
        found = await self._find(erasure, now)
        total = found.plan.calls + found.plan.messages + found.plan.mentions
        self._now(order.id, state=ErasureState.RUNNING, total=total, plan=found.plan)
        done = 0
        for count, step in erasure.steps(found, now):
            await self._writer.write(step)
            done += count
            self._now(order.id, done=done)
        await self._writer.write(lambda connection: _note(connection, found.plan, self._gateway_id, now, order.by))
        await asyncio.to_thread(flush, self._places.database)
        await asyncio.to_thread(forget_days, self._places.data_dir)
        await self._erased(order.number.international or "")
        self._now(order.id, state=ErasureState.DONE)

    async def _find(self, erasure: NumberErasure, now: datetime) -> Found:
        await self._writer.write(lambda _connection: None)  # what has happened until now is in the rows
        return await asyncio.to_thread(_find, self._places, erasure, now)

    def _traced(self, number: str) -> TracedNumber:
        return TracedNumber(number, self._shop().numbers)

    def _now(self, order_id: str, **changes: object) -> None:
        if order_id in self._progress:
            self._progress[order_id] = replace(self._progress[order_id], **changes)  # type: ignore[arg-type]  # of its own fields


def erase_number(
    places: Places, recordings_dir: Path, number: str, *, really: bool, tell: Callable[[int, int], None]
) -> ErasurePlan:
    """Erase from the command line, or (not `really`) say what would go. `tell` hears how much is done, and of how much.

    Raises ValueError for what is no number, StoreError and OSError.
    """
    prepare(places)
    engine = open_engine(places.database)
    try:
        with engine.begin() as connection:
            gateway_id = gateway_id_of(connection, utc_now())
            _, shop, _ = load_shop(connection)
        erasure, now = NumberErasure(TracedNumber(number, shop.numbers), recordings_dir), utc_now()
        found = _find(places, erasure, now)
        if really:
            total, done = found.plan.calls + found.plan.messages + found.plan.mentions, 0
            for count, step in erasure.steps(found, now):
                with engine.begin() as connection:
                    step(connection)
                done += count
                tell(done, total)
            with engine.begin() as connection:
                _note(connection, found.plan, gateway_id, now, BY_COMMAND)
            flush(places.database)
            forget_days(places.data_dir)
    except SQLAlchemyError as error:
        raise StoreError(f"The number cannot be erased: {error}.") from error
    finally:
        engine.dispose()
    return found.plan


def erase_command(places: Places, recordings_dir: Path, number: str, *, really: bool) -> str:
    """`simbridge erase`: what the owner is told. Raises StoreError, and SettingsError for what is no number."""

    def tell(done: int, total: int) -> None:
        print(f"\r{done} of {total}", end="" if done < total else "\n", file=sys.stderr, flush=True)

    try:
        plan = erase_number(places, recordings_dir, number, really=really, tell=tell)
    except ValueError as fault:
        raise SettingsError(str(fault)) from fault
    except OSError as fault:
        raise StoreError(f"A recording cannot be removed: {fault}.") from fault
    return "\n".join(_sentences(plan, really=really))


def _sentences(plan: ErasurePlan, *, really: bool) -> Iterator[str]:
    if plan.is_empty:
        yield "There is nothing of this number that can be erased."
    else:
        verb = "Erased" if really else "This would be erased"
        yield (
            f"{verb}: number and name in {plan.calls} calls, {plan.recordings} recordings"
            f" ({plan.recorded_seconds:.0f} s), {plan.messages} SMS, {plan.mentions} other mentions."
        )
        yield "Times, lengths and costs of the calls stay. Backups that were made before still have the number."
    if plan.held:
        yield f"{plan.held} calls are held for a dispute and stay: release them first."
    if plan.running:
        yield f"{plan.running} calls, SMS or orders are under way and stay: do it again when they are over."
    if not plan.is_empty and not really:
        yield "Nothing was erased yet; add --yes to do it."


def flush(database: Path) -> bool:
    """Bring the erased pages from the write-ahead log into the file, and empty the log; False: readers kept it.

    Deleted content itself is overwritten by SQLite (secure_delete).
    """
    with closing(sqlite3.connect(database, timeout=1)) as connection:
        for _ in range(_FLUSH_TRIES):
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return True
            time.sleep(_FLUSH_SECONDS)
    return False


def _find(places: Places, erasure: NumberErasure, now: datetime) -> Found:
    try:
        with transaction(places.database, read_only=True) as connection:
            return erasure.find(connection, now)
    except SQLAlchemyError as error:
        raise StoreError(f"The store cannot be read: {error}.") from error


def _note(connection: Connection, plan: ErasurePlan, gateway_id: str, now: datetime, by: str) -> None:
    """The audit keeps that it was done and how much went, never the number."""
    add_audit(
        connection, gateway_id=gateway_id, now=now, by=by, action="number.erased", subject="", details=asdict(plan)
    )
