"""Pages of long lists, and what a person types into a search."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, func, or_

Place: TypeAlias = Callable[[ColumnElement[Any], str], ColumnElement[Any]]
_NUMBER_SIGNS = str.maketrans("", "", " \u00a0-.()+")
_LEAST_DIGITS = 4
"""Fewer digits with signs between them are no part of a number."""


def write_cursor(key: str, rest: str) -> str:
    """Where a page ends, by the two texts that its list is sorted by; there is no `|` in `key`."""
    return base64.urlsafe_b64encode(f"{key}|{rest}".encode()).decode("ascii")


def read_cursor(cursor: str) -> tuple[str, str]:
    """The two texts of `write_cursor`. Raises ValueError for anything else."""
    try:
        key, separator, rest = base64.urlsafe_b64decode(cursor.encode("ascii")).decode("utf-8").partition("|")
    except (ValueError, binascii.Error) as error:
        raise ValueError("not a cursor") from error
    if not separator:
        raise ValueError("not a cursor")
    return key, rest


def holds(column: ColumnElement[Any], text: str, *, place: Place = func.instr) -> ColumnElement[bool]:
    """The searched text is in the column; a number may be typed with blanks and signs, or with 8 in place of +7.

    `place` is the database's function for where a text is in another one.
    """
    needle = text.strip().casefold()
    spellings = {needle}
    digits = needle.translate(_NUMBER_SIGNS)
    if digits.isdigit() and (digits == needle or len(digits) >= _LEAST_DIGITS):
        spellings.add(digits)
        if digits.startswith("8") and len(digits) == 11:
            spellings.add(digits[1:])
    return or_(*(place(column, each) > 0 for each in sorted(spellings)))
