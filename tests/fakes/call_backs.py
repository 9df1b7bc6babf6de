"""Promised call-backs, noted instead of kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.telephony.promised import PromisedCall, PromiseState

PROMISED_AT = datetime(2027, 1, 29, 9, 0, tzinfo=UTC)


class FakeCallBacks:
    """Those in `promises`; a test puts them there."""

    def __init__(self) -> None:
        self.promises: list[PromisedCall] = []

    def add(self, number: str, **values: object) -> PromisedCall:
        made = PromisedCall(
            id=f"p{len(self.promises) + 1}", number=number, called="red", extensions=("101",), call_id="c1",
            promised_at=PROMISED_AT, due_at=PROMISED_AT, expires_at=PROMISED_AT + timedelta(days=1),
            changed_at=PROMISED_AT,
        )  # fmt: skip
        self.promises.append(replace(made, **values))  # type: ignore[arg-type]  # names of its fields
        return self.promises[-1]

    def waiting(self) -> Sequence[PromisedCall]:
        return [each for each in self.promises if each.is_open]

    async def over(self, *, limit: int) -> Sequence[PromisedCall]:
        return [each for each in self.promises if not each.is_open][:limit]

    @property
    def open_visits(self) -> int:
        return sum(bool(each.visit_id) for each in self.waiting())

    def can_promise(self, number: str) -> bool:
        return bool(number)

    def promise(
        self, *, number: str, name: str, called: str, extensions: tuple[str, ...], call_id: str,
        due_at: datetime | None, visit_id: str = "",
    ) -> Awaitable[None]:  # fmt: skip
        self.add(
            number, name=name, called=called, extensions=extensions, call_id=call_id, visit_id=visit_id,
            due_at=due_at or PROMISED_AT,
        )  # fmt: skip
        return asyncio.sleep(0)

    def cancel(self, promise_id: str) -> bool:
        found = next((each for each in self.waiting() if each.id == promise_id), None)
        if found is None:
            return False
        self.promises[self.promises.index(found)] = replace(found, state=PromiseState.CANCELLED)
        return True
