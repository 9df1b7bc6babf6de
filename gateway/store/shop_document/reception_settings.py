"""The rules of the reception, changed by themselves under all checks of the whole shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.store.shop_document.shop_file import plain, read_shop, write_shop
from gateway.telephony.reception import Reception
from gateway.telephony.shop import Shop
from gateway.toml_document import TomlDocument


def with_reception(shop: Shop, changes: Mapping[str, object]) -> Shop:
    """The shop with other values of [reception]; None: as if the value were not written there.

    Raises SettingsError that names what is wrong.
    """
    table = {key: value for key, value in (plain(shop.reception) | dict(changes)).items() if value is not None}
    document = TomlDocument("", "reception")
    rules = document.read(Reception, table, ("reception",))
    document.finish()
    return read_shop(write_shop(replace(shop, reception=rules)), shop)
