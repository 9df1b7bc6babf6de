"""The sorts of number that customers call, by who pays and how it looks to them (E3)."""

from __future__ import annotations

from enum import StrEnum


class NumberKind(StrEnum):
    """By the numbering plan, or as the owner says."""

    CITY = "city"
    MOBILE = "mobile"
    TOLL_FREE = "toll-free"
    """The shop pays for the caller, from the answer on."""
    INTERNAL = "internal"
    """For the shop's own people: only the owner can know. Advice for public numbers leaves it out."""
    OTHER = "other"
