"""Too many wait, or one has waited too long: where the owner wants that caller to go (overflow)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.flows.promise import Promise
from gateway.flows.ring_phones import follow_forward
from gateway.telephony.call import Call
from gateway.telephony.destinations import RingPhones
from gateway.telephony.forwarding import Forward, plan_ringing
from gateway.telephony.queue_rules import Overflow, overflow_due_in
from gateway.telephony.queues import box_of_queue, own_prompt
from gateway.telephony.receiving import Received
from gateway.telephony.staff import Staff
from gateway.telephony.voicemail import take_message


class Overflowing:
    """Watches the wait of one caller."""

    def __init__(self, call: Call, found: Received, promise: Promise, *, may_answer: bool) -> None:
        """`may_answer` is False on a toll-free number, which only a person may answer (rule 9)."""
        self._call = call
        self._found = found
        self._promise = promise
        self._rules = found.rules
        self._may_answer = may_answer
        self._is_due = False

    @property
    def leads_away(self) -> bool:
        """The caller waits no longer here."""
        return self._is_due and self._rules.overflow is not Overflow.PHONES

    @contextmanager
    def watching(self, staff: Staff) -> Iterator[None]:
        """Within the block it happens as soon as it is due."""
        ahead = self._call.exchange.line_up.place(staff) - 1
        due_in = overflow_due_in(self._rules, ahead=ahead, may_answer=self._may_answer)
        timer: asyncio.TimerHandle | None = None
        if due_in == 0.0:
            self._happen(staff)
        elif due_in is not None:
            timer = asyncio.get_running_loop().call_later(due_in, self._happen, staff)
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()

    async def lead_away(self) -> None:
        """Where the caller goes on; the last thing that the reception does."""
        call, rules = self._call, self._rules
        busy = own_prompt("all-busy", self._found.whose)
        match rules.overflow:
            case Overflow.VOICEMAIL:
                call.flow = "voicemail"
                call.is_routed_to(called=call.called, courier=None)
                await call.say(busy)
                await take_message(call, mailbox=box_of_queue(self._found.queue))
                await call.say("goodbye")
                call.caller.hangup()
            case Overflow.CALL_BACK:
                await call.say(busy)
                await self._promise.confirm()
            case _:
                extensions = self._found.extensions
                forward = Forward(by=extensions[0], target=rules.overflow_number)
                phones = RingPhones(extensions=extensions, forwarded_by=self._found.passed)
                await follow_forward(call, forward, phones)

    def _happen(self, staff: Staff) -> None:
        if self._rules.overflow is Overflow.CALL_BACK and not self._promise.make():
            return  # who cannot be called back waits on
        self._is_due = True
        if self._rules.overflow is Overflow.PHONES:
            staff.join(plan_ringing(self._call.exchange.shop(), self._rules.overflow_phones).rings)
        else:
            staff.ringing.wake()
