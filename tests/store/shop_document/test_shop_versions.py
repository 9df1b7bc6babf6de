"""Changes of the shop are undone, and the undoing too."""

from __future__ import annotations

from dataclasses import replace

from gateway.events import Event, EventBus, ShopChanged
from gateway.settings import Settings
from gateway.store.shop_document.shop_versions import VERSIONS_KEPT
from gateway.store.store import open_store
from tests.store.conftest import HandClock, small_shop


async def test_the_shop_is_again_what_it_was(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    first = small_shop()
    async with open_store(places, clock, bus) as store:
        assert await store.versions() == []
        await store.save_shop(first, by="anna")
        clock.pass_by(minutes=1)
        await store.remove_part("lines", "blue", by="boris")
        newest, oldest = await store.versions()
        assert (newest.saved_by, newest.saved_at, newest.changed) == ("boris", clock(), ("lines",))
        assert (oldest.saved_by, oldest.changed) == ("anna", None)
        heard.clear()
        assert await store.restore_version(oldest.number, by="anna")
        assert store.shop() == first, "with the passwords"
        assert [event.by for event in heard if isinstance(event, ShopChanged)] == ["anna"]
        assert await store.restore_version(newest.number, by="anna"), "the undoing is undone"
        assert [line.name for line in store.shop().lines] == ["red"]
        assert not await store.restore_version(99, by="anna")
    async with open_store(places, clock) as store:
        assert [line.name for line in store.shop().lines] == ["red"]


async def test_ten_changes_are_kept(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        for number in range(VERSIONS_KEPT + 3):
            await store.save_shop(replace(small_shop(), name=f"shop {number}"), by="anna")
        kept = await store.versions()
        assert len(kept) == VERSIONS_KEPT
        assert [each.changed for each in kept] == [*[("name",)] * (VERSIONS_KEPT - 1), None]
        assert not await store.restore_version(1, by="anna")
        assert await store.restore_version(kept[-1].number, by="anna")
        assert store.shop().name == "shop 3"
