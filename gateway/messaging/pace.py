"""How quickly a SIM may send: so many parts a minute, so many a day. Messages cost money, and operators block haste."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from zoneinfo import ZoneInfo

from gateway.clock import WallClock
from gateway.telephony.ledger import Outbox
from gateway.telephony.shop import ShopView

MINUTE_SECONDS = 60.0


class Pace:
    """Counts the parts of each line. Days are the shop's own."""

    def __init__(self, shop: ShopView, clock: WallClock) -> None:
        self._shop = shop
        self._clock = clock
        self._day = ""
        self._used: Counter[str] = Counter()
        self._moments: defaultdict[str, deque[float]] = defaultdict(deque)

    @property
    def today(self) -> str:
        """The day of the shop, as 2027-01-31."""
        return self._clock().astimezone(ZoneInfo(self._shop().time_zone)).date().isoformat()

    async def load(self, ledger: Outbox) -> None:
        """Take up where the last run ended. Raises StoreError.

        A line that was used today begins with an empty minute: the last parts may have gone out just now.
        """
        self._day = self.today
        self._used = Counter(await ledger.used(self._day))
        now = asyncio.get_running_loop().time()
        for line in self._shop().lines:
            if self._used[line.name]:
                self._moments[line.name] = deque([now] * min(self._used[line.name], line.sms_per_minute))

    def left_today(self, name: str) -> int:
        """How many parts the line may still send today."""
        line = self._shop().line(name)
        if line is None:
            return 0
        self._turn_the_day()
        return max(0, line.sms_per_day - self._used[name])

    def seconds_until_free(self, name: str) -> float:
        """How long until the line may send one more part."""
        line = self._shop().line(name)
        if line is None or line.sms_per_minute < 1:
            return MINUTE_SECONDS
        now = asyncio.get_running_loop().time()
        moments = self._moments[name]
        while moments and moments[0] <= now - MINUTE_SECONDS:
            moments.popleft()
        if len(moments) < line.sms_per_minute:
            return 0.0
        return moments[len(moments) - line.sms_per_minute] + MINUTE_SECONDS - now

    def count(self, name: str) -> None:
        """A part is being sent."""
        self._turn_the_day()
        self._used[name] += 1
        self._moments[name].append(asyncio.get_running_loop().time())

    def uncount(self, name: str) -> None:
        """It was refused, and costs nothing; for the minute it counts."""
        self._used[name] = max(0, self._used[name] - 1)

    def _turn_the_day(self) -> None:
        if self.today != self._day:
            self._day = self.today
            self._used.clear()
