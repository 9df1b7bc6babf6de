"""The rules for the status of orders, changed by themselves under all checks of the whole shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.store.shop_document.shop_file import plain, program_of, read_shop, write_shop
from gateway.telephony.shop import Shop
from gateway.toml_document import TomlDocument

PARTS = ("order_words", "order_source", "order_headers", "order_status")


def with_order_status(shop: Shop, table: Mapping[str, object]) -> Shop:
    """The shop with those of PARTS that the table has, each whole and by the names of shop.toml.

    A header without its secret keeps it, for the same program. Raises SettingsError that names what is wrong.
    """
    document = TomlDocument("", "order status")
    kept = {name: plain(getattr(shop, name)) for name in PARTS} | dict(table)
    headers = table.get("order_headers", [{"name": header.name} for header in shop.order_headers])
    kept["order_headers"] = _with_known_secrets(shop, headers, program_of(kept["order_source"]))
    found = document.read(Shop, kept, ())
    document.finish()
    changed = replace(shop, **{name: getattr(found, name) for name in PARTS})
    return read_shop(write_shop(changed, with_secrets=True), shop)


def _with_known_secrets(shop: Shop, value: object, program: str) -> object:
    """The headers, and for those that come without their secret the one that this program is told."""
    is_the_same = program == program_of(plain(shop.order_source))
    known = {header.name: header.secret for header in shop.order_headers if is_the_same}
    if not isinstance(value, list):
        return value
    return [
        {**each, "secret": each.get("secret") or known.get(str(each.get("name"))) or ""}
        if isinstance(each, dict)
        else each
        for each in value
    ]
