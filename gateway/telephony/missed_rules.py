"""What the owner says of missed customers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedRules:
    """When somebody is told of a customer whom nobody has called back."""

    alert_minutes: int = 15
    """After so many minutes in which the shop was open; 0: never."""
    listed_days: int = 30
    """So long a customer stays listed whom nobody calls back."""
