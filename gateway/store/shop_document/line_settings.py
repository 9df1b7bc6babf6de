"""The rules of one line: shown as a table, and changed by some of its values, under all checks of the whole shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.store.shop_document.shop_file import plain, read_shop, write_shop
from gateway.telephony.shop import LINE_RULES, LineSettings, Shop
from gateway.toml_document import TomlDocument


def rules_of(line: LineSettings) -> dict[str, Any]:
    """By the names of shop.toml; what is not set is None."""
    return {name: plain(getattr(line, name)) for name in LINE_RULES}


def with_rules(shop: Shop, name: str, changes: Mapping[str, object]) -> Shop:
    """The shop with other values of that line; None or an empty text: as if the value were not written there.

    `changes` has names of LINE_RULES only. Raises SettingsError that names what is wrong.
    """
    line = shop.line(name)
    if line is None:
        raise LookupError(name)
    table = plain(line) | dict(changes)
    document = TomlDocument("", f"line {name}")
    changed = document.read(LineSettings, {key: value for key, value in table.items() if value not in (None, "")}, ())
    document.finish()
    lines = tuple(changed if each is line else each for each in shop.lines)
    return read_shop(write_shop(replace(shop, lines=lines)), shop)
