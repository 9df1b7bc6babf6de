"""SMS parts: any order, twice, undecodable, with a reference that comes round again."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.events import Event, EventBus, SmsReceived
from gateway.settings import Settings
from gateway.store.inbox import _joined
from gateway.store.store import open_store
from gateway.telephony.ledger import StoredPart
from tests.store.conftest import HandClock

SENT = datetime(2026, 3, 2, 8, 59, 50, tzinfo=UTC)


def part(
    text: str | None, number: int = 1, of: int = 1, *, reference: int | None = None, sender: str = "+79161234567",
    sent_at: datetime | None = SENT,
) -> StoredPart:  # fmt: skip
    return StoredPart(
        line="red", imsi="250010000000001", pdu=b"\x07\x91" + repr((text, number)).encode(), sender=sender,
        sent_at=sent_at, text=text, reference=reference, part=number, parts=of,
    )  # fmt: skip


def texts(heard: Sequence[Event]) -> list[str | None]:
    return [event.text for event in heard if isinstance(event, SmsReceived)]


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
async def test_three_parts_in_any_order_each_twice(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event], order: tuple[int, ...]
) -> None:
    async with open_store(places, clock, bus) as store:
        said = {1: "Заказ 1001 ", 2: "доставлен, ", 3: "спасибо!"}
        results = []
        for number in order:
            for _ in range(2):
                results.append(await store.inbox.keep(part(said[number], number, 3, reference=77)))
        ids = [result for result in results if result is not None]
        assert len(ids) == 1
        assert results[4] == ids[0]  # the last new part completes it
    assert texts(heard) == ["Заказ 1001 доставлен, спасибо!"]
    with closing(sqlite3.connect(places.database)) as connection:
        assert connection.execute("SELECT count(*) FROM message_parts").fetchone() == (3,)
        assert connection.execute("SELECT id, state, parts FROM messages").fetchall() == [(ids[0], "received", 3)]


async def test_two_messages_with_one_reference_are_kept_apart(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    async with open_store(places, clock, bus) as store:
        keep = store.inbox.keep
        await keep(part("old one, ", 1, 2, reference=5))
        later = SENT + timedelta(days=3)
        await keep(part("new one, ", 1, 2, reference=5, sent_at=later))
        await keep(part("end of the new", 2, 2, reference=5, sent_at=later))
        await keep(part("end of another", 2, 2, reference=5, sender="+79160000009", sent_at=SENT))
        await keep(part("end of the old", 2, 2, reference=5))
    assert texts(heard) == ["new one, end of the new", "old one, end of the old"]


async def test_the_same_part_of_two_messages_within_a_day_goes_to_two_messages(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    async with open_store(places, clock, bus) as store:
        keep = store.inbox.keep
        minute = timedelta(minutes=1)
        await keep(part("A1 ", 1, 2, reference=5))
        await keep(part("B1 ", 1, 2, reference=5, sent_at=SENT + minute))
        await keep(part("B2", 2, 2, reference=5, sent_at=SENT + minute))
        await keep(part("A2", 2, 2, reference=5))
    assert sorted(text or "" for text in texts(heard)) == ["A1 A2", "B1 B2"]


async def test_short_messages_of_the_same_second(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    async with open_store(places, clock, bus) as store:
        assert await store.inbox.keep(part("yes")) is not None
        assert await store.inbox.keep(part("no")) is not None
        assert await store.inbox.keep(part("yes")) is None
    assert texts(heard) == ["yes", "no"]


async def test_what_cannot_be_decoded_is_kept_raw(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    async with open_store(places, clock, bus) as store:
        assert await store.inbox.keep(part(None)) is not None
        await store.inbox.keep(part("readable ", 1, 2, reference=9))
        assert await store.inbox.keep(part(None, 2, 2, reference=9)) is not None
    assert texts(heard) == [None, None]
    with closing(sqlite3.connect(places.database)) as connection:
        assert connection.execute("SELECT count(*) FROM messages WHERE state = 'undecoded'").fetchone() == (2,)
        assert connection.execute("SELECT count(*) FROM message_parts WHERE pdu IS NOT NULL").fetchone() == (3,)


async def test_parts_wait_through_a_restart(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    async with open_store(places, clock, bus) as store:
        await store.inbox.keep(part("before, ", 1, 2, reference=1))
    async with open_store(places, clock, bus) as store:
        clock.pass_by(hours=2)
        assert await store.inbox.keep(part("after", 2, 2, reference=1)) is not None
    assert texts(heard) == ["before, after"]


async def test_a_character_cut_between_two_parts(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    async with open_store(places, clock, bus) as store:
        await store.inbox.keep(part("\udc69!", 2, 2, reference=1))
        await store.inbox.keep(part("look \ud83d", 1, 2, reference=1))
        await store.inbox.keep(part("half \ud83d"))
    assert texts(heard) == ["look 👩!", "half \ufffd"]


@given(some.text(alphabet=some.characters(exclude_categories=["Cs"]), max_size=200), some.data())
def test_any_text_cut_anywhere_is_whole_again(text: str, data: some.DataObject) -> None:
    units = text.encode("utf-16-le")
    cuts = sorted(data.draw(some.lists(some.integers(0, len(units) // 2), max_size=4)))
    edges = [0, *cuts, len(units) // 2]
    pieces = [
        units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass").encode("utf-8", "surrogatepass")
        for start, end in itertools.pairwise(edges)
    ]
    assert _joined(list(pieces)) == text
