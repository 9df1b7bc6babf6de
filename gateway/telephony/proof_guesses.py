"""Bounds how often the last digits of an order's telephone number are guessed: ten thousand tries would find them."""

from __future__ import annotations

WRONG_PER_HOUR = 5
"""So many wrong answers for one order within an hour; after them none is looked at."""
HOUR_SECONDS = 3600.0
MOST_ORDERS = 1000


class ProofGuesses:
    """Wrong answers by the order's number; they are forgotten after an hour, and when the daemon ends."""

    def __init__(self) -> None:
        self._wrong: dict[str, list[float]] = {}

    def may_try(self, number: str, now: float) -> bool:
        """An answer for that order may be looked at; `now` is the loop's time."""
        return len(self._recent(number, now)) < WRONG_PER_HOUR

    def was_wrong(self, number: str, now: float) -> None:
        """Count one."""
        recent = [*self._recent(number, now), now]
        self._wrong.pop(number, None)
        while len(self._wrong) >= MOST_ORDERS:
            del self._wrong[next(iter(self._wrong))]
        self._wrong[number] = recent

    def _recent(self, number: str, now: float) -> list[float]:
        return [at for at in self._wrong.get(number, []) if now - at < HOUR_SECONDS]
