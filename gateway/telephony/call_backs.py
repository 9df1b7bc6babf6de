"""Which couriers are being called back, and how often that was asked for by nothing but a caller's number."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

MOST_PER_HOUR = 5
"""A caller's number can be forged: nobody shall make a mobile ring all night by it (T-F8)."""
_HOUR_SECONDS = 3600.0


class CallBacks:
    """One at a time for each extension."""

    def __init__(self) -> None:
        self._under_way: set[str] = set()
        self._asked: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=MOST_PER_HOUR))

    def is_under_way(self, extension: str) -> bool:
        """That courier is being called back, or talks after it."""
        return extension in self._under_way

    def may_ring_again(self, extension: str, now: float) -> bool:
        """Count a wish that only a number stands for, at the loop's time `now`; False: too many in an hour."""
        asked = self._asked[extension]
        if len(asked) == MOST_PER_HOUR and now - asked[0] < _HOUR_SECONDS:
            return False
        asked.append(now)
        return True

    def begin(self, extension: str) -> None:
        """From now on it is under way; `until_done` ends that."""
        self._under_way.add(extension)

    @contextmanager
    def until_done(self, extension: str) -> Iterator[None]:
        """Under way within the block."""
        try:
            yield
        finally:
            self._under_way.discard(extension)
