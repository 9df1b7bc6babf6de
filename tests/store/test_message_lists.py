"""Messages as lists: by number, direction and state, a conversation, and a message with its parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.store.queries import Queries
from gateway.telephony.ledger import DeliveryReport, OutgoingText, StoredPart
from tests.api.shapes import assert_fits
from tests.fakes.direct_store import DirectStore, direct_store, loop_clock

COURIER, SHOP = "+79161234567", "MegaFon"


@dataclass(frozen=True)
class Wanted:
    line: str | None = None
    search: str | None = None
    direction: str | None = None
    state: str | None = None
    peer: str | None = None


@dataclass(frozen=True)
class Places:
    data_dir: Path

    @property
    def database(self) -> Path:
        return self.data_dir / "direct.db"


def part(text: str | None, number: int = 1, of: int = 1, sender: str | None = COURIER) -> StoredPart:
    return StoredPart(
        line="red", imsi="1", pdu=b"\x07\x91" + repr((text, number)).encode(), sender=sender, sent_at=loop_clock(),
        text=text, reference=5 if of > 1 else None, part=number, parts=of,
    )  # fmt: skip


def outgoing(message_id: str, text: str, parts: int = 1) -> OutgoingText:
    now = loop_clock()
    return OutgoingText(
        id=message_id, to=COURIER, text=text, parts=parts, reference=1, by="anna", line=None, accepted_at=now,
        due_at=now, expires_at=now + timedelta(days=1), carried_by="red",
    )  # fmt: skip


async def _fill(store: DirectStore) -> None:
    await store.inbox.keep(part("Где вы?"))
    await store.inbox.keep(part("half of ", 1, 2, sender=SHOP))
    await store.inbox.keep(part(None, sender=None))
    message = outgoing("m-long", "Еду " * 40, parts=3)
    await store.outbox.accept(message)
    for number in (1, 2, 3):
        await store.outbox.begin(message, part=number, line="red", imsi="1", local_day="2026-03-02")
        if number < 3:
            await store.outbox.taken(message, part=number, reference=number)
    await store.inbox.report(DeliveryReport(imsi="1", reference=2, recipient=COURIER, status=0))
    await store.outbox.end(message, part=3, state="unknown", failure="cut-off")
    await store.outbox.accept(outgoing("m-short", "Уже рядом"))


async def test_lists_and_a_conversation(tmp_path: Path) -> None:
    with direct_store(tmp_path) as store:
        await _fill(store)
    with Queries(Places(tmp_path)) as queries:

        def found(**wanted: str) -> list[object]:
            rows, following = queries.messages(Wanted(**wanted), cursor=None, limit=50)
            for row in rows:
                assert_fits(row, "Message")
            assert following is None
            return [row["state"] for row in rows]

        assert sorted(map(str, found())) == ["partial", "queued", "received", "undecoded", "unknown"]
        assert len(found(peer=COURIER)) == 3
        assert found(peer=SHOP) == ["partial"]
        assert found(direction="outgoing", state="unknown") == ["unknown"]
        assert found(search="рядом") == ["queued"]
        conversations, _ = queries.conversations(Wanted(), cursor=None, limit=50)
        for row in conversations:
            assert_fits(row, "Conversation")
        assert {row["peer"]: row["messages"] for row in conversations} == {COURIER: 3, SHOP: 1}


async def test_conversations_come_page_by_page(tmp_path: Path) -> None:
    with direct_store(tmp_path) as store:
        for number in range(7):
            await store.inbox.keep(part(f"text {number}", sender=f"Отправитель|{number}"))
    seen: list[object] = []
    cursor: str | None = None
    with Queries(Places(tmp_path)) as queries:
        while True:
            rows, cursor = queries.conversations(Wanted(), cursor=cursor, limit=2)
            seen += [row["peer"] for row in rows]
            if cursor is None:
                break
        with pytest.raises(ValueError, match="cursor"):
            queries.conversations(Wanted(), cursor="nonsense", limit=2)
    assert sorted(map(str, seen)) == [f"Отправитель|{number}" for number in range(7)]
    assert len(seen) == 7


async def test_a_message_with_its_parts(tmp_path: Path) -> None:
    with direct_store(tmp_path) as store:
        await _fill(store)
        raw = store.rows("SELECT id FROM messages WHERE state = 'undecoded'")[0][0]
    with Queries(Places(tmp_path)) as queries:
        sent = queries.message("m-long")
        assert sent is not None
        assert_fits(sent, "MessageDetails")
        pieces = sent["pieces"]
        assert isinstance(pieces, list)
        assert [(each["part"], each["state"], each["status"]) for each in pieces] == [
            (1, "sent", None), (2, "delivered", 0), (3, "unknown", None),
        ]  # fmt: skip
        received = queries.message(raw)
        assert received is not None
        assert_fits(received, "MessageDetails")
        assert isinstance(received["pieces"], list)
        assert bytes.fromhex(received["pieces"][0]["pdu"]).startswith(b"\x07\x91")
        assert queries.message("nothing") is None
