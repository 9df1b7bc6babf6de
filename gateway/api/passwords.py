"""Which passwords are refused: short ones, common ones, and those that a list of rules would find first.

NIST SP 800-63B section 5.1.1.2: length, and a check against what is commonly used; no rules about
kinds of characters.
"""

from __future__ import annotations

import re
from pathlib import Path

from gateway.api.problems import WeakPassword

SHORTEST = 10
LONGEST = 256
_FEWEST_DIFFERENT = 5
_SHORTEST_OF_DIGITS = 14
"""Shorter ones without a letter are dates and phone numbers."""

_COMMON_WORDS = frozenset(Path(__file__).with_name("common_words.txt").read_text(encoding="utf-8").split())

_ROWS = (
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "йцукенгшщзхъфывапролджэячсмитьбю",
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn",
    "qazwsxedcrfvtgbyhnujm",
)

_LEET = str.maketrans("013457@$!", "oieastasi")


def check_password(password: str, *, name: str) -> None:
    """Raises WeakPassword when somebody who knows `name` and what is common would find it early."""
    if not SHORTEST <= len(password) <= LONGEST or _is_common(password.casefold(), name.casefold()):
        raise WeakPassword("This password is too easy to guess.")


def _is_common(password: str, name: str) -> bool:
    if len(set(password)) < _FEWEST_DIFFERENT or _is_repetition(password) or _is_walk(password):
        return True
    known = _COMMON_WORDS | ({name} if len(name) >= 3 else set())
    # What is left without the digits and signs that people put around, between and in place of letters.
    inner = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password)
    cores = {re.sub(r"[\W\d_]+", "", inner), inner.translate(_LEET)}
    if not inner:
        return len(password) < _SHORTEST_OF_DIGITS
    return any(core == word * times for core in cores for word in known for times in (1, 2, 3))


def _is_repetition(password: str) -> bool:
    return any(
        password == (password[:length] * len(password))[: len(password)] for length in range(1, len(password) // 2 + 1)
    )


def _is_walk(password: str) -> bool:
    """The whole of it lies on one row of a keyboard or alphabet, in either direction, but for a few signs."""
    core = re.sub(r"[\W_]+", "", password)
    return any(core in row or core in row[::-1] for row in _ROWS)
