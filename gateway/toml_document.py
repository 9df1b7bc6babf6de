"""TOML files for people: read into frozen dataclasses, every error collected, with its line and the right spelling.

The parser gives no positions for keys, so the line of an error comes from a second scan of the
source by table and key. Errors are gathered until `finish()`, which raises them all at once.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import tomli

from gateway.errors import SettingsError

Place: TypeAlias = tuple[str | int, ...]
"""Where in the document: ("modems", 0, "at")."""

Found = TypeVar("Found")


class TomlDocument:
    """One file, its parsed content, and what is wrong with it."""

    def __init__(self, text: str, name: str, *, passes_unknown_keys: bool = False) -> None:
        """`name` is how errors call the file. Raises SettingsError when the text is no TOML at all."""
        self.name = name
        self._passes_unknown_keys = passes_unknown_keys
        self._problems: list[tuple[int, str]] = []
        self._found: list[tuple[Place, Any]] = []
        try:
            self.content: dict[str, Any] = tomli.loads(text)
        except tomli.TOMLDecodeError as error:
            line = text.count("\n", 0, error.pos) + 1
            raise SettingsError(f"{name}:{line}: {error.msg}.", file=name, line=line) from error
        self._lines = key_lines(text)

    @classmethod
    def of_file(cls, path: Path, name: str | None = None) -> TomlDocument:
        """The document in a file; SettingsError when it cannot be read."""
        shown = name or str(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise SettingsError(f"{shown}:1: The file is not UTF-8 text.", file=shown) from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise SettingsError(f"{shown}: The file cannot be read: {reason}.", file=shown) from error
        return cls(text, shown)

    def problem(self, place: Place, sentence: str) -> None:
        """Note an error at a place; the nearest enclosing key or table gives the line."""
        self._problems.append((self.line_of(place), sentence))

    def line_of(self, place: Place) -> int:
        """The line of a key, or of what holds it; 1 when nothing does."""
        for length in range(len(place), 0, -1):
            if place[:length] in self._lines:
                return self._lines[place[:length]]
        return 1

    def finish(self) -> None:
        """Raise SettingsError with one line per error, if there are any."""
        if self._problems:
            ordered = sorted(dict.fromkeys(self._problems))
            message = "\n".join(f"{self.name}:{line}: {sentence}" for line, sentence in ordered)
            raise SettingsError(message, file=self.name, lines=tuple(line for line, _ in ordered))

    def read(self, kind: type[Any], table: object, place: Place) -> Any:
        """A `kind` (a dataclass) from a table; None, with the errors noted, when a required value is missing or wrong.

        A wrong value of an optional key is noted, and its default is used so that reading can go on.
        """
        if not isinstance(table, dict):
            headed = f", headed {_table_name(place)}" if place and isinstance(place[-1], int) else ""
            self.problem(place, f"{quoted(place)} must be a table{headed}, not {_kind_of(table)}.")
            return None
        known: dict[str, Field[Any]] = {field.name: field for field in fields(kind) if field.init}
        misspelt = self._note_unknown(table, list(known), place)
        hints = _hints_of(kind)  # type: ignore[arg-type]  # mypy takes the hash of an instance for that of the class
        values: dict[str, Any] = {}
        complete = True
        for name, field in known.items():
            required = field.default is MISSING and field.default_factory is MISSING
            if name in table:
                found = self._value(hints[name], table[name], (*place, name))
                if found is not _WRONG:
                    values[name] = found
                    continue
            elif required and name not in misspelt:
                self.problem(place, f'{_table_name(place)} needs "{name}".')
            complete = complete and not required
        if not complete:
            return None
        found = kind(**values)
        self._found.append((place, found))
        return found

    def found(self, kind: type[Found]) -> list[tuple[Place, Found]]:
        """Every `kind` read so far with its place, in the order of the file: for what types cannot say."""
        return [(place, each) for place, each in self._found if isinstance(each, kind)]

    def _note_unknown(self, table: dict[str, Any], known: list[str], place: Place) -> set[str]:
        """Note the keys that do not exist; returns those that were meant."""
        meant: set[str] = set()
        for key in () if self._passes_unknown_keys else table:
            if key not in known:
                near = get_close_matches(key.lower(), known, n=1)
                meant.update(near)
                hint = f'did you mean "{near[0]}"?' if near else f"it has: {', '.join(known)}."
                self.problem(
                    (*place, key), f'"{key}" is not a setting of {_table_name(place) if place else "this file"}; {hint}'
                )
        return meant

    def _value(self, hint: Any, value: object, place: Place) -> Any:
        """`value` as the type `hint` says, or _WRONG with the error noted."""
        origin = get_origin(hint)
        if origin in (Union, UnionType):
            (hint,) = (each for each in get_args(hint) if each is not NoneType)
            return self._value(hint, value, place)
        if origin is tuple:
            return self._tuple(get_args(hint), value, place)
        if is_dataclass(hint):
            found = self.read(hint, value, place)  # type: ignore[arg-type]  # is_dataclass() narrows to an instance too
            return _WRONG if found is None else found
        if issubclass(hint, StrEnum):
            return self._choice(hint, value, place)
        expected = str if hint is Path else hint
        if type(value) is not expected:
            self.problem(place, f"{quoted(place)} must be {_KINDS[expected]}, not {_kind_of(value)}.")
            return _WRONG
        return hint(value)

    def _choice(self, kind: type[StrEnum], value: object, place: Place) -> Any:
        words = tuple(str(each) for each in kind)
        if value in words:
            return kind(value)
        self.problem(place, wrong_word(place, value, words))
        return _WRONG

    def _tuple(self, kinds: tuple[Any, ...], value: object, place: Place) -> Any:
        if not isinstance(value, list):
            self.problem(place, f"{quoted(place)} must be a list, not {_kind_of(value)}.")
            return _WRONG
        if kinds[-1] is Ellipsis:
            read = [self._value(kinds[0], each, (*place, index)) for index, each in enumerate(value)]
            if _WRONG in read and not is_dataclass(kinds[0]):
                return _WRONG
            return tuple(each for each in read if each is not _WRONG)
        if len(value) != len(kinds):
            self.problem(place, f"{quoted(place)} must be a list of {len(kinds)} values, not of {len(value)}.")
            return _WRONG
        read = [
            self._value(kind, each, (*place, index))
            for index, (kind, each) in enumerate(zip(kinds, value, strict=True))
        ]
        return _WRONG if _WRONG in read else tuple(read)


@cache
def _hints_of(kind: type[Any]) -> dict[str, Any]:
    """The types of a dataclass's fields: worked out from text each time, they would cost half of the reading."""
    return get_type_hints(kind)


_WRONG: Any = object()
_KINDS: dict[type, str] = {str: "text in quotes", int: "a whole number", bool: "true or false"}


def wrong_word(place: Place, value: object, words: tuple[str, ...]) -> str:
    """The sentence for a value that is none of the words it may be."""
    near = get_close_matches(value.lower(), words, n=1) if isinstance(value, str) else []
    hint = f' Did you mean "{near[0]}"?' if near else ""
    shown = f'"{value}"' if isinstance(value, str) and len(value) <= 40 else _kind_of(value)
    return f"{quoted(place)} must be one of {', '.join(words)}, not {shown}.{hint}"


def quoted(place: Place) -> str:
    """The key of a place with the table it is in: `"port" of [sip]`."""
    names = [part for part in place if isinstance(part, str)]
    if len(names) < 2:
        return f'"{names[0]}"' if names else "The file"
    table = place[: len(place) - 1 - place[::-1].index(names[-1])]
    return f'"{names[-1]}" of {_table_name(table)}'


def _table_name(place: Place) -> str:
    names = ".".join(part for part in place if isinstance(part, str))
    if not names:
        return "This file"
    return f"[[{names}]]" if isinstance(place[-1], int) else f"[{names}]"


def _kind_of(value: object) -> str:
    """A value's kind in words: never the value itself, which may be a secret."""
    return _WORDS.get(type(value), "a date or time")


_WORDS: dict[type, str] = {
    bool: "true or false",
    str: "text",
    int: "a number",
    float: "a number with a decimal point",
    list: "a list",
    dict: "a table",
}


_KEY_PART = re.compile(r'\s*(?:"((?:\\.|[^"\\])*)"|\'([^\']*)\'|([A-Za-z0-9_\-\u0080-\U0010ffff]+))\s*')
_BLANK = re.compile(r"(?:\s+|#[^\n]*)+")
_VALUE_PIECE = re.compile(
    r'"""(?:\\.|[^\\])*?"""+|\'\'\'.*?\'\'\'+|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[^"\'#\[\]{}\n]+|.', re.DOTALL
)


def key_lines(text: str) -> dict[Place, int]:
    """The first line of every table and key of a valid TOML text; arrays of tables count from 0."""
    lines: dict[Place, int] = {}
    counts: dict[Place, int] = {}
    table: Place = ()
    position = 0

    def note(place: Place, at: int) -> None:
        line = text.count("\n", 0, at) + 1
        for length in range(1, len(place) + 1):
            lines.setdefault(place[:length], line)

    def keys(at: int) -> tuple[list[str], int]:
        names: list[str] = []
        while match := _KEY_PART.match(text, at):
            names.append(match[2] or match[3] or _unescaped(match[1] or ""))
            at = match.end()
            if text[at : at + 1] != ".":
                break
            at += 1
        return names, at

    def resolved(names: list[str]) -> Place:
        place: Place = ()
        for name in names:
            place = (*place, name)
            if place in counts:
                place = (*place, counts[place])
        return place

    while True:
        blank = _BLANK.match(text, position)
        position = blank.end() if blank else position
        if position >= len(text):
            return lines
        start = position
        brackets = 2 if text.startswith("[[", position) else 1 if text[position] == "[" else 0
        names, position = keys(position + brackets)
        if brackets == 2:
            plain = (*resolved(names[:-1]), names[-1])
            counts[plain] = counts.get(plain, -1) + 1
        if brackets:
            table = resolved(names)
            note(table, start)
            position += brackets
            continue
        note((*table, *names), start)
        position = _end_of_value(text, position + 1)


def _unescaped(key: str) -> str:
    """What stands between double quotes as the parser reads it."""
    return str(tomli.loads(f'key = "{key}"')["key"]) if "\\" in key else key


def _end_of_value(text: str, position: int) -> int:
    """Behind the value that begins at `position`: the end of its line, outside strings and brackets."""
    depth = 0
    while piece := _VALUE_PIECE.match(text, position):
        if piece[0] == "\n" and depth == 0:
            break
        depth += (piece[0] in "[{") - (piece[0] in "]}")
        position = piece.end()
    return position
