"""Numbers outside that the shop has blocked: whoever calls from one is declined before anybody rings.

A caller's number can be forged, and withheld: this keeps nuisance away, and is no protection (T-F8).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.telephony.causes import Cause
from gateway.telephony.destinations import Refuse

if TYPE_CHECKING:
    from gateway.telephony.exchange import Exchange
    from gateway.telephony.routing import Arriving

TURNED_AWAY = ("refuse", Cause.REJECTED)
"""Flow and cause of such a call on record: no other is refused like that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedNumber:
    """One of them, in E.164. `until` None: until somebody unblocks it."""

    number: str
    by: str
    at: datetime
    why: str
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        """It is blocked at that moment."""
        return self.until is None or now < self.until


def when_blocked(exchange: Exchange, caller: Arriving) -> Refuse | None:
    """Where a caller from a blocked number goes; None: any other. A courier's mobile is always let through."""
    if caller.line is None or not caller.peer or not exchange.is_blocked(caller.peer):
        return None
    if exchange.shop().courier_by_mobile(caller.peer) is not None:
        return None
    return Refuse(cause=Cause.REJECTED)
