"""Contacts as the store keeps them, in a database that is nowhere but in memory; and people for scenes."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.clock import WallClock
from gateway.events import Publish
from gateway.store.contacts import StoredContacts
from gateway.store.writer import Writer
from gateway.telephony.contacts import Known
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


class FakePeople:
    """Whom a test says the shop knows, and whose customers they are."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.managers: dict[str, str] = {}

    def known(self, number: str) -> Known | None:
        name = self.names.get(number)
        return None if name is None else Known("id", name, None, ())

    def manager_of(self, number: str) -> str | None:
        return self.managers.get(number)
