"""Contacts as the store keeps them, in a database that is nowhere but in memory."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.clock import WallClock
from gateway.events import Publish
from gateway.store.contacts import StoredContacts
from gateway.store.writer import Writer
from gateway.telephony.shop import ShopView
from tests.fakes.direct_store import memory_writer


def contacts_in_memory(
    shop: ShopView,
    *,
    writer: Writer | None = None,
    clock: WallClock = lambda: datetime.now(UTC),
    publish: Publish = lambda _event: None,
) -> StoredContacts:
    """Contacts that are forgotten at the end, in the database of `writer` where one is given."""
    return StoredContacts(writer or memory_writer(), gateway_id="g", shop=shop, clock=clock, publish=publish)
