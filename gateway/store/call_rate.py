"""How many calls an extension has begun within a minute: what stops a stranger who uses its phone (T-F2).

A call counts once, whichever ways are tried for it. What was begun just before a restart counts on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from gateway.errors import TooManyCalls
from gateway.store.schema import reservations
from gateway.telephony.shop import ShopView

WINDOW = timedelta(seconds=60)


class CallRate:
    """The calls of all extensions; `shop` says how many each may begin."""

    def __init__(self, shop: ShopView) -> None:
        self._shop = shop
        self._begun: dict[str, dict[str, datetime]] = {}
        """By extension: its calls, and when each began."""

    def load(self, connection: Connection, now: datetime) -> None:
        """Take over what the store knows of the last minute."""
        began = func.min(reservations.c.opened_at)
        rows = connection.execute(
            select(reservations.c.extension, reservations.c.call_id, began)
            .where(reservations.c.extension.is_not(None), reservations.c.opened_at > now - WINDOW)
            .group_by(reservations.c.extension, reservations.c.call_id)
        )
        for extension, call_id, at in rows:
            self._begun.setdefault(extension, {})[call_id] = at

    def begin(self, extension: str, call_id: str, number: str, now: datetime) -> None:
        """Count a call to `number`. Raises TooManyCalls, and does not count it, when that is one too many.

        A courier whose own mobile is rung has not begun that call, whoever's minutes it costs.
        """
        recent = {each: at for each, at in self._begun.get(extension, {}).items() if now - WINDOW < at <= now}
        self._begun[extension] = recent
        shop = self._shop()
        courier = shop.courier(extension)
        person = shop.phone(extension) or courier
        if call_id in recent or person is None or (courier is not None and number == courier.mobile):
            return
        if len(recent) >= person.calls_per_minute:
            raise TooManyCalls(
                f"Extension {extension} has begun {len(recent)} calls within a minute; you allow it no more.",
                extension=extension,
                calls=str(person.calls_per_minute),
            )
        recent[call_id] = now
