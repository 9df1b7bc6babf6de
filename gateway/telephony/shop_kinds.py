"""The kinds of parts that the shop has several of, by the names of shop.toml, and what of each is changed by itself."""

from __future__ import annotations

from dataclasses import fields

from gateway.telephony.branches import Branch
from gateway.telephony.queue_rules import NamedQueue
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, TrunkSettings

SETTINGS_OF: dict[str, type[LineSettings | PhoneSettings | CourierSettings | TrunkSettings | NamedQueue | Branch]] = {
    "lines": LineSettings, "phones": PhoneSettings, "couriers": CourierSettings, "trunks": TrunkSettings,
    "queues": NamedQueue, "branches": Branch,
}  # fmt: skip
KEY_OF = {
    "lines": "name", "phones": "extension", "couriers": "extension", "trunks": "name", "queues": "name",
    "branches": "name",
}  # fmt: skip
"""What tells one part of a kind from another."""
_OF_THIS_MACHINE = frozenset({"pin_file", "ca_file"})


def changeable(kind: str) -> frozenset[str]:
    """What of a part of that kind can be changed by itself: all but its key, and files of this machine."""
    return frozenset(each.name for each in fields(SETTINGS_OF[kind])) - {KEY_OF[kind]} - _OF_THIS_MACHINE
