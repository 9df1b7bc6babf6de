"""Who is a regular customer, and whose: contacts, and the talks of the last days, in memory (A5)."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Connection, func, select

from gateway.clock import WallClock
from gateway.events import CallAnswered, CallEnded, CallStarted, Published, ShopChanged
from gateway.store.contacts import StoredContacts
from gateway.store.schema import calls
from gateway.store.writer import Writer
from gateway.telephony.contacts import ContactRules, Known, Past, manager_of
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.shop import Shop, ShopView

MOST_NUMBERS = 20_000
"""Of so many callers the talks are remembered, the latest ones."""
_E164 = re.compile(r"\+[0-9]{6,15}", re.ASCII)
_Talk: TypeAlias = tuple[str, datetime, str | None]
"""Who has called, when it was answered, and by whom."""


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
        self._meanwhile: list[_Talk] | None = None
        """What is counted while the talks are being read anew; None: they are not."""

    async def load(self) -> None:
        """Read the talks of the days that count."""
        self._use(await self._writer.write(self._reading(self._clock())))

    def known(self, number: str) -> Known | None:
        """The contact with that number."""
        return self._contacts.known(number)

    def manager_of(self, number: str, at: datetime | None = None) -> str | None:
        """The extension to whom that number belongs as a regular customer's, while the shop is open: now, or `at`."""
        shop = self._shop()
        normal = _normal(shop, number)
        extension = manager_of(shop.contacts, self._contacts.known(normal), self._past(normal)) if normal else None
        if extension is None or shop.phone(extension) is None:
            return None
        return extension if shop.schedule.state_at(at or self._clock()).is_open else None

    def forget(self, number: str) -> None:
        """Nothing is remembered of that number's talks any more: it was erased."""
        self._talks.pop(_normal(self._shop(), number), None)

    def __call__(self, published: Published) -> None:
        """Count a talk with a caller from outside."""
        match published.event:
            case CallStarted(direction="incoming", caller=str(caller), call_id=call_id) if caller:
                self._callers[call_id] = caller
            case CallAnswered(call_id=call_id, answered_by=by) if call_id in self._callers:
                talk = (self._callers.pop(call_id), published.time, by)
                _count(self._talks, self._shop(), talk)
                if self._meanwhile is not None:
                    self._meanwhile.append(talk)
            case CallEnded(call_id=call_id):
                self._callers.pop(call_id, None)
            case ShopChanged() if self._needs_other_talks():
                self._meanwhile = []
                read = self._writer.hand_over(self._reading(published.time))
                read.add_done_callback(lambda done: None if done.exception() else self._use(done.result()))
            case _:
                pass

    @property
    def _rules(self) -> ContactRules:
        return self._shop().contacts

    def _needs_other_talks(self) -> bool:
        former, self._counted_by = self._counted_by, self._rules
        return (former.regular_calls, former.regular_days) != (self._rules.regular_calls, self._rules.regular_days)

    def _reading(self, now: datetime) -> Callable[[Connection], OrderedDict[str, _Talks]]:
        """What reads and counts in the writer's thread: there may be a hundred thousand calls."""
        shop, since = self._shop(), now - timedelta(days=self._rules.regular_days)

        def read(connection: Connection) -> OrderedDict[str, _Talks]:
            talks: OrderedDict[str, _Talks] = OrderedDict()
            for talk in _answered_since(connection, since, at_most=_most(shop)):
                _count(talks, shop, talk)
            return talks

        return read

    def _use(self, talks: OrderedDict[str, _Talks]) -> None:
        self._talks = talks
        for talk in self._meanwhile or ():
            _count(talks, self._shop(), talk)
        self._meanwhile = None

    def _past(self, number: str) -> Past:
        talks = self._talks.get(number)
        if talks is None:
            return Past()
        since = self._clock() - timedelta(days=self._rules.regular_days)
        answered = sum(1 for moment in talks.moments if moment >= since)
        return Past(answered=answered, last_by=talks.last_by if answered else None)


def _count(talks: OrderedDict[str, _Talks], shop: Shop, talk: _Talk) -> None:
    caller, moment, by = talk
    number = _normal(shop, caller)
    if not number:
        return
    mine = talks.setdefault(number, _Talks())
    talks.move_to_end(number)
    if moment not in mine.moments:
        mine.moments.append(moment)
    while len(mine.moments) > _most(shop):
        mine.moments.popleft()
    if by is not None and shop.phone(by) is not None:
        mine.last_by = by
    while len(talks) > MOST_NUMBERS:
        talks.popitem(last=False)


def _most(shop: Shop) -> int:
    return max(1, shop.contacts.regular_calls)


def _normal(shop: Shop, number: str) -> str:
    """E.164, as networks give most numbers already."""
    if _E164.fullmatch(number) or not number:
        return number
    return NumberPolicy(shop.numbers).normalise(number) or number


def _answered_since(connection: Connection, since: datetime, *, at_most: int) -> Iterator[_Talk]:
    """The calls from outside that were answered, oldest first: of each caller the last `at_most`."""
    newest_first = func.row_number().over(partition_by=calls.c.caller, order_by=calls.c.started_at.desc())
    answered = (
        select(calls.c.caller, calls.c.answered_at, calls.c.answered_by, newest_first.label("place"))
        .where(
            calls.c.started_at >= since,
            calls.c.direction == "incoming",
            calls.c.answered_at.is_not(None),
            calls.c.caller != "",
        )
        .subquery()
    )
    wanted = select(answered).where(answered.c.place <= at_most).order_by(answered.c.answered_at)
    for row in connection.execute(wanted):
        yield row.caller, row.answered_at, row.answered_by
