"""A courier is rung back for a customer who has called the only SIM that was free: a stored job (B1).

Such a customer cannot be joined with a mobile by that same SIM. So the courier is called once a line for the mobile and
a way to the customer are both free; the job is done as soon as the customer is being called, and falls away when the
two have talked otherwise, or the order lives no more. What was cut off by a crash is tried once more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.errors import TryLater
from gateway.events import CallAnswered, CallEnded, CallRouted, CallStarted, LegStarted, Published
from gateway.jobs import BoundJob, Promises, Told, job
from gateway.telephony.exchange import Exchange
from gateway.telephony.leg import Direction
from gateway.telephony.orders import Order
from gateway.telephony.shop import CourierSettings

KIND = "call-courier-back"
LASTS = timedelta(hours=2)
"""Later the customer of a delivery wants something else."""
MOST_RINGS = 3
"""So often the mobile is rung for one call of a customer; the courier has read of it by SMS."""
GAP_SECONDS = 300.0
"""Between two of them."""
RELAX_SECONDS = 3.0
"""A modem whose call has just ended dials badly at once."""
LOOK_SECONDS = 60.0
"""At most between two looks for a free line."""
START_SECONDS = RELAX_SECONDS + 5.0
"""By then the mobile is being dialled, or the line is gone again."""
LONGEST_RING_SECONDS = 180.0
"""By then the mobile was answered, or was not."""


def promise_call_back(promises: Promises, extension: str, order: Order, call_id: str) -> None:
    """Promise it at once (rule 8); `call_id` is the call of the customer, which can be promised for once only."""
    promises.promise(KIND, {"extension": extension, "order": order.id}, key=call_id)


@job(KIND, lasts=LASTS)
async def call_courier_back(couriers: CourierCallBacks, told: Told) -> None:
    """One try of one promise."""
    await couriers.ring(told)


@dataclass(slots=True)
class _Ringing:
    """A courier who is being rung for an order."""

    order: Order
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    is_taken: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    call_id: str = ""

    def begin(self, call_id: str) -> None:
        self.call_id = call_id
        self.has_begun.set()

    def settle(self, taken: bool) -> None:
        if not self.is_taken.done():
            self.is_taken.set_result(taken)


class CourierCallBacks:
    """Rings couriers back; a subscriber of the bus, by which it learns what became of a call."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._ringing: dict[str, _Ringing] = {}
        """By the courier's extension."""
        self._rings: dict[str, int] = {}
        """How often the mobile was rung, by job."""
        self._joins: dict[str, tuple[str, str]] = {}
        """Courier and order of each running call that has both."""
        self._talked: dict[tuple[str, str], datetime] = {}
        """When a courier and the customer of an order talked last."""

    @property
    def job(self) -> BoundJob:
        """What the runner of stored jobs is given."""
        return call_courier_back.with_tools(self)

    async def ring(self, told: Told) -> None:
        """Ring the courier if that still makes sense. Raises TryLater when it must be tried again."""
        extension = told.text("extension")
        order = next((each for each in self._exchange.orders() if each.id == told.text("order")), None)
        courier = self._exchange.shop().courier(extension)
        if order is None or order.courier != extension or courier is None or not courier.on_shift:
            return
        if self._have_talked_since(told.promised_at, courier, order):
            return
        if extension in self._ringing or not self._exchange.can_join(courier):
            raise _later("No two lines are free for a courier and a customer.", told)
        refusal = self._exchange.call_back(extension, order, RELAX_SECONDS)
        if refusal is not None:
            raise _later(f"The courier cannot be called: {refusal}.", told)
        ringing = self._ringing[extension] = _Ringing(order)
        try:
            is_taken = await _outcome(ringing)
        finally:
            del self._ringing[extension]
        if is_taken is None:
            raise _later("The line was taken by another call.", told)
        if not is_taken:
            rings = self._rings[told.job_id] = self._rings.get(told.job_id, 0) + 1
            if rings < MOST_RINGS:
                raise TryLater("The courier was not reached.", seconds=GAP_SECONDS)
        self._rings.pop(told.job_id, None)

    def _have_talked_since(self, moment: datetime, courier: CourierSettings, order: Order) -> bool:
        last = self._talked.get((courier.extension, order.number))
        return last is not None and last > moment

    def follow(self, published: Published) -> None:
        """A subscriber of the bus."""
        match published.event:
            case CallStarted(flow="call-back", courier=str(extension)) as event if extension in self._ringing:
                ringing = self._ringing[extension]
                if ringing.order.number == event.order:
                    ringing.begin(event.call_id)
            case LegStarted(direction=Direction.OUTGOING) as event:
                for ringing in self._ringing.values():
                    if ringing.call_id == event.call_id and ringing.order.phone == event.peer:
                        ringing.settle(True)
            case CallAnswered(call_id=call_id) if call_id in self._joins:
                self._note_talk(self._joins[call_id])
            case CallEnded(call_id=call_id):
                self._joins.pop(call_id, None)
                for ringing in self._ringing.values():
                    if ringing.call_id == call_id:
                        ringing.settle(False)
            case _:
                pass
        match published.event:
            case (
                CallStarted(call_id=call_id, courier=str(extension), order=str(number))
                | CallRouted(call_id=call_id, courier=str(extension), order=str(number))
            ):
                self._joins[call_id] = (extension, number)
            case _:
                pass

    def _note_talk(self, pair: tuple[str, str]) -> None:
        now = self._exchange.clock()
        self._talked = {each: at for each, at in self._talked.items() if now - at < LASTS}
        self._talked[pair] = now


async def _outcome(ringing: _Ringing) -> bool | None:
    """Whether the customer is being called, because the courier has pressed the key; None: the mobile did not ring."""
    try:
        async with asyncio.timeout(START_SECONDS):
            await ringing.has_begun.wait()
    except TimeoutError:
        return None
    try:
        async with asyncio.timeout(LONGEST_RING_SECONDS):
            return await ringing.is_taken
    except TimeoutError:
        return False


def _later(why: str, told: Told) -> TryLater:
    return TryLater(why, seconds=min(LOOK_SECONDS, 5.0 * 2.0 ** min(told.attempt - 1, 4)))
