"""What the API asks of the queue: the real pauses on a database in memory, callers and messages that a test names."""

from __future__ import annotations

from gateway.api.live_queue import LiveQueue
from gateway.api.queue_routes import QueueDesk
from gateway.clock import utc_now
from gateway.events import EventBus
from gateway.store.pauses import StoredPauses
from gateway.telephony.on_duty import OnDuty
from gateway.telephony.shop import ShopView
from gateway.telephony.waiting_line import Waiting
from tests.fakes.direct_store import memory_writer
from tests.fakes.mailboxes import FakeMailboxes


class FakeQueue:
    """`desk` is for the API, `live` for the board."""

    def __init__(self, shop: ShopView, bus: EventBus) -> None:
        self.waiting: list[Waiting] = []
        self.mailboxes = FakeMailboxes()
        pauses = StoredPauses(memory_writer(), gateway_id="g", clock=utc_now)
        self.duty = OnDuty(pauses, shop=shop, publish=bus.publish, clock=utc_now)
        self.live = LiveQueue(shop, self.duty, lambda: self.waiting, lambda: self.mailboxes.unheard)
        self.desk = QueueDesk(
            live=self.live, duty=self.duty, mailboxes=self.mailboxes, paused_times=pauses.times, clock=utc_now
        )
