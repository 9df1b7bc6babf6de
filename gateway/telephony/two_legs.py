"""Click to call: an employee's phone rings first, and only once it is answered the other party is called (C5, C6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from gateway.errors import NoFreeLine, PhoneNotFree
from gateway.ids import new_id
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import Destination, ToOutside, TwoLegs
from gateway.telephony.exchange import Exchange
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import Caller
from gateway.telephony.routing import to_dialled
from gateway.telephony.staff import is_engaged

Place: TypeAlias = Callable[[Leg, Destination, str], bool]
"""Let a leg of ours be the caller of a new call with that id; False: no calls are taken now."""


class TwoLegDesk:
    """Places such calls. Everything that can be known beforehand is checked before any phone rings."""

    def __init__(self, exchange: Exchange, place: Place) -> None:
        self._exchange = exchange
        self._place = place
        self._rung: dict[str, Leg] = {}
        """The leg that was placed last, by the extension: a second wish may come before its call has begun."""

    def connect(self, extension: str, to: str) -> str:
        """Ring the phone of that extension, and call `to` when it answers; the id of the call.

        `to` is an extension or a number, as if the phone had dialled it, and at its expense. Raises LookupError when
        there is no such phone, PhoneNotFree, NumberBarred, NoFreeLine.
        """
        exchange, shop = self._exchange, self._exchange.shop()
        if shop.phone(extension) is None:
            raise LookupError(f"there is no phone {extension}")
        shown = to
        if isinstance(to_dialled(shop, to), ToOutside):
            number = exchange.policy().require_from_screen(to)
            if not exchange.has_way_outside(payer=extension):
                raise NoFreeLine("No line that may carry this call is free.")
            shown = number.digits
        if extension == to or self._is_taken(extension):
            raise PhoneNotFree(f"The phone {extension} is away, or in a call.", extension=extension)
        contact = exchange.people.known(shown)
        leg = exchange.phones.dial(extension, caller=Caller(number=shown, name=contact.name if contact else ""))
        self._rung[extension] = leg
        call_id = new_id()
        if not self._place(leg, TwoLegs(text=shown), call_id):
            leg.hangup(Cause.SHUTDOWN)
            raise PhoneNotFree("No calls are taken now: the gateway stops.", extension=extension)
        return call_id

    def _is_taken(self, extension: str) -> bool:
        last = self._rung.get(extension)
        is_ringing = last is not None and last.state is not LegState.ENDED
        return is_ringing or not self._exchange.phones.is_reachable(extension) or is_engaged(self._exchange, extension)
