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
        recent = self._recent(extension, now)
        self._begun[extension] = recent
        if call_id in recent or not self._counts(extension, number):
            return
        refusal = self.refusal(extension, number, now)
        if refusal is not None:
            raise refusal
        recent[call_id] = now

    def refusal(self, extension: str, number: str, now: datetime) -> TooManyCalls | None:
        """Why one more call to `number` is too many at that moment; None: it is not."""
        shop, begun = self._shop(), len(self._recent(extension, now))
        person = shop.phone(extension) or shop.courier(extension)
        if person is None or not self._counts(extension, number) or begun < person.calls_per_minute:
            return None
        return TooManyCalls(
            f"Extension {extension} has begun {begun} calls within a minute; you allow it no more.",
            extension=extension,
            calls=str(person.calls_per_minute),
        )

    def _recent(self, extension: str, now: datetime) -> dict[str, datetime]:
        return {each: at for each, at in self._begun.get(extension, {}).items() if now - WINDOW < at <= now}

    def _counts(self, extension: str, number: str) -> bool:
        courier = self._shop().courier(extension)
        is_known = courier is not None or self._shop().phone(extension) is not None
        return is_known and (courier is None or number != courier.mobile)
