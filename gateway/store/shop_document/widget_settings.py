"""The rules of the widget, changed by themselves under all checks of the whole shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.store.shop_document.shop_file import plain, read_shop, write_shop
from gateway.telephony.shop import Shop
from gateway.telephony.widget import WidgetRules
from gateway.toml_document import TomlDocument


def with_widget(shop: Shop, changes: Mapping[str, object]) -> Shop:
    """The shop with other values of [widget]; None: as if the value were not written there.

    Raises SettingsError that names what is wrong.
    """
    table = {key: value for key, value in (plain(shop.widget) | dict(changes)).items() if value is not None}
    document = TomlDocument("", "widget")
    rules = document.read(WidgetRules, table, ("widget",))
    document.finish()
    return read_shop(write_shop(replace(shop, widget=rules)), shop)
