"""Parts of the shop by themselves, under all checks of the whole, of the kinds in shop_kinds.py; and the heading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gateway.store.shop_document.shop_file import (
    MASK,
    SECRETS,
    new_password,
    plain,
    read_shop,
    said_elsewhere,
    write_shop,
)
from gateway.telephony.shop import Shop, TrunkSettings
from gateway.telephony.shop_kinds import KEY_OF, SETTINGS_OF, changeable
from gateway.toml_document import TomlDocument

_HEADING = ("name", "language", "time_zone", "currency")


def parts_of(shop: Shop, kind: str) -> list[dict[str, Any]]:
    """The parts of a kind, by the names of shop.toml; what is not set is None, a secret that is set is masked."""
    found = []
    for part in getattr(shop, kind):
        table = {name: plain(getattr(part, name)) for name in (KEY_OF[kind], *sorted(changeable(kind)))}
        found.append(table | {name: MASK for name in SECRETS.get(kind, ()) if table[name] is not None})
    return found


def with_part(shop: Shop, kind: str, key: str, changes: Mapping[str, object]) -> Shop:
    """The shop with other values of that part, or with a new one; None or an empty text: as if it were not written.

    Of a table within it, such as the hours of a branch, what is not named stays.
    A masked secret stays as it is, but a provider's password for that host alone; a phone whose password is taken
    away, or that is new, gets one that nobody knows. Raises SettingsError that names what is wrong.
    """
    parts = list(getattr(shop, kind))
    place = next((index for index, part in enumerate(parts) if getattr(part, KEY_OF[kind]) == key), len(parts))
    former = parts[place] if place < len(parts) else None
    table = plain(former) if former is not None else {KEY_OF[kind]: key}
    table = _changed(table, {name: value for name, value in changes.items() if value != MASK})
    if kind == "phones":
        table.setdefault("password", new_password())
    document = TomlDocument("", f"{kind} {key}")
    part = document.read(SETTINGS_OF[kind], table, ())
    if isinstance(former, TrunkSettings) and former.password is not None and changes.get("password", MASK) == MASK:
        problem = said_elsewhere(key, former.host, table.get("host"))
        if problem is not None:
            document.problem(("password",), problem)
    document.finish()
    parts[place : place + 1] = [part]
    return _checked(_with(shop, kind, tuple(parts)))


def without_part(shop: Shop, kind: str, key: str) -> Shop:
    """The shop without that part. Raises LookupError, or SettingsError when something of the shop still names it."""
    parts = tuple(part for part in getattr(shop, kind) if getattr(part, KEY_OF[kind]) != key)
    if len(parts) == len(getattr(shop, kind)):
        raise LookupError(key)
    return _checked(_with(shop, kind, parts))


def general_of(shop: Shop) -> dict[str, Any]:
    """What is so of the whole shop: its name, language, time zone, currency and country, and what is recorded."""
    recording = shop.recording
    return {name: getattr(shop, name) for name in _HEADING} | {
        "country": shop.numbers.country,
        "recorded_calls": str(recording.calls),
        "recording_notice": str(recording.notice),
    }


def with_general(shop: Shop, changes: Mapping[str, object]) -> Shop:
    """The shop with other values of `general_of`. Raises SettingsError that names what is wrong."""
    table = general_of(shop) | {name: value for name, value in changes.items() if value not in (None, "")}
    document = plain(shop) | {name: table[name] for name in _HEADING}
    document["numbers"]["country"] = table["country"]
    document["recording"] |= {"calls": table["recorded_calls"], "notice": table["recording_notice"]}
    reader = TomlDocument("", "shop")
    changed = reader.read(Shop, document, ())
    reader.finish()
    return _checked(changed)


def changed_whole(shop: Shop, change: Callable[[Shop], Shop]) -> Shop:
    """What `change` makes of the shop. Raises SettingsError that names what does not fit together."""
    return _checked(change(shop))


def _changed(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The table with other values, and so each table within it."""
    found = dict(table)
    for name, value in changes.items():
        found[name] = _changed(found.get(name) or {}, value) if isinstance(value, dict) else value
    return {name: value for name, value in found.items() if value not in (None, "")}


def _with(shop: Shop, kind: str, parts: tuple[Any, ...]) -> Shop:
    change: dict[str, Any] = {kind: parts}
    return replace(shop, **change)


def _checked(shop: Shop | None) -> Shop:
    if shop is None:
        raise AssertionError("a document that could not be read has errors to tell")
    return read_shop(write_shop(shop, with_secrets=True), shop)
