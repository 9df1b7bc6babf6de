"""Who is in a call: each extension's calls, folded from the events of the exchange.

A phone is known by the legs to and from it. A courier's extension rings as a mobile: it is known by the
legs of any SIM line, trunk or PBX account whose other end is that mobile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.events import CallEnded, LegAnswered, LegEnded, LegRang, LegStarted, Published
from gateway.telephony.leg import Direction
from gateway.telephony.shop import ShopView


class Progress(StrEnum):
    """How far a call has come (the states of RFC 4235 section 3.7.1 that last)."""

    PROCEEDING = "proceeding"
    EARLY = "early"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCall:
    """One call of an extension. `is_caller`: it was the extension that called."""

    id: str
    is_caller: bool
    progress: Progress


class Presence:
    """The calls of every extension, as they are now."""

    def __init__(self, shop: ShopView) -> None:
        self.on_change: Callable[[str], None] = lambda _extension: None
        """Called with an extension whose calls are other than before."""
        self._shop = shop
        self._legs: dict[str, tuple[str, str, SeenCall]] = {}
        """By the leg's id: the call's id, the extension, and what is seen of it."""

    def calls(self, extension: str) -> list[SeenCall]:
        """The calls of an extension, those that talk first."""
        found = [seen for _, owner, seen in self._legs.values() if owner == extension]
        return sorted(found, key=lambda seen: seen.progress is not Progress.CONFIRMED)

    def follow(self, published: Published) -> None:
        """Take an event: a subscriber of the bus."""
        match published.event:
            case LegStarted() as event:
                self._begin(event)
            case LegRang(leg_id=leg_id):
                self._move(leg_id, Progress.EARLY)
            case LegAnswered(leg_id=leg_id):
                self._move(leg_id, Progress.CONFIRMED)
            case LegEnded(leg_id=leg_id):
                self._end(leg_id)
            case CallEnded(call_id=call_id):
                for leg_id in [key for key, (owner, _, _) in self._legs.items() if owner == call_id]:
                    self._end(leg_id)
            case _:
                pass

    def _begin(self, event: LegStarted) -> None:
        extension = self._extension_of(event)
        if extension is None:
            return
        is_caller = event.direction == Direction.INCOMING
        seen = SeenCall(id=event.leg_id, is_caller=is_caller, progress=Progress.PROCEEDING)
        self._legs[event.leg_id] = (event.call_id, extension, seen)
        self.on_change(extension)

    def _extension_of(self, event: LegStarted) -> str | None:
        shop = self._shop()
        if event.line is None:
            return event.peer if shop.phone(event.peer) is not None else None
        courier = shop.courier_by_mobile(event.peer) if event.peer else None
        return None if courier is None else courier.extension

    def _move(self, leg_id: str, progress: Progress) -> None:
        found = self._legs.get(leg_id)
        if found is not None and found[2].progress is not progress:
            call_id, extension, seen = found
            self._legs[leg_id] = (call_id, extension, replace(seen, progress=progress))
            self.on_change(extension)

    def _end(self, leg_id: str) -> None:
        found = self._legs.pop(leg_id, None)
        if found is not None:
            self.on_change(found[1])
