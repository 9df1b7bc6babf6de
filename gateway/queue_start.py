"""The queue at a start: who takes its calls, as the last run has left it, and what the API shows and changes of it."""

from __future__ import annotations

from contextlib import AsyncExitStack

from gateway.api.live_queue import LiveQueue
from gateway.api.queue_routes import QueueDesk
from gateway.clock import utc_now
from gateway.events import EventBus
from gateway.store.store import Store
from gateway.telephony.on_duty import OnDuty
from gateway.telephony.waiting_line import WaitingLine


async def on_duty(store: Store, bus: EventBus, stack: AsyncExitStack) -> OnDuty:
    """Who takes calls of the queue; no timer of it outlives `stack`."""
    duty = OnDuty(store.pauses, shop=store.shop, publish=bus.publish, clock=utc_now)
    await duty.load()
    stack.callback(duty.close)
    bus.subscribe(duty.follow)
    return duty


def queue_desk(store: Store, duty: OnDuty, line_up: WaitingLine) -> QueueDesk:
    """What its routes need."""
    live = LiveQueue(store.shop, duty, line_up.waiting, lambda: store.mailboxes.unheard)
    return QueueDesk(live=live, duty=duty, mailboxes=store.mailboxes, paused_times=store.pauses.times, clock=utc_now)
