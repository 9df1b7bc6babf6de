"""Tags on calls: kept as one word is one tag, found, counted, on record, and gone with the number."""

from __future__ import annotations

import pytest

from gateway.errors import TagsInvalid
from gateway.events import EventBus
from gateway.settings import Settings
from gateway.store.call_tags import LONGEST_TAG, MOST_TAGS, checked_tags
from gateway.store.queries import Queries
from gateway.store.store import open_store
from gateway.worker.seams import CallFilter
from tests.store.conftest import HandClock, small_shop
from tests.store.test_erasure import ended, rows
from tests.store.test_evidence import CUSTOMER, recorded


async def test_calls_are_marked_and_found_by_their_tags(places: Settings, clock: HandClock, bus: EventBus) -> None:
    async with open_store(places, clock, bus) as store:
        await store.save_shop(small_shop(), by="test")
        for call_id in ("one", "two", "three"):
            clock.pass_by(minutes=1)
            recorded(places, bus, clock, call_id, caller=CUSTOMER)
            ended(bus, call_id)
        mark = store.call_tags.mark
        assert await mark("one", [" Жалоба ", "опт  и   розница", "жалоба", ""], by="anna") == (
            "жалоба",
            "опт и розница",
        )
        assert await mark("two", ["Опт", "Жалоба"], by="anna") == ("опт", "жалоба")
        assert await mark("two", ["опт", "жалоба"], by="boris") == ("опт", "жалоба")
        assert await mark("nowhere", ["опт"], by="anna") is None
        with Queries(places) as archive:

            def found(tag: str) -> list[object]:
                return [row["id"] for row in archive.calls(CallFilter(tag=tag), cursor=None, limit=10)[0]]

            assert found("ЖАЛОБА") == ["two", "one"]
            assert found("опт") == ["two"], "a part of a tag is another tag"
            assert found("оп") == found("#") == found("") == []
            assert archive.call_tags() == [
                {"tag": "жалоба", "calls": 2}, {"tag": "опт", "calls": 1}, {"tag": "опт и розница", "calls": 1},
            ]  # fmt: skip
            call = archive.call("one")
            assert call is not None
            assert call["tags"] == ["жалоба", "опт и розница"]
            assert await mark("two", [], by="anna") == ()
            assert found("опт") == []
    assert rows(places, "SELECT tags FROM calls WHERE id != 'one'") == [(None,), (None,)]
    told = rows(places, "SELECT \"by\", subject FROM audit WHERE action = 'call.tagged' ORDER BY number")
    assert told == [("anna", "one"), ("anna", "two"), ("anna", "two")], "what changes nothing is not on record"


@pytest.mark.parametrize(
    "tags",
    [["a,b"], ["a;b"], ["a#b"], ["x" * (LONGEST_TAG + 1)], [f"t{each}" for each in range(MOST_TAGS + 1)], ["\x07"]],
)
def test_what_cannot_be_a_tag_is_refused(tags: list[str]) -> None:
    with pytest.raises(TagsInvalid):
        checked_tags(tags)
