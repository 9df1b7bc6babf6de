"""Those who wait for somebody of the shop, in order of arrival: who rings for whom, which place, about how long.

A phone rings for one of them at a time, and for the one who came first: whoever is free is there for the caller who
has waited longest (A11, A13).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from gateway.events import Published, StaffChanged

if TYPE_CHECKING:
    from gateway.telephony.staff import Staff

LOOK_SECONDS = 1.0
"""How often it is looked whether a phone that does not ring could."""
FEWEST_WAITS = 3
"""So many were answered lately before anything is said of how long it takes."""
REMEMBERED_WAITS = 20
REMEMBERED_SECONDS = 2 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A caller's: who rings for it, and who could, the first one first. At most `most` ring at a time; None: all."""

    rings: frozenset[str]
    may: tuple[str, ...]
    most: int | None = None


def shared_out(wishes: Sequence[Wish]) -> list[tuple[str, ...]]:
    """Whom each caller is to ring from now on beside those who do; the wishes in order of arrival.

    Somebody who rings for a later caller changes over only to an earlier one for whom nobody rings.
    """
    taken = {extension: place for place, wish in enumerate(wishes) for extension in wish.rings}
    added: list[tuple[str, ...]] = []
    for place, wish in enumerate(wishes):
        mine: list[str] = []
        have = sum(taken[extension] == place for extension in wish.rings)
        for extension in wish.may:
            if extension not in taken and (wish.most is None or have < wish.most):
                mine.append(extension)
                have += 1
        if have == 0:
            mine += [extension for extension in wish.may if taken.get(extension, 0) > place][:1]
        taken |= dict.fromkeys(mine, place)
        added.append(tuple(mine))
    return added


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A caller in the queue, for the live board, and for how long."""

    call_id: str
    caller: str
    place: int
    seconds: float
    extensions: tuple[str, ...]
    queue: str = ""
    """By its name; empty: the shop's own."""


class WaitingLine:
    """All who wait, oldest first. It runs a timer only while somebody does."""

    def __init__(self) -> None:
        self._waiting: list[Staff] = []
        self._timer: asyncio.TimerHandle | None = None
        self._waits: defaultdict[str, deque[tuple[float, float]]] = defaultdict(lambda: deque(maxlen=REMEMBERED_WAITS))
        """Of each queue: when somebody was answered, and the seconds waited for each place that it had moved on."""

    def enter(self, staff: Staff) -> tuple[str, ...]:
        """One more caller waits; whom to ring for it at once."""
        self._waiting.append(staff)
        added = shared_out([each.wish() for each in self._waiting])[-1]
        if self._timer is None:
            self._look_in(LOOK_SECONDS)
        return added

    def would_ring(self, wish: Wish) -> tuple[str, ...]:
        """Whom one more caller with that wish would have rung at once."""
        return shared_out([*(each.wish() for each in self._waiting), wish])[-1]

    def leave(self, staff: Staff) -> None:
        """It waits no more: its phones may ring for others."""
        self._waiting.remove(staff)
        self._look_in(0.0)

    def look_soon(self) -> None:
        """Something has happened."""
        if self._waiting:
            self._look_in(0.0)

    def follow(self, published: Published) -> None:
        """A subscriber of the bus: who comes back from a pause rings at once, and who pauses rings no more."""
        if isinstance(published.event, StaffChanged):
            self.look_soon()

    # What callers and the board are told.

    def ahead(self, extensions: tuple[str, ...]) -> int:
        """How many wait for some of these phones."""
        return sum(not set(extensions).isdisjoint(each.extensions) for each in self._waiting)

    def place(self, staff: Staff) -> int:
        """From 1 on, among those who wait for the same phones."""
        before = self._waiting[: self._waiting.index(staff)]
        return 1 + sum(not set(staff.extensions).isdisjoint(each.extensions) for each in before)

    def is_alone(self, staff: Staff) -> bool:
        """Nobody else waits for the same phones."""
        return self.ahead(staff.extensions) == 1

    def waited(self, staff: Staff) -> None:
        """Somebody has answered a caller who had to wait."""
        now = asyncio.get_running_loop().time()
        self._waits[staff.queue].append((now, (now - staff.since) / staff.first_place))

    def estimate(self, staff: Staff) -> float | None:
        """About how many seconds it takes, as it lately did; None: too few were answered lately to say."""
        now = asyncio.get_running_loop().time()
        lately = [seconds for at, seconds in self._waits[staff.queue] if now - at <= REMEMBERED_SECONDS]
        return median(lately) * self.place(staff) if len(lately) >= FEWEST_WAITS else None

    def waiting(self) -> list[Waiting]:
        """All of them, oldest first."""
        now = asyncio.get_running_loop().time()
        return [
            Waiting(
                call_id=each.call.id,
                caller=each.call.caller.peer,
                place=self.place(each),
                seconds=round(now - each.since, 1),
                extensions=each.extensions,
                queue=each.queue,
            )
            for each in self._waiting
        ]

    def rings(self, leg: object) -> bool:
        """Whether that leg rings for somebody who waits."""
        return any(each.is_rung_by(leg) for each in self._waiting)

    # Inside.

    def _look_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        """Ring whoever can be rung again; then wait for the next look."""
        self._timer = None
        if not self._waiting:
            return
        for each in self._waiting:
            each.let_rest()
        for staff, added in zip(self._waiting, shared_out([each.wish() for each in self._waiting]), strict=True):
            for other in self._waiting:
                if other is not staff:
                    other.give_up(added)
            staff.ring(added)
        self._look_in(LOOK_SECONDS)
