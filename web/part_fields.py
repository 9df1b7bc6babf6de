"""How the panel asks about the parts of a shop: fields, what a form tells by them, and what a part shows in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from web.told import spans, whole

Choices = tuple[tuple[str, str], ...]


class Kind(StrEnum):
    """How a field is asked for."""

    TEXT = "text"
    COUNT = "count"
    LIST = "list"
    SWITCH = "switch"
    CHOICE = "choice"
    SECRET = "secret"  # noqa: S105  # how it is asked for
    HOURS = "hours"
    """Of a day: 9-13, 14-18."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a part. `extra`: shown only when somebody looks for it."""

    name: str
    """`schedule.monday` is a value of the table `schedule` within the part."""
    label: str
    kind: Kind = Kind.TEXT
    help: str = ""
    choices: Choices = ()
    extra: bool = False
    required: bool = False

    def told(self, form: Mapping[str, str]) -> object:
        """The value that a form tells; None: none."""
        text = form.get(self.name, "").strip()
        match self.kind:
            case Kind.SWITCH:
                return self.name in form
            case Kind.LIST:
                return text.replace(",", " ").split()
            case Kind.HOURS:
                return spans(text)
            case Kind.COUNT:
                return whole(text)
            case _:
                return text or None


@dataclass(frozen=True, slots=True)
class PartForm:
    """All that is asked about one kind of part."""

    kind: str
    key: str
    title: str
    new: str
    key_label: str
    key_help: str
    key_pattern: str
    fields: tuple[Field, ...]
    lead: str
    shown: tuple[str, ...]
    """What the list shows beside the key."""

    def told(self, form: Mapping[str, str]) -> dict[str, Any]:
        """What a form tells of the part. A secret that is left empty stays as it is."""
        found: dict[str, Any] = {}
        for each in self.fields:
            value = each.told(form)
            table, dot, name = each.name.rpartition(".")
            if dot:
                found.setdefault(table, {})[name] = value
            elif value is not None or each.kind is not Kind.SECRET:
                found[each.name] = value
        return found

    @staticmethod
    def shown_values(part: Mapping[str, Any]) -> dict[str, Any]:
        """A part by the names of its fields."""
        found = dict(part)
        for table, values in part.items():
            if isinstance(values, dict):
                found |= {f"{table}.{name}": value for name, value in values.items()}
        return found
