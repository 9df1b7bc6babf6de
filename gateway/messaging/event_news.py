"""What happens in the shop goes out to programs of the owner's: each gets what it has chosen, as stored jobs.

Nothing waits for a program, and what was promised survives a restart. What goes out is written when it happens and
does not change afterwards. The numbers of an order's two people stay apart here as everywhere (B1, B2): a courier is
an extension, never a mobile, and a customer whom a courier has called is the number of the order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeAlias

from gateway.clock import WallClock, wire_time
from gateway.events import (
    CallAnswered,
    CallEnded,
    CallRouted,
    CallStarted,
    Published,
    RecordingFinished,
    ShopChanged,
    SmsReceived,
)
from gateway.jobs import Promises
from gateway.messaging.event_post import KIND
from gateway.telephony.blocked import TURNED_AWAY
from gateway.telephony.causes import Cause
from gateway.telephony.event_hooks import CutOffCall, EventHook, EventHooksView, Happening, KnownCall
from gateway.telephony.missed import SELF_SERVED, can_be_called, is_customer
from gateway.telephony.orders import Order, OrderView
from gateway.telephony.shop import PBX_PREFIX, ShopView

MOST_ENDED = 200
"""Of so many calls that are over it is still known what they were: their recordings are ready a moment later."""

Facts: TypeAlias = dict[str, Any]


class EventNews:
    """A subscriber of the bus. A call is known from its beginning until some time after its end."""

    def __init__(
        self, hooks: EventHooksView, promises: Promises, *, shop: ShopView, orders: OrderView, clock: WallClock
    ) -> None:
        self._hooks = hooks
        self._promises = promises
        self._shop = shop
        self._orders = orders
        self._clock = clock
        self._calls: dict[str, KnownCall] = {}
        self._ended: deque[str] = deque()
        self._on_shift = self._shifts()

    def __call__(self, published: Published) -> None:
        """Promise what is to be sent; synchronous."""
        match published.event:
            case CallStarted() as event:
                self._started(event, published.time)
            case CallRouted(call_id=call_id) as event if call_id in self._calls:
                self._routed(event, published.time)
            case CallAnswered(call_id=call_id, answered_by=by) if call_id in self._calls:
                call = self._calls[call_id] = replace(self._calls[call_id], answered_by=by)
                self._tell(Happening.CALL_ANSWERED, published.time, self._of_call(call))
            case CallEnded(call_id=call_id) as event if call_id in self._calls:
                self._over(event, published.time)
            case RecordingFinished() as event:
                self._recorded(event, published.time)
            case SmsReceived() as event:
                sender = self._party(event.sender or "")
                facts = {"message_id": event.message_id, "line": event.line, "sender": sender, "text": event.text}
                self._tell(Happening.SMS_RECEIVED, published.time, facts)
            case ShopChanged(by=by):
                self._shop_changed(by, published.time)

    def orders_changed(self, changed: Sequence[Order], by: str) -> None:
        """Orders are new or other than they were; also of very many at once none is left out."""
        now = self._clock()
        for order in changed:
            facts = {
                "order": order.number,
                "stage": str(order.stage),
                "courier": order.courier,
                "delivery_on": order.delivery_on.isoformat() if order.delivery_on is not None else None,
                "closed": order.closed_at is not None,
                "by": by,
            }
            self._tell(Happening.ORDER_CHANGED, now, facts)

    def cut_off(self, calls: Iterable[CutOffCall], recordings: Iterable[RecordingFinished]) -> None:
        """A crash has ended these calls, and these recordings are mended: their programs are told at the next start."""
        now = self._clock()
        for each in calls:
            self._calls[each.call.call_id] = each.call
            ended = CallEnded(
                call_id=each.call.call_id, cause=Cause.FAULT, ended_by="gateway", talk_seconds=each.talk_seconds,
                total_seconds=each.total_seconds,
            )  # fmt: skip
            self._over(ended, now)
        for recording in recordings:
            self._recorded(recording, now)

    def _started(self, event: CallStarted, now: datetime) -> None:
        call = self._calls[event.call_id] = KnownCall(
            call_id=event.call_id, started_at=now, direction=event.direction, caller=event.caller,
            caller_name=event.caller_name, called=event.called, line=event.line, courier=event.courier,
            order=event.order, flow=event.flow,
        )  # fmt: skip
        self._tell(Happening.CALL_STARTED, now, self._of_call(call))

    def _routed(self, event: CallRouted, now: datetime) -> None:
        known = self._calls[event.call_id]
        call = self._calls[event.call_id] = replace(
            known, called=event.called, flow=event.flow, direction=event.direction or known.direction,
            courier=event.courier or known.courier, order=event.order or known.order,
        )  # fmt: skip
        if _is_self_served(call):
            order = next((each for each in self._orders() if each.number == call.order), None)
            stage = str(order.stage) if order is not None else None
            self._tell(Happening.ORDER_ASKED, now, self._of_call(call) | {"stage": stage})

    def _over(self, event: CallEnded, now: datetime) -> None:
        call = self._calls[event.call_id]
        facts = self._of_call(call)
        ended = facts | {
            "cause": event.cause, "ended_by": event.ended_by, "talk_seconds": event.talk_seconds,
            "total_seconds": event.total_seconds,
        }  # fmt: skip
        self._tell(Happening.CALL_ENDED, now, ended)
        if self._is_missed(call) and (call.flow, event.cause) != TURNED_AWAY:
            self._tell(Happening.CALL_MISSED, now, facts | {"total_seconds": event.total_seconds})
        self._ended.append(event.call_id)
        while len(self._ended) > MOST_ENDED:
            self._calls.pop(self._ended.popleft(), None)

    def _recorded(self, event: RecordingFinished, now: datetime) -> None:
        call = self._calls.get(event.call_id)
        facts = {
            **(self._of_call(call) if call is not None else {"call_id": event.call_id}),
            "recording_id": event.recording_id,
            "seconds": event.seconds,
            "page": f"/calls/{event.call_id}",
            "sound": f"/api/v1/recordings/{event.recording_id}",
        }
        self._tell(Happening.RECORDING_READY, now, facts)

    def _shop_changed(self, by: str, now: datetime) -> None:
        former, self._on_shift = self._on_shift, self._shifts()
        for courier in self._shop().couriers:
            if former.get(courier.extension, courier.on_shift) == courier.on_shift:
                continue
            what = Happening.COURIER_ON_SHIFT if courier.on_shift else Happening.COURIER_OFF_SHIFT
            self._tell(what, now, {"courier": courier.extension, "name": courier.name, "by": by})

    def _shifts(self) -> dict[str, bool]:
        return {courier.extension: courier.on_shift for courier in self._shop().couriers}

    def _of_call(self, call: KnownCall) -> Facts:
        return {
            "call_id": call.call_id,
            "started_at": wire_time(call.started_at),
            "direction": call.direction,
            "caller": self._party(call.caller),
            "caller_name": call.caller_name,
            "called": self._party(call.called),
            "answered_by": self._answerer(call),
            "line": call.line,
            "courier": call.courier,
            "order": call.order,
        }

    def _party(self, number: str) -> str:
        """A courier's mobile is nobody's business but the shop's: the extension stands for it."""
        courier = self._shop().courier_by_mobile(number)
        return courier.extension if courier is not None else number

    def _answerer(self, call: KnownCall) -> str | None:
        if call.answered_by is None:
            return None
        party = self._party(call.answered_by)
        return call.order if call.order is not None and can_be_called(party) else party

    def _is_missed(self, call: KnownCall) -> bool:
        """As the list of those who are to be called back has it."""
        if call.direction != "incoming" or call.answered_by is not None or _is_self_served(call):
            return False
        is_of_pbx = (call.line or "").startswith(PBX_PREFIX) and bool(call.caller)
        return is_customer(call.caller, self._shop()) and (can_be_called(call.caller) or not is_of_pbx)

    def _tell(self, what: Happening, when: datetime, facts: Facts) -> None:
        for hook in self._hooks():
            if what in hook.events:
                event = {
                    "type": str(what),
                    "time": wire_time(when),
                    "shop": self._shop().name,
                    "data": _linked(facts, hook),
                }
                self._promises.promise(KIND, {"hook": hook.id, "event": event}, lane=f"{KIND} {hook.id}")


def _is_self_served(call: KnownCall) -> bool:
    return call.flow == SELF_SERVED and call.order is not None


def _linked(facts: Facts, hook: EventHook) -> Facts:
    """With links that lead to the panel as that program reaches it."""
    return {name: hook.panel + value if name in ("page", "sound") else value for name, value in facts.items()}
