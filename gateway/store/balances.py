"""Balances of the SIMs, as their operators told them; the last ones are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from gateway.clock import WallClock
from gateway.events import BalanceChecked, Publish
from gateway.ids import new_id
from gateway.store.schema import balances
from gateway.store.writer import Writer
from gateway.telephony.ledger import Balance

KEPT_FOR = timedelta(days=400)


class StoredBalances:
    """The Balances of telephony.ledger."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock, publish: Publish) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock
        self._publish = publish
        self._last: dict[str, Balance] = {}

    def last(self, line: str) -> Balance | None:
        """What was told last of the line."""
        return self._last.get(line)

    async def load(self) -> None:
        """Read the last ones, after a start."""
        newest = select(func.max(balances.c.id)).group_by(balances.c.line)
        query = select(balances).where(balances.c.id.in_(newest))
        rows = await self._writer.write(lambda connection: [_balance(row) for row in connection.execute(query)])
        self._last = {each.line: each for each in rows}

    async def keep(self, balance: Balance) -> None:
        """Commit what was told; while the disk is away it is kept for later. Publishes BalanceChecked."""
        row = {
            "id": new_id(), "gateway_id": self._gateway_id, "line": balance.line, "time": balance.time,
            "code": balance.code, "text": balance.text, "value": balance.value, "failure": balance.failure,
        }  # fmt: skip
        before = self._clock() - KEPT_FOR

        def write(connection: Connection) -> None:
            connection.execute(insert(balances).values(row).prefix_with("OR IGNORE"))
            connection.execute(delete(balances).where(balances.c.time < before))

        await self._writer.write_or_keep(write)
        self._last[balance.line] = balance
        self._publish(
            BalanceChecked(line=balance.line, value=balance.value, text=balance.text, failure=balance.failure)
        )


def _balance(row: Row[Any]) -> Balance:
    return Balance(line=row.line, time=row.time, code=row.code, text=row.text, value=row.value, failure=row.failure)
