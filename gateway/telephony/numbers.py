"""Which numbers may be dialled, and in which one form (threats T-F1, T-F4, T-F12)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialable:
    """A number the policy has passed: `+` and 6 to 15 digits, or a short emergency number.

    Only NumberPolicy makes one, and only a Dialable can reach a modem's dial command.
    """

    digits: str
