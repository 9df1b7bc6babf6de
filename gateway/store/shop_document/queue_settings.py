"""The rules of the queue, changed by themselves under all checks of the whole shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.store.shop_document.shop_file import plain, read_shop, write_shop
from gateway.telephony.queue_rules import QueueRules
from gateway.telephony.shop import Shop
from gateway.toml_document import TomlDocument


def with_queue(shop: Shop, changes: Mapping[str, object]) -> Shop:
    """The shop with other values of [queue]; None: as if the value were not written there.

    Raises SettingsError that names what is wrong.
    """
    table = {key: value for key, value in (plain(shop.queue) | dict(changes)).items() if value is not None}
    document = TomlDocument("", "queue")
    rules = document.read(QueueRules, table, ("queue",))
    document.finish()
    return read_shop(write_shop(replace(shop, queue=rules)), shop)
