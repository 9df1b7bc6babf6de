"""What every event is: a frozen fact with a past-tense name."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact."""

    @classmethod
    def type_name(cls) -> str:
        """The wire name: the first word of the class, a dot, the rest with underscores."""
        words: list[str] = re.findall(r"[A-Z][a-z0-9]*", cls.__name__)
        return words[0].lower() + "." + "_".join(words[1:]).lower()
