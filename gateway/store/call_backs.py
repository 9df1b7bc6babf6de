"""Promised call-backs on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.clock import WallClock
from gateway.store.schema_call_backs import call_backs
from gateway.store.writer import Work, Writer
from gateway.telephony.promised import OPEN, PromisedCall, PromiseState

KEPT_FOR = timedelta(days=90)
"""How long one that is over can still be looked up."""


class StoredCallBacks:
    """Implements telephony.promised.PromiseLedger."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock

    def keep(self, promise: PromisedCall) -> asyncio.Future[None]:
        """Commit a promise, new or changed; done once it is on the disk. Raises StoreError there."""
        return self._writer.hand_over(self._keeping(promise))

    def keep_later(self, promise: PromisedCall) -> None:
        """Commit a change soon, also when the disk is away now."""
        self._writer.enqueue(self._keeping(promise))

    async def load(self) -> Sequence[PromisedCall]:
        """Those that are open, the oldest first; what is long over is forgotten."""
        long_over = self._clock() - KEPT_FOR
        mine = call_backs.c.gateway_id == self._gateway_id
        is_open = call_backs.c.state.in_([str(state) for state in OPEN])
        wanted = select(call_backs).where(mine, is_open).order_by(call_backs.c.promised_at, call_backs.c.id)

        def read(connection: Connection) -> list[PromisedCall]:
            connection.execute(delete(call_backs).where(~is_open, call_backs.c.changed_at < long_over))
            return [_promise(row) for row in connection.execute(wanted)]

        return await self._writer.write(read)

    async def over(self, *, limit: int) -> Sequence[PromisedCall]:
        """Those that are over, the last changed first."""
        wanted = (
            select(call_backs)
            .where(
                call_backs.c.gateway_id == self._gateway_id,
                call_backs.c.state.not_in([str(state) for state in OPEN]),
            )
            .order_by(call_backs.c.changed_at.desc(), call_backs.c.id.desc())
            .limit(limit)
        )
        return await self._writer.write(lambda connection: [_promise(row) for row in connection.execute(wanted)])

    def _keeping(self, promise: PromisedCall) -> Work[None]:
        row = {**asdict(promise), "extensions": list(promise.extensions), "gateway_id": self._gateway_id}

        def keep(connection: Connection) -> None:
            connection.execute(upsert(call_backs).values(row).on_conflict_do_update(index_elements=["id"], set_=row))

        return keep


def _promise(row: Row[Any]) -> PromisedCall:
    values = {each.name: getattr(row, each.name) for each in fields(PromisedCall)}
    return PromisedCall(**{**values, "extensions": tuple(values["extensions"]), "state": PromiseState(values["state"])})
