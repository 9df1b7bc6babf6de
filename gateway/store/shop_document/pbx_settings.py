"""The shop's PBX and the passwords of couriers there, changed together under all checks of the whole shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.store.shop_document.shop_file import MASK, plain, said_elsewhere
from gateway.store.shop_document.shop_parts import changed_whole
from gateway.telephony.shop import PbxSettings, Shop
from gateway.toml_document import TomlDocument

_SHOWN = ("host", "port", "transport")


def pbx_of(shop: Shop) -> dict[str, Any]:
    """The PBX (None: there is none), and each courier with whether a password there is kept; never the password."""
    table = plain(shop.pbx) if shop.pbx is not None else {}
    return {
        "pbx": {name: table[name] for name in _SHOWN} if table else None,
        "couriers": [
            {"extension": each.extension, "name": each.name, "has_password": each.pbx_password is not None}
            for each in shop.couriers
        ],
    }


def with_pbx(shop: Shop, changes: Mapping[str, object], passwords: Mapping[str, str | None]) -> Shop:
    """The shop with other values of [pbx], and other passwords there, by the extension of the courier.

    None or an empty text: as if it were not written, so that such a courier is not registered there any more; what
    is not named stays, and so does a masked password, but for another host passwords are asked for again. Raises
    SettingsError that names what is wrong.
    """
    table = (plain(shop.pbx) if shop.pbx is not None else {}) | dict(changes)
    document = TomlDocument("", "pbx")
    pbx = document.read(
        PbxSettings, {name: value for name, value in table.items() if value not in (None, "")}, ("pbx",)
    )
    for extension in sorted(passwords.keys() - {each.extension for each in shop.couriers}):
        document.problem(("pbx",), f'There is no courier with the extension "{extension}".')
    told = {extension: password for extension, password in passwords.items() if password != MASK}
    if shop.pbx is not None and pbx is not None:
        for each in shop.couriers:
            is_kept = each.pbx_password is not None and each.extension not in told
            if is_kept and (problem := said_elsewhere(each.extension, shop.pbx.host, pbx.host)) is not None:
                document.problem(("pbx",), problem)
    document.finish()
    couriers = tuple(
        replace(each, pbx_password=told.get(each.extension, each.pbx_password) or None) for each in shop.couriers
    )
    return changed_whole(shop, lambda shop: replace(shop, pbx=pbx, couriers=couriers))


def without_pbx(shop: Shop) -> Shop:
    """The shop without its PBX, and every courier without a password there. Raises LookupError where there is none."""
    if shop.pbx is None:
        raise LookupError("pbx")
    couriers = tuple(replace(each, pbx_password=None) for each in shop.couriers)
    return changed_whole(shop, lambda shop: replace(shop, pbx=None, couriers=couriers))
