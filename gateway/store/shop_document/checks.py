"""What the checks of a shop have in common: each notes a breach at its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from gateway.telephony.numbers import Dialable, NumberPolicy
from gateway.toml_document import Place, TomlDocument, quoted


def check_bounds(document: TomlDocument, place: Place, rules: object, bounds: Mapping[str, tuple[int, int]]) -> None:
    """Of each key of a table the least and the most."""
    for key, (least, most) in bounds.items():
        check_within(document, (*place, key), getattr(rules, key), least, most)


def check_within(document: TomlDocument, place: Place, value: int, least: int, most: int) -> None:
    """The least and the most are allowed, too."""
    if not least <= value <= most:
        document.problem(place, f"{quoted(place)} must be from {least} to {most}, not {value}.")


def check_form(
    document: TomlDocument,
    place: Place,
    value: str | None,
    form: re.Pattern[str],
    words: str,
    *,
    is_secret: bool = False,
) -> None:
    """`words` say what it must be; what is secret is not shown."""
    if value is not None and not form.fullmatch(value):
        document.problem(place, f"{quoted(place)} must be {words}" + ("." if is_secret else f', not "{value}".'))


def check_filled(document: TomlDocument, place: Place, value: str) -> None:
    """More than blanks."""
    if not value.strip():
        document.problem(place, f"{quoted(place)} must not be empty.")


def check_number(document: TomlDocument, place: Place, number: str | None, policy: NumberPolicy | None) -> None:
    """A telephone number, as far as the countries are known that it may be of."""
    if number is not None and policy is not None and policy.normalise(number) is None:
        document.problem(place, f'{quoted(place)} must be a phone number like "+79160000001", not "{number}".')


def check_phones(document: TomlDocument, place: Place, extensions: Iterable[str], phones: set[str]) -> None:
    """`phones` are the extensions of the shop's phones."""
    for extension in extensions:
        if extension not in phones:
            document.problem(place, f'"{extension}" in {quoted(place)} is not the extension of a phone.')


def may_be_called(policy: NumberPolicy, number: str) -> bool:
    """A person must call an emergency number: nothing else leads there."""
    verdict = policy.check(number)
    return isinstance(verdict, Dialable) and not verdict.emergency


def note_unknown(document: TomlDocument, place: Place, name: str, known: set[str], words: str) -> None:
    """A name that is none of those it may be; `words` say what it is not."""
    near = get_close_matches(name, sorted(known), n=1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    document.problem(place, f'"{name}" in {quoted(place)} {words}.{hint}')


def note_twice(document: TomlDocument, values: Iterable[tuple[Place, str, str | None]]) -> None:
    """Note every value that an earlier place of the file has already."""
    first: dict[tuple[str, str], int] = {}
    for place, key, value in values:
        if value is None:
            continue
        line = document.line_of((*place, key))
        if (key, value) in first:
            document.problem((*place, key), f'The {key} "{value}" is taken already, in line {first[key, value]}.')
        first.setdefault((key, value), line)


def names_in(document: TomlDocument, table: str, key: str) -> set[str]:
    """The names as the file has them, also of tables that are wrong elsewhere: one error, not two."""
    tables = document.content.get(table)
    found = (each.get(key) for each in tables if isinstance(each, dict)) if isinstance(tables, list) else ()
    return {name for name in found if isinstance(name, str)}
