"""Who is a regular customer, and whose: contacts, and the talks of the last days, in memory (A5)."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from gateway.clock import WallClock
from gateway.events import CallAnswered, CallEnded, CallStarted, Published, ShopChanged
from gateway.store.contacts import StoredContacts
from gateway.store.schema import calls
from gateway.store.writer import Writer
from gateway.telephony.contacts import ContactRules, Known, Past, manager_of
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.shop import ShopView

MOST_NUMBERS = 20_000
"""Of so many callers the talks are remembered, the latest ones."""


@dataclass(slots=True)
class _Talks:
    """With one number. Only as many moments are kept as make somebody regular."""

    moments: deque[datetime] = field(default_factory=deque)
    last_by: str | None = None


class Regulars:
    """The People of the exchange, and a subscriber of the bus, whose calls it counts."""

    def __init__(self, writer: Writer, contacts: StoredContacts, *, shop: ShopView, clock: WallClock) -> None:
        self._writer = writer
        self._contacts = contacts
        self._shop = shop
        self._clock = clock
        self._talks: OrderedDict[str, _Talks] = OrderedDict()
        self._callers: dict[str, str] = {}
        """The callers from outside whose calls run and were not answered yet, by call."""
        self._counted_by = self._rules

    async def load(self) -> None:
        """Read the talks of the days that count."""
        since = self._clock() - timedelta(days=self._rules.regular_days)
        self._take(await self._writer.write(lambda connection: _answered_since(connection, since)))

    def known(self, number: str) -> Known | None:
        """The contact with that number."""
        return self._contacts.known(number)

    def manager_of(self, number: str) -> str | None:
        """The extension to whom that number belongs as a regular customer's, while the shop is open."""
        shop = self._shop()
        normal = self._normal(number)
        if not normal or not shop.schedule.state_at(self._clock()).is_open:
            return None
        extension = manager_of(shop.contacts, self._contacts.known(normal), self._past(normal))
        return extension if extension is not None and shop.phone(extension) is not None else None

    def forget(self, number: str) -> None:
        """Nothing is remembered of that number's talks any more: it was erased."""
        self._talks.pop(self._normal(number), None)

    def __call__(self, published: Published) -> None:
        """Count a talk with a caller from outside."""
        match published.event:
            case CallStarted(direction="incoming", caller=str(caller), call_id=call_id) if caller:
                self._callers[call_id] = caller
            case CallAnswered(call_id=call_id, answered_by=by) if call_id in self._callers:
                self._count(self._callers.pop(call_id), published.time, by)
            case CallEnded(call_id=call_id):
                self._callers.pop(call_id, None)
            case ShopChanged() if self._needs_other_talks():
                since = published.time - timedelta(days=self._rules.regular_days)
                read = self._writer.hand_over(lambda connection: _answered_since(connection, since))
                read.add_done_callback(lambda done: None if done.exception() else self._take(done.result()))
            case _:
                pass

    @property
    def _rules(self) -> ContactRules:
        return self._shop().contacts

    def _needs_other_talks(self) -> bool:
        former, self._counted_by = self._counted_by, self._rules
        return (former.regular_calls, former.regular_days) != (self._rules.regular_calls, self._rules.regular_days)

    def _take(self, answered: Sequence[tuple[str, datetime, str | None]]) -> None:
        self._talks.clear()
        for caller, moment, by in answered:
            self._count(caller, moment, by)

    def _count(self, caller: str, moment: datetime, by: str | None) -> None:
        number = self._normal(caller)
        if not number:
            return
        talks = self._talks.setdefault(number, _Talks())
        self._talks.move_to_end(number)
        talks.moments.append(moment)
        while len(talks.moments) > max(1, self._rules.regular_calls):
            talks.moments.popleft()
        if by is not None and self._shop().phone(by) is not None:
            talks.last_by = by
        while len(self._talks) > MOST_NUMBERS:
            self._talks.popitem(last=False)

    def _past(self, number: str) -> Past:
        talks = self._talks.get(number)
        if talks is None:
            return Past()
        since = self._clock() - timedelta(days=self._rules.regular_days)
        answered = sum(1 for moment in talks.moments if moment >= since)
        return Past(answered=answered, last_by=talks.last_by if answered else None)

    def _normal(self, number: str) -> str:
        return (NumberPolicy(self._shop().numbers).normalise(number) or number) if number else ""


def _answered_since(connection: Connection, since: datetime) -> list[tuple[str, datetime, str | None]]:
    """Caller, moment and who has answered, of the calls from outside, oldest first."""
    wanted = (
        select(calls.c.caller, calls.c.answered_at, calls.c.answered_by)
        .where(
            calls.c.started_at >= since,
            calls.c.direction == "incoming",
            calls.c.answered_at.is_not(None),
            calls.c.caller != "",
        )
        .order_by(calls.c.started_at)
    )
    return [(row.caller, row.answered_at, row.answered_by) for row in connection.execute(wanted)]
