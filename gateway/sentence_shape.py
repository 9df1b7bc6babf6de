"""A sentence with values in it, as `"{key}" of {table}`, looked for in a text: found or not, in one pass.

Regular expressions take minutes for some texts of two thousand characters here, which anybody may send: each value may
end at several places, and they try all of them. That is not needed: if a sentence fits at all, it fits with every value
as short as it can be, and the last one takes what is left.
"""

from __future__ import annotations

import re

_NAMES = re.compile(r"\{(\w+)\}")


class SentenceShape:
    """`sentence` has each of its values as a name in braces, each name once."""

    def __init__(self, sentence: str) -> None:
        pieces = _NAMES.split(sentence)
        self._names = pieces[1::2]
        self._first, *self._others = pieces[0::2]
        self.own_letters = sum(map(len, pieces[0::2]))
        """How many of its letters are no value's."""

    def values_of(self, text: str) -> dict[str, str] | None:
        """The values that make the whole text of this sentence, none of them empty; None: it is another one."""
        if not self._others:
            return {} if text == self._first else None
        *between, last = self._others
        start, end = len(self._first), len(text) - len(last)
        if not (text.startswith(self._first) and text.endswith(last)):
            return None
        values = []
        for piece in between:
            found = text.find(piece, start + 1, end)
            if found < 0:
                return None
            values.append(text[start:found])
            start = found + len(piece)
        return dict(zip(self._names, [*values, text[start:end]], strict=True)) if start < end else None
