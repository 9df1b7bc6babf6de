"""Sentences are found by their shape in one pass: anybody may send a text that is made to be looked at for long."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.messages import retold
from gateway.sentence_shape import SentenceShape

SENTENCES = [
    entry["title"]["en"]
    for entry in json.loads(Path("gateway/words.json").read_text(encoding="utf-8"))["sentences"].values()
]


@pytest.mark.parametrize(
    ("sentence", "text", "values"),
    [
        ("Done.", "Done.", {}),
        ("Done.", "Done", None),
        ("{place} is gone.", "/a/b is gone.", {"place": "/a/b"}),
        ("{place} is gone.", " is gone.", None),
        ("{place} is gone.", "/a is gone. It is gone.", {"place": "/a is gone. It"}),
        ('"{key}" of {table}', '"a" of b of c', {"key": "a", "table": "b of c"}),
        ('"{key}" of {table}', '"" of b', None),
        ('"{key}" of {table}', '"a" of ', None),
        ("{a}: {b}: {c}", "x: y: z: w", {"a": "x", "b": "y", "c": "z: w"}),
        ("{a}, {b} and {c}.", "p, q and r.", {"a": "p", "b": "q", "c": "r"}),
        ("{a} and {b}.", "p, q or r.", None),
    ],
)
def test_each_value_is_as_short_as_it_can_be(sentence: str, text: str, values: dict[str, str] | None) -> None:
    assert SentenceShape(sentence).values_of(text) == values


@given(
    sentence=st.sampled_from(["{a}b{c}", "a{b}a{c}a", "{a}ab{c}b{d}", "ab{c}", "{a}b", "{a}{b}"]),
    text=st.text("ab", max_size=12),
)
def test_it_finds_what_a_regular_expression_finds(sentence: str, text: str) -> None:
    pieces = re.split(r"\{(\w+)\}", sentence)
    pattern = "".join(f"(?P<{each}>.+?)" if place % 2 else re.escape(each) for place, each in enumerate(pieces))
    found = re.fullmatch(pattern, text)
    assert SentenceShape(sentence).values_of(text) == (found and found.groupdict())


def test_no_text_is_looked_at_long() -> None:
    """A regular expression needs a minute for one of these at a tenth of the length, and this test a time-out."""
    for sentence in SENTENCES:
        first, *others = re.split(r"\{\w+\}", sentence)
        repeated = "".join(f"x{each}" for each in others[:-1]) or "x"
        text = first + repeated * (20_000 // len(repeated)) + "~"
        assert SentenceShape(sentence).values_of(text) is None or others[-1] == ""


@pytest.mark.parametrize("text", ["Line 7: " * 200, "Line 7: x\n" * 300, "x" * 30_000])
def test_what_is_mostly_somebodys_own_text_stays_as_it_is(text: str) -> None:
    assert retold(text, "ru") == text
