"""Requests that cost money are carried out once: the answer to an Idempotency-Key is kept and given again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from gateway.clock import WallClock
from gateway.ids import new_id
from gateway.store.schema import idempotency_keys
from gateway.store.writer import Writer

KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRequest:
    """A key that was used before. `status` is None while the first request runs, or died in a crash."""

    same_request: bool
    status: int | None
    response: object


class StoredAnswers:
    """Keys of one principal; `request_digest` tells a repetition from another request with the same key."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock

    async def begin(self, principal: str, key: str, request_digest: str) -> KnownRequest | None:
        """Commit that the request is about to be carried out; what is known of it when it is not the first."""
        now = self._clock()

        def note(connection: Connection) -> KnownRequest | None:
            connection.execute(delete(idempotency_keys).where(idempotency_keys.c.created_at < now - KEPT_FOR))
            row = connection.execute(select(idempotency_keys).where(*_mine(principal, key))).first()
            if row is not None:
                return KnownRequest(
                    same_request=row.request_digest == request_digest, status=row.status, response=row.response
                )
            connection.execute(
                insert(idempotency_keys).values(
                    id=new_id(), gateway_id=self._gateway_id, principal=principal, key=key,
                    request_digest=request_digest, created_at=now,
                )
            )  # fmt: skip
            return None

        return await self._writer.write(note)

    async def finish(self, principal: str, key: str, *, status: int, response: object) -> None:
        """Keep the answer."""
        answer = update(idempotency_keys).where(*_mine(principal, key)).values(status=status, response=response)
        await self._writer.write_or_keep(lambda connection: connection.execute(answer))


def _mine(principal: str, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return idempotency_keys.c.principal == principal, idempotency_keys.c.key == key
