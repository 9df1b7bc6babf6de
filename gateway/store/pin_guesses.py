"""How often a wrong PIN was tried today: on disk before a try is looked at, so that no restart forgets (T-F7)."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, func, insert, select

from gateway.clock import WallClock
from gateway.errors import StoreError
from gateway.events import AlertCleared, AlertRaised, Publish
from gateway.ids import new_id
from gateway.store.schema_orders import pin_guesses
from gateway.store.writer import Writer
from gateway.telephony.shop import ShopView

MOST_OF_A_CALLER = 5
MOST_IN_ALL = 20
_ALERT = "pin-entry-closed"
_KEPT = timedelta(days=3)


class StoredPinEntry:
    """Implements telephony.ledger.PinEntry. A right PIN takes its try back."""

    def __init__(self, writer: Writer, *, gateway_id: str, shop: ShopView, clock: WallClock, publish: Publish) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._shop = shop
        self._clock = clock
        self._publish = publish
        self._is_alerted = False

    async def begin(self, caller: str) -> str | None:
        """Commit one more try of that caller; its key, or None: no PIN is looked at any more today."""
        now = self._clock()
        day = now.astimezone(ZoneInfo(self._shop().time_zone)).date().isoformat()
        key = new_id()

        def count(connection: Connection) -> tuple[int, bool]:
            today = (pin_guesses.c.local_day == day, pin_guesses.c.gateway_id == self._gateway_id)
            own = select(func.count()).where(*today, pin_guesses.c.caller == caller)
            in_all = connection.execute(select(func.count()).where(*today)).scalar_one()
            if in_all >= MOST_IN_ALL or connection.execute(own).scalar_one() >= MOST_OF_A_CALLER:
                return in_all, False
            connection.execute(delete(pin_guesses).where(pin_guesses.c.tried_at < now - _KEPT))
            connection.execute(
                insert(pin_guesses).values(
                    id=key, gateway_id=self._gateway_id, caller=caller, local_day=day, tried_at=now
                )
            )
            return in_all, True

        try:
            tried, may_try = await self._writer.write(count)
        except StoreError:
            return None  # what cannot be counted is not looked at; the call-back goes on
        self._tell(tried)
        return key if may_try else None

    async def was_right(self, key: str) -> None:
        """That try was no guess."""
        gone = delete(pin_guesses).where(pin_guesses.c.id == key)
        await self._writer.write_or_keep(lambda connection: connection.execute(gone))

    def _tell(self, tried: int) -> None:
        if tried >= MOST_IN_ALL and not self._is_alerted:
            self._is_alerted = True
            self._publish(AlertRaised(code=_ALERT, subject="pin", values={"tries": str(tried)}))
        elif tried < MOST_IN_ALL and self._is_alerted:
            self._is_alerted = False
            self._publish(AlertCleared(code=_ALERT, subject="pin"))
