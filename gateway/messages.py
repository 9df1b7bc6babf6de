"""The catalogue of sentences: every code of ours in English and Russian.

`words.json` is the only place with such sentences. The API answers with them (Accept-Language), the
panel fetches them by the API, the command line prints them.

What a fault says in its own words, with its values, is made in English, where it happens. The section
`sentences` has the other languages of those: `retold` finds the sentence by its shape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypeAlias

from gateway.sentence_shape import SentenceShape

LANGUAGES = ("en", "ru")
"""The first one is spoken when nobody asks for another."""

Words: TypeAlias = Mapping[str, Mapping[str, Mapping[str, str]]]
"""section -> code -> {"title", "advice"?}, in one language."""


def pick_language(accept_language: str) -> str:
    """The best of LANGUAGES for an Accept-Language header (RFC 9110 section 12.5.4), or for a LANG variable."""
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept_language.split(",")[:20]):
        match = re.fullmatch(r"\s*([A-Za-z]{2,3})[-_A-Za-z0-9.@]*\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*", part)
        if match and match[1].lower() in LANGUAGES:
            quality = float(match[2] or 1)
            if quality > 0:
                wishes.append((-quality, place, match[1].lower()))
    return min(wishes)[2] if wishes else LANGUAGES[0]


def language_of(environment: Mapping[str, str]) -> str:
    """What the command line speaks, by the variables for messages (POSIX, base definitions, section 8.2)."""
    wished = (environment.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return pick_language(next(filter(None, wished), ""))


@cache
def words(language: str) -> Words:
    """All titles and advice in one language, for a program that shows them itself: the same object each time."""
    return {
        section: {
            code: {part: entry[part][language] for part in ("title", "advice") if part in entry}
            for code, entry in entries.items()
        }
        for section, entries in _catalogue().items()
        if section != _RETOLD
    }


def retold(text: str, language: str) -> str:
    """A text that was made in English, in another language; each line for itself.

    What the catalogue does not know stays as it is: the words of the system, names, an English sentence.
    The name of a file and a line before a sentence (`shop.toml:12: ...`) stay too, and so does what is so long that
    most of it is somebody's own text: a request must not keep the voices' loop busy.
    """
    lines = text.split("\n")
    if language == LANGUAGES[0] or len(lines) > _MOST_LINES or len(text) > _LONGEST_TEXT:
        return text
    return "\n".join(_retold_line(line, language) for line in lines)


def error_title(code: str, language: str) -> str:
    """What went wrong, in one sentence without values; an unknown code reads as itself."""
    return _text("errors", code, "title", language) or code


def error_advice(code: str, language: str) -> str | None:
    """What to do about it, where there is something to do."""
    return _text("errors", code, "advice", language)


def error_detail(code: str, language: str, values: Mapping[str, object]) -> str | None:
    """The sentence that holds the values; None when the catalogue has none, or a value is missing."""
    template = _text("errors", code, "detail", language)
    if template is None:
        return None
    names = set(re.findall(r"\{(\w+)\}", template))
    if not names <= values.keys():
        return None
    return _filled(template, _with_words(values, language))


def finding_text(code: str, language: str, values: Mapping[str, object]) -> tuple[str, str | None]:
    """A finding of the doctor: what is so, and what to do about it."""
    values = _with_words(values, language)
    title = _text("doctor", code, "title", language) or code
    advice = _text("doctor", code, "advice", language)
    return _filled(title, values), None if advice is None else _filled(advice, values)


def step_text(code: str, language: str, values: Mapping[str, object]) -> str:
    """A step of the route test, in one sentence; codes among the values are said in words."""
    said = {
        f"{name}_title": _text(section, str(values[name]), "title", language) or str(values[name])
        for name, section in _SECTION_OF_VALUE.items()
        if name in values
    }
    return _filled(_text("route", code, "title", language) or code, {**values, **said})


_WORDS_OF_OURS = ("detail", "problem", "reason")
"""Values with these names are sentences or parts of such; all others are names and numbers."""


def _with_words(values: Mapping[str, object], language: str) -> dict[str, object]:
    return {
        name: retold(value, language) if name in _WORDS_OF_OURS and isinstance(value, str) else value
        for name, value in values.items()
    }


_SECTION_OF_VALUE = {"cause": "causes", "error": "errors", "reason": "barred", "state": "line_states"}


def _filled(template: str, values: Mapping[str, object]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: str(values[match[1]]), template)


_RETOLD = "sentences"
_PLACE = re.compile(r"([^\s:]+:)(\d+:)? (.+)")
_LONGEST_LINE = 1_000
_LONGEST_TEXT = 20_000
_MOST_LINES = 200
_DEEPEST = 4
"""A value may be a sentence, which has values."""


def _retold_line(line: str, language: str, depth: int = 0) -> str:
    if depth > _DEEPEST or len(line) > _LONGEST_LINE:
        return line
    placed = _PLACE.fullmatch(line)
    if placed and placed[2]:
        return f"{placed[1]}{placed[2]} {_retold_line(placed[3], language, depth + 1)}"
    for shape, code in _shapes():
        if (found := shape.values_of(line)) is not None:
            values = {name: _retold_line(value, language, depth + 1) for name, value in found.items()}
            return _filled(_text(_RETOLD, code, "title", language) or line, values)
    return f"{placed[1]} {_retold_line(placed[3], language, depth + 1)}" if placed else line


@cache
def _shapes() -> tuple[tuple[SentenceShape, str], ...]:
    """The shape of every sentence in English, and its code; the one with most words of its own is tried first."""
    shapes = [(SentenceShape(entry["title"][LANGUAGES[0]]), code) for code, entry in _catalogue()[_RETOLD].items()]
    return tuple(sorted(shapes, key=lambda each: -each[0].own_letters))


@cache
def _catalogue() -> dict[str, dict[str, dict[str, dict[str, str]]]]:
    text = Path(__file__).with_name("words.json").read_text(encoding="utf-8")
    catalogue: dict[str, dict[str, dict[str, dict[str, str]]]] = json.loads(text)
    return catalogue


def _text(section: str, code: str, part: str, language: str) -> str | None:
    return _catalogue()[section].get(code, {}).get(part, {}).get(language)
