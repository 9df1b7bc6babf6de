"""An alert for each customer whom nobody has called back for too long (H2).

Nobody can be told to call somebody back who showed no number: such calls are on the list, and raise no alert.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import NoReturn

from gateway.clock import WallClock
from gateway.errors import StoreError
from gateway.events import AlertCleared, AlertRaised, Publish
from gateway.telephony.missed import MissedCustomer
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import ShopView

log = logging.getLogger(__name__)

CODE = "customer-not-called-back"
LOOK_SECONDS = 30.0
MOST_TOLD = 50
"""At a time: thousands of calls in vain, as a program makes them, are one list and not a flood of messages."""


class MissedWatch:
    """Looks at the list for as long as `run` is not cancelled; each customer is told of once, until off the list."""

    def __init__(
        self,
        *,
        missed: Callable[[], Awaitable[Sequence[MissedCustomer]]],
        shop: ShopView,
        clock: WallClock,
        publish: Publish,
    ) -> None:
        """`missed` gives those who wait; it may raise StoreError."""
        self._missed = missed
        self._shop = shop
        self._clock = clock
        self._publish = publish
        self._told: set[str] = set()

    async def run(self) -> NoReturn:
        """Look, wait, again. A store that cannot be read is asked again at the next look."""
        while True:
            try:
                await self.look()
            except StoreError as fault:
                log.warning("Who waits to be called back is not known now: %s", fault)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Raise what is due, clear what is over. Raises StoreError."""
        minutes = self._shop().missed.alert_minutes
        missed = await self._missed() if minutes else ()
        waiting = {each.number: each for each in missed if each.can_be_called}
        for number in sorted(self._told - waiting.keys()):
            self._told.discard(number)
            self._publish(AlertCleared(code=CODE, subject=number))
        schedule, now = self._shop().schedule, self._clock()
        if not schedule.state_at(now).is_open:
            return
        patience = timedelta(minutes=minutes)
        for number, customer in waiting.items():
            if len(self._told) >= MOST_TOLD:
                break
            if number not in self._told and has_been_open(schedule, customer.first_at, now, patience):
                self._told.add(number)
                since = customer.first_at.isoformat(timespec="minutes")
                self._publish(AlertRaised(code=CODE, subject=number, values={"number": number, "since": since}))


def has_been_open(schedule: Schedule, since: datetime, until: datetime, long: timedelta) -> bool:
    """Whether the shop was open for so long between the two moments, all together."""
    left, moment = long, since
    while left > timedelta() and moment < until:
        opening = schedule.state_at(moment)
        change = min(opening.until or until, until)
        if opening.is_open:
            left -= change - moment
        moment = change
    return left <= timedelta()
