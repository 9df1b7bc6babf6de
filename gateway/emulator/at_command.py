"""A command line taken apart (V.250 clause 5.4, 27.007): basic and extended commands, one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Kind(StrEnum):
    """The four forms."""

    RUN = ""
    READ = "?"
    SET = "="
    TEST = "=?"


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `name` is upper case with its prefix, such as "+CREG", "^DDSETEX", "D", "E"."""

    name: str
    kind: Kind
    argument: str = ""

    @property
    def text(self) -> str:
        """As a host writes it, letters of the name in upper case."""
        return f"AT{self.name}{self.kind}{self.argument}"

    @property
    def values(self) -> list[str]:
        """The comma-separated arguments, without their quotes."""
        parts = re.findall(r'("(?:[^"]*)"|[^,]*)(?:,|$)', self.argument)
        if parts and not self.argument.endswith(","):
            parts = parts[:-1]  # the empty match at the end
        return [part.strip().strip('"') for part in parts]

    def value(self, index: int, default: str = "") -> str:
        """One argument, or `default` where it is missing or empty."""
        values = self.values
        return values[index] if index < len(values) and values[index] else default


@dataclass(frozen=True, slots=True)
class Prompt:
    """The command wants a body: `take` is given it, and its answer is the answer."""

    take: Callable[[str], list[str]]


Answer: TypeAlias = "list[str] | Prompt"


class Refused(Exception):
    """The command ends with something other than OK. `cme` or `cms` is an error number, else plain ERROR."""

    def __init__(self, *, cme: int | None = None, cms: int | None = None, final: str = "ERROR") -> None:
        super().__init__(f"cme={cme} cms={cms} final={final}")
        self.cme = cme
        self.cms = cms
        self.final = final


_EXTENDED = re.compile(r"([+^$*#][A-Z0-9_]+)\s*(=\?|=|\?)?", re.IGNORECASE)


def split_line(line: str) -> list[Command]:
    """The commands of a line that starts with AT; ValueError when it is none."""
    text = line.strip()
    if text[:2].upper() != "AT":
        raise ValueError("The line does not start with AT.")
    out, rest = [], text[2:].strip()
    while rest:
        if rest[0] in ";, ":
            rest = rest[1:]
        elif rest[0] in "+^$*#":
            command, rest = _extended(rest)
            out.append(command)
        elif rest[0] in "Dd":
            number, _, rest = rest[1:].partition(";")
            out.append(Command("D", Kind.RUN, number.strip() + ";"))
        else:
            command, rest = _basic(rest)
            out.append(command)
    return out


def _extended(text: str) -> tuple[Command, str]:
    match = _EXTENDED.match(text)
    if match is None:
        raise ValueError("A prefix without a name.")
    end = match.end()
    quoted = False
    while end < len(text) and (quoted or text[end] != ";"):
        quoted ^= text[end] == '"'
        end += 1
    kind = Kind(match[2] or "")
    return Command(match[1].upper(), kind, text[match.end() : end].strip()), text[end + 1 :]


def _basic(text: str) -> tuple[Command, str]:
    match = re.match(r"(&?[A-Za-z])(\d*)(=\?|\?|=(\d*))?", text)
    if match is None:
        raise ValueError(f"Nothing begins with {text[0]!r}.")
    return Command(match[1].upper(), Kind.RUN, match[2]), text[match.end() :]
