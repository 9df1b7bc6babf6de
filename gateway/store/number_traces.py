"""What the store holds of one number: every spelling of it, and the rows where it stands."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

import phonenumbers
from sqlalchemy import ColumnElement, Select, func, literal, or_, select

from gateway.store.schema import calls, legs, messages
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.shop import NumberRules

ERASED = "…"
"""What stands in a text where the number stood."""


class TracedNumber:
    """A number as it may be spelled in rows and texts: international, national, with or without the trunk prefix.

    What is no telephone number (the name that a bank sends SMS under) has one spelling. Raises ValueError for
    less than three characters, which would be found everywhere.
    """

    def __init__(self, text: str, rules: NumberRules) -> None:
        text = text.strip()
        if len(text) < _SHORTEST:
            raise ValueError("A number has at least three characters.")
        self.international = NumberPolicy(rules).normalise(text)
        self._text = self.international or text
        if self.international is None:
            self.spellings = frozenset({text})
            self._digits = ""
            return
        parsed = phonenumbers.parse(self.international)
        self._digits = phonenumbers.national_significant_number(parsed)
        national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
        plain = self.international.removeprefix("+")
        dialled = "".join(character for character in national if character.isdigit())
        self.spellings = frozenset({self.international, plain, "00" + plain, dialled, self._digits})

    def in_column(self, column: ColumnElement[str]) -> ColumnElement[bool]:
        """The column is this number."""
        return column.in_(self.spellings)

    def call_ids(self) -> Select[Any]:
        """The calls that it took part in, by whatever leg, or that were handed over to it."""
        by_leg = select(legs.c.call_id).where(self.in_column(legs.c.peer))
        words = literal(" ") + calls.c.search + " "
        named = (func.instr(words, f" {spelling.casefold()} ") > 0 for spelling in self.spellings)
        return select(calls.c.id).where(or_(calls.c.id.in_(by_leg), *named))

    def message_ids(self) -> Select[Any]:
        """The SMS to it and from it."""
        return select(messages.c.id).where(self.in_column(messages.c.peer))

    def is_in(self, text: str | None) -> bool:
        """The text mentions it."""
        return text is not None and self._pattern.search(text) is not None

    def without(self, text: str) -> str:
        """The text, with a mark where the number stood."""
        return self._pattern.sub(ERASED, text)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Any spelling within a text, with the blanks and signs that people write between the digits."""
        if not self._digits:
            return re.compile(rf"(?<!\w){re.escape(self._text)}(?!\w)", re.IGNORECASE)
        between = r"[ \u00a0().\-]{0,3}"
        plain = (self.international or "").removeprefix("+")
        prefix = plain.removesuffix(self._digits)
        before = rf"(?:(?:\+|00)?{between.join(prefix)}{between}|[08]{between})?" if prefix else ""
        return re.compile(rf"(?<![0-9]){before}\(?{between.join(self._digits)}(?![0-9])")


_SHORTEST = 3
