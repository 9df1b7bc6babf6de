"""Tokens of forms that anybody may open: signed, for one site, for a short while, and good once.

Nothing is kept of a token that was issued, only of one that was used, until it would be too old anyway. They do not
outlive a restart: the form is opened again by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable

LIFE_SECONDS = 1800
SOONEST_SECONDS = 1
"""No person fills in a form more quickly."""
_MOST_USED = 10_000


class FormTokens:
    """`clock` gives seconds, like `loop.time`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._used: dict[str, float] = {}

    def issue(self, origin: str) -> str:
        """One for a form that is shown on that site."""
        said = f"{int(self._clock())}.{secrets.token_hex(8)}"
        return f"{said}.{self._sign(said, origin)}"

    def use(self, token: str, origin: str) -> bool:
        """Whether it is good there now; from now on it is not."""
        said, _, signature = token.rpartition(".")
        if not token.isascii() or not hmac.compare_digest(signature, self._sign(said, origin)):
            return False
        now, issued = self._clock(), int(said.partition(".")[0])
        if not SOONEST_SECONDS <= now - issued <= LIFE_SECONDS or said in self._used:
            return False
        if len(self._used) >= _MOST_USED:
            self._used = {each: until for each, until in self._used.items() if until > now}
        if len(self._used) >= _MOST_USED:
            return False
        self._used[said] = issued + LIFE_SECONDS
        return True

    def _sign(self, said: str, origin: str) -> str:
        return hmac.new(self._key, f"{said} {origin}".encode(), hashlib.sha256).hexdigest()
