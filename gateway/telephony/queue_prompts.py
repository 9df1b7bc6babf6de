"""What a waiting caller is told, as prompts one after the other: "you are number", "three"; "about", "two minutes"."""

from __future__ import annotations

from math import ceil

LAST_PLACE = 20
"""Whoever stands further back is told no place."""
SAID_MINUTES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30)
"""Above ten by fives: nobody knows it better."""


def place_prompts(place: int) -> tuple[str, ...]:
    """The keys that say a place, from 1 on; none for one that is too far back."""
    return ("your-place", f"place-{place}") if 1 <= place <= LAST_PLACE else ()


def wait_prompts(seconds: float | None) -> tuple[str, ...]:
    """The keys that say about how many minutes it takes, rounded up; none where that is not known or very long."""
    if seconds is None:
        return ()
    minutes = max(1, ceil(seconds / 60))
    said = next((each for each in SAID_MINUTES if each >= minutes), None)
    return () if said is None else ("about-wait", f"wait-{said}")
