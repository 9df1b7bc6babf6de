"""The one-time code for the first sign-in: a file that only we can read, as long as there is no owner (T-W8)."""

from __future__ import annotations

import hmac
import os
from pathlib import Path

from gateway.store.passwords import new_code


class SetupCode:
    """The code in its file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def make(self) -> None:
        """Write a code that nobody knows yet; what was there before is replaced."""
        self._file.unlink(missing_ok=True)
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_code() + "\n")

    def end(self) -> None:
        """Let it be of no use any more."""
        self._file.unlink(missing_ok=True)

    def text(self) -> str | None:
        """The code, for the owner's console; None: there is none."""
        try:
            return self._file.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None

    def is_right(self, code: str) -> bool:
        """Whether `code` is this one, also as people type it; told after the same time for any wrong one."""
        known = self.text()
        return known is not None and hmac.compare_digest(_plain(code), _plain(known))


def _plain(code: str) -> bytes:
    """As typed, without what people get wrong."""
    return code.upper().replace("-", "").replace(" ", "").encode()
