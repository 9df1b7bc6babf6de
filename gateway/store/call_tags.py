"""Tags that people mark calls with: a few words each, in small letters, so that one word is one tag."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func, select, update

from gateway.clock import WallClock
from gateway.errors import TagsInvalid
from gateway.store.audit import add_audit
from gateway.store.schema import calls
from gateway.store.writer import Writer

MOST_TAGS = 10
"""On one call."""
LONGEST_TAG = 32
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SIGNS = re.compile(r"[#,;]")
"""`#` stands between tags on disk, the others in forms and tables."""


class StoredCallTags:
    """What calls are marked with. The verb raises StoreError when the disk does not take it."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock

    async def mark(self, call_id: str, tags: Sequence[str], *, by: str) -> tuple[str, ...] | None:
        """Have these tags alone on a call; as they are kept. None: there is no such call. May raise TagsInvalid."""
        kept, now = checked_tags(tags), self._clock()

        def mark(connection: Connection) -> tuple[str, ...] | None:
            row = connection.execute(select(calls.c.tags).where(calls.c.id == call_id)).first()
            if row is None:
                return None
            if row.tags != on_disk(kept):
                connection.execute(update(calls).where(calls.c.id == call_id).values(tags=on_disk(kept)))
                add_audit(
                    connection, gateway_id=self._gateway_id, now=now, by=by, action="call.tagged", subject=call_id,
                    details={"tags": list(kept), "before": list(tags_of(row.tags))},
                )  # fmt: skip
            return kept

        return await self._writer.write(mark)


def checked_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """The tags as they are kept: small letters, single blanks, each once. Raises TagsInvalid."""
    found = tuple(dict.fromkeys(tag for each in tags if (tag := " ".join(each.split()).casefold())))
    if len(found) > MOST_TAGS or any(len(each) > LONGEST_TAG for each in found):
        raise _invalid(f"A call has at most {MOST_TAGS} tags of {LONGEST_TAG} characters each.")
    if any(_SIGNS.search(each) or _UNSHOWN.search(each) for each in found):
        raise _invalid("A tag must not hold the signs # , and ;, nor what cannot be shown.")
    return found


def tags_of(kept: str | None) -> tuple[str, ...]:
    """The tags of a call's row."""
    return tuple(each for each in (kept or "").split("#") if each)


def on_disk(tags: Sequence[str]) -> str | None:
    """As a call's row has them."""
    return f"#{'#'.join(tags)}#" if tags else None


def has_tag(tag: str) -> ColumnElement[bool]:
    """The call is marked with it. An index holds the tagged calls, which alone are looked at."""
    return calls.c.tags.is_not(None) & (func.instr(calls.c.tags, f"#{' '.join(tag.split()).casefold()}#") > 0)


def used_tags(connection: Connection) -> list[tuple[str, int]]:
    """Every tag and how many calls have it, the most used first."""
    counts: dict[str, int] = {}
    marks = select(calls.c.tags, func.count()).where(calls.c.tags.is_not(None)).group_by(calls.c.tags)
    for kept, count in connection.execute(marks):
        for tag in tags_of(kept):
            counts[tag] = counts.get(tag, 0) + count
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def _invalid(problem: str) -> TagsInvalid:
    return TagsInvalid(problem, problem=problem)
