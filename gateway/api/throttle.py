"""Guessing made hopeless: failed tries are counted per address and per account (T-W9)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

WINDOW_SECONDS = 15 * 60.0
TRIES_PER_ADDRESS = 5
TRIES_PER_ACCOUNT = 20
_LARGEST_BOOK = 4096


@dataclass(frozen=True, slots=True)
class FailedTries:
    """Of one address: how often in the window, at most as many as lock it; when last, and how long it has to wait."""

    address: str
    tries: int
    last_seconds_ago: float
    wait_seconds: int


class Throttle:
    """Counts failures in a sliding window. `clock` gives seconds, like `loop.time`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[tuple[str, str], deque[float]] = {}

    def wait_seconds(self, *, address: str, account: str) -> int:
        """How long this address, or anybody for this account, has to wait; 0: try now."""
        now = self._clock()
        waits = [
            self._wait(("address", address), TRIES_PER_ADDRESS, now),
            self._wait(("account", account), TRIES_PER_ACCOUNT, now),
        ]
        return max(waits)

    def failed(self, *, address: str, account: str) -> None:
        """Count a failure; call it before the password is verified, so that parallel tries count too."""
        now = self._clock()
        if len(self._failures) > _LARGEST_BOOK:
            self._forget_old(now)
        for key, limit in ((("address", address), TRIES_PER_ADDRESS), (("account", account), TRIES_PER_ACCOUNT)):
            self._failures.setdefault(key, deque(maxlen=limit)).append(now)

    def succeeded(self, *, address: str, account: str) -> None:
        """The last counted try was a good one: both start afresh."""
        self._failures.pop(("address", address), None)
        self._failures.pop(("account", account), None)

    def failures(self) -> list[FailedTries]:
        """The addresses with failures in the window, the latest first."""
        now = self._clock()
        found = []
        for (kind, address), times in self._failures.items():
            tries = sum(now - each < WINDOW_SECONDS for each in times)
            if kind == "address" and tries:
                wait = self._wait((kind, address), TRIES_PER_ADDRESS, now)
                found.append(FailedTries(address, tries, now - times[-1], wait))
        return sorted(found, key=lambda each: each.last_seconds_ago)

    def _wait(self, key: tuple[str, str], limit: int, now: float) -> int:
        times = self._failures.get(key)
        if times is None or len(times) < limit:
            return 0
        left = times[0] + WINDOW_SECONDS - now
        return max(0, int(left) + 1) if left > 0 else 0

    def _forget_old(self, now: float) -> None:
        self._failures = {key: times for key, times in self._failures.items() if times[-1] + WINDOW_SECONDS > now}
