"""Keys that sort by the time of their making."""

from __future__ import annotations

import secrets
import threading
import time
import uuid

_RANDOM_BITS = 74
_STEP_BITS = 32


class Keys:
    """UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then 74 random bits. Any thread may ask.

    Within a millisecond each key follows the one before by a random step (section 6.2, method 2).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds = 0
        self._tail = 0

    def next(self, milliseconds: int) -> uuid.UUID:
        """The key for what is made then."""
        with self._lock:
            # One behind: the steps of a millisecond have led into the next one.
            if milliseconds not in (self._milliseconds, self._milliseconds - 1):
                self._milliseconds, self._tail = milliseconds, secrets.randbits(_RANDOM_BITS)
            else:
                self._tail += 1 + secrets.randbits(_STEP_BITS)
                if self._tail >> _RANDOM_BITS:
                    self._milliseconds, self._tail = self._milliseconds + 1, secrets.randbits(_RANDOM_BITS)
            time_bits, high, low = self._milliseconds & (1 << 48) - 1, self._tail >> 62, self._tail & (1 << 62) - 1
        return uuid.UUID(int=time_bits << 80 | 0x7 << 76 | high << 64 | 0x2 << 62 | low)


_keys = Keys()


def new_id() -> str:
    """A key that nobody has, in its text form."""
    return str(_keys.next(time.time_ns() // 1_000_000))
