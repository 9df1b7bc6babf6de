"""A period beside the one before it, as the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIGURES = (
    ("total", "incoming"), ("total", "answered"), ("total", "missed"), ("total", "missed_share"),
    ("total", "answered_within"), ("total", "service_level"), ("total", "seconds_to_answer"),
    ("waits", "median_seconds"), ("waits", "p90_seconds"), ("returns", "customers"), ("returns", "returned"),
    ("returns", "median_seconds"), ("total", "outgoing"), ("total", "reached"), ("total", "answer_seizure_ratio"),
    ("total", "talk_seconds"), ("total", "average_talk_seconds"), ("total", "cost"),
)  # fmt: skip
"""Part and name in the schema `Statistics`."""
_OWN_WORDS = {
    ("waits", "median_seconds"): "wait_median",
    ("waits", "p90_seconds"): "wait_p90",
    ("returns", "median_seconds"): "return_median",
}


def word_of(part: str, name: str) -> str:
    """By which the words' section `statistics` calls a figure."""
    return _OWN_WORDS.get((part, name), name)


def compared(found: Mapping[str, Any], words: Mapping[str, Mapping[str, str]]) -> list[list[object]]:
    """Each figure of `found` (schema `Statistics`): its title, now, before, and how much more it is now."""
    return [
        [words[word_of(part, name)]["title"], now, before, None if None in (now, before) else now - before]
        for part, name in FIGURES
        for now, before in [(found[part][name], found["before"][part][name])]
    ]
