"""The rules of the guard of toll-free numbers, changed by themselves under all checks of the whole shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.store.shop_document.shop_file import plain, read_shop, write_shop
from gateway.telephony.shop import Shop
from gateway.telephony.toll_free import TollFreeRules
from gateway.toml_document import TomlDocument


def with_toll_free(shop: Shop, changes: Mapping[str, object]) -> Shop:
    """The shop with other values of [toll_free]; None or an empty text: as if the value were not written there.

    Raises SettingsError that names what is wrong.
    """
    table = {key: value for key, value in (plain(shop.toll_free) | dict(changes)).items() if value not in (None, "")}
    document = TomlDocument("", "toll_free")
    rules = document.read(TollFreeRules, table, ("toll_free",))
    document.finish()
    return read_shop(write_shop(replace(shop, toll_free=rules)), shop)
