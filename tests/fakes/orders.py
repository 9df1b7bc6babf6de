"""Orders as the store keeps them, in a database that is nowhere but in memory."""

from __future__ import annotations

import asyncio
import weakref
from datetime import UTC, datetime

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from gateway.clock import WallClock
from gateway.events import Publish
from gateway.store.orders import StoredOrders
from gateway.store.pin_guesses import StoredPinEntry
from gateway.store.schema import metadata
from gateway.store.writer import Result, Work, Writer
from gateway.telephony.shop import ShopView


class MemoryWriter(Writer):
    """Commits at once, on the loop, to a database that is forgotten with it."""

    def __init__(self) -> None:
        self.engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        weakref.finalize(self, self.engine.dispose)  # nobody else ends it
        metadata.create_all(self.engine)
        super().__init__(self.engine, lambda event: None)

    def hand_over(self, work: Work[Result], *, overtakes: bool = False) -> asyncio.Future[Result]:
        del overtakes
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        with self.engine.begin() as connection:
            future.set_result(work(connection))
        return future


def orders_in_memory(
    shop: ShopView, *, clock: WallClock = lambda: datetime.now(UTC), publish: Publish = lambda _event: None
) -> StoredOrders:
    """A book of orders that forgets everything at its end."""
    return StoredOrders(MemoryWriter(), gateway_id="g", shop=shop, clock=clock, publish=publish)


def pin_entry_in_memory(shop: ShopView, *, clock: WallClock, publish: Publish) -> StoredPinEntry:
    """Counts wrong PINs until it is forgotten."""
    return StoredPinEntry(MemoryWriter(), gateway_id="g", shop=shop, clock=clock, publish=publish)
