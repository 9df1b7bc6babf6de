"""Orders and wrong PINs as the store keeps them, in a database that is nowhere but in memory."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.clock import WallClock
from gateway.events import Publish
from gateway.store.orders import StoredOrders
from gateway.store.pin_guesses import StoredPinEntry
from gateway.store.writer import Writer
from gateway.telephony.shop import ShopView
from tests.fakes.direct_store import memory_writer


def orders_in_memory(
    shop: ShopView,
    *,
    clock: WallClock = lambda: datetime.now(UTC),
    publish: Publish = lambda _event: None,
    writer: Writer | None = None,
) -> StoredOrders:
    """A book of orders that forgets everything at its end, in the database of `writer` where one is given."""
    return StoredOrders(writer or memory_writer(), gateway_id="g", shop=shop, clock=clock, publish=publish)


def pin_entry_in_memory(shop: ShopView, *, clock: WallClock, publish: Publish) -> StoredPinEntry:
    """Counts wrong PINs until it is forgotten."""
    return StoredPinEntry(memory_writer(), gateway_id="g", shop=shop, clock=clock, publish=publish)
