"""What breaks in the field, over and over: a short form in every run, the full count by `make soak`."""

from __future__ import annotations

import os

SOAKS = os.environ.get("SIMBRIDGE_SOAK") == "1"


def rounds(short: int, full: int) -> int:
    """How often a fault is made in this run."""
    return full if SOAKS else short
