"""Places test calls, and tells what has become of them."""

from __future__ import annotations

from gateway.errors import PhoneNotFree
from gateway.ids import new_id
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import TrialCall
from gateway.telephony.exchange import Exchange
from gateway.telephony.line import Caller
from gateway.telephony.staff import is_engaged
from gateway.telephony.trial_call import Trial, TrialStage
from gateway.telephony.two_legs import Place

REMEMBERED = 20
"""So many can be asked about, the newest ones."""


class TrialDesk:
    """One at a time for each phone."""

    def __init__(self, exchange: Exchange, place: Place) -> None:
        self._exchange = exchange
        self._place = place
        self._trials: dict[str, Trial] = {}
        """By the id of the call."""

    def begin(self, extension: str) -> str:
        """Ring the phone; the id of the call. Raises LookupError when there is no such phone, PhoneNotFree."""
        exchange, shop = self._exchange, self._exchange.shop()
        if shop.phone(extension) is None:
            raise LookupError(f"there is no phone {extension}")
        runs = any(each.extension == extension and each.stage is not TrialStage.OVER for each in self._trials.values())
        if runs or not exchange.phones.is_reachable(extension) or is_engaged(exchange, extension):
            raise PhoneNotFree(f"The phone {extension} is away, or in a call.", extension=extension)
        leg = exchange.phones.dial(extension, caller=Caller(number="", name=shop.name))
        call_id, trial = new_id(), Trial(extension)
        self._trials[call_id] = trial
        while len(self._trials) > REMEMBERED:
            del self._trials[next(iter(self._trials))]
        leg.on_change(lambda leg: trial.is_over() if leg.cause is not None else None)
        if not self._place(leg, TrialCall(trial=trial), call_id):
            leg.hangup(Cause.SHUTDOWN)
            raise PhoneNotFree("No calls are taken now: the gateway stops.", extension=extension)
        return call_id

    def trial(self, call_id: str) -> Trial | None:
        """How far it is; None: there was none of that id, or it is long ago."""
        return self._trials.get(call_id)
