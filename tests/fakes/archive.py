"""The worker's archive, kept in memory."""

from __future__ import annotations

from typing import cast

from gateway.store.order_evidence import OrderEvidence
from gateway.worker.seams import CallFilter, MessageFilter


class FakeArchive:
    """Answers from lists; remembers what was asked."""

    def __init__(self) -> None:
        self.call_rows: list[dict[str, object]] = []
        self.message_rows: list[dict[str, object]] = []
        self.details: dict[str, dict[str, object]] = {}
        """Legs and timeline of a call, where a test needs some."""
        self.paths: dict[str, str] = {}
        self.evidence: dict[str, OrderEvidence] = {}
        self.asked: list[CallFilter | MessageFilter] = []

    def calls(
        self, wanted: CallFilter, *, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, object]], str | None]:
        self.asked.append(wanted)
        return _page(self.call_rows, cursor, limit)

    def call(self, call_id: str) -> dict[str, object] | None:
        rows = (row for row in self.call_rows if row["id"] == call_id)
        return next(
            (
                {
                    **row,
                    "legs": [],
                    "timeline": [],
                    "notes": [],
                    "listenings": [],
                    "visit": None,
                    **self.details.get(call_id, {}),
                }
                for row in rows
            ),
            None,
        )

    def call_tags(self) -> list[dict[str, object]]:
        tags = [tag for row in self.call_rows for tag in cast("list[str]", row["tags"])]
        return [{"tag": tag, "calls": tags.count(tag)} for tag in sorted(set(tags))]

    def messages(
        self, wanted: MessageFilter, *, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, object]], str | None]:
        self.asked.append(wanted)
        rows = [row for row in self.message_rows if wanted.peer is None or row.get("peer") == wanted.peer]
        return _page(rows, cursor, limit)

    def message(self, message_id: str) -> dict[str, object] | None:
        rows = (row for row in self.message_rows if row["id"] == message_id)
        return next(({**row, "pieces": [], **self.details.get(message_id, {})} for row in rows), None)

    def conversations(
        self, wanted: MessageFilter, *, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, object]], str | None]:
        self.asked.append(wanted)
        last = {str(row["peer"]): row for row in reversed(self.message_rows) if row.get("peer")}
        rows: list[dict[str, object]] = [
            {"peer": peer, "messages": sum(1 for each in self.message_rows if each["peer"] == peer), "last": row}
            for peer, row in last.items()
        ]
        return _page(rows, cursor, limit)

    def order_evidence(self, number: str) -> OrderEvidence | None:
        return self.evidence.get(number)

    def recording_path(self, recording_id: str) -> str | None:
        return self.paths.get(recording_id)


def _page(rows: list[dict[str, object]], cursor: str | None, limit: int) -> tuple[list[dict[str, object]], str | None]:
    start = int(cursor or 0)
    following = start + limit
    return rows[start:following], str(following) if following < len(rows) else None
