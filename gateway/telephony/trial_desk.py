"""Places test calls, and tells what has become of them."""

from __future__ import annotations

from gateway.errors import NoFreeLine, PhoneNotFree
from gateway.ids import new_id
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import TrialCall
from gateway.telephony.exchange import Exchange
from gateway.telephony.leg import Leg
from gateway.telephony.line import Caller
from gateway.telephony.staff import is_engaged
from gateway.telephony.trial_call import Trial, TrialStage
from gateway.telephony.two_legs import Place
from gateway.telephony.ways import line_passed_over

REMEMBERED = 20
"""So many can be asked about, the newest ones."""


class TrialDesk:
    """One at a time for each phone, and for each line, which carries one call."""

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
        runs = any(each.party == extension and each.stage is not TrialStage.OVER for each in self._trials.values())
        if runs or not exchange.phones.is_reachable(extension) or is_engaged(exchange, extension):
            raise PhoneNotFree(f"The phone {extension} is away, or in a call.", extension=extension)
        leg = exchange.phones.dial(extension, caller=Caller(number="", name=shop.name))
        call_id = new_id()
        if not self._begins(leg, Trial(extension), call_id):
            raise PhoneNotFree("No calls are taken now: the gateway stops.", extension=extension)
        return call_id

    def has_line(self, name: str) -> bool:
        """There is such a line."""
        return name in self._exchange.lines

    def begin_by_line(self, name: str, number: str) -> str:
        """Call the number by that line; the id of the call.

        The line pays: its minutes, its money and the night lock hold, and what they refuse is the cause of the trial.
        Raises KeyError when there is no such line, NumberBarred, NoFreeLine.
        """
        line = self._exchange.lines[name]
        dialled = self._exchange.policy().require_from_screen(number)
        if line_passed_over(line, besides=None) is not None:
            raise NoFreeLine(f"The line {name} cannot carry a call now.")
        call_id = new_id()
        leg = line.dial(dialled, call_id=call_id, extension=None)
        if not self._begins(leg, Trial(dialled.digits, line=name), call_id):
            raise NoFreeLine("No calls are taken now: the gateway stops.")
        return call_id

    def _begins(self, leg: Leg, trial: Trial, call_id: str) -> bool:
        """Let it be a call, and remember it; False: no calls are taken now."""
        self._trials[call_id] = trial
        while len(self._trials) > REMEMBERED:
            del self._trials[next(iter(self._trials))]

        def look(leg: Leg) -> None:
            if leg.cause is not None:
                trial.is_over(leg.cause)

        leg.on_change(look)
        look(leg)  # it may have been refused already
        if not self._place(leg, TrialCall(trial=trial), call_id):
            leg.hangup(Cause.SHUTDOWN)
            return False
        return True

    def trial(self, call_id: str) -> Trial | None:
        """How far it is; None: there was none of that id, or it is long ago."""
        return self._trials.get(call_id)
