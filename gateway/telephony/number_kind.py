"""What sort of number customers call: who pays for the call, and how it looks to them (E3)."""

from __future__ import annotations

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from gateway.telephony.number_kinds import NumberKind
from gateway.telephony.shop import Shop

__all__ = ["NumberKind", "kind_of_number", "kind_of_way"]


_KINDS = {
    PhoneNumberType.FIXED_LINE: NumberKind.CITY,
    PhoneNumberType.MOBILE: NumberKind.MOBILE,
    PhoneNumberType.TOLL_FREE: NumberKind.TOLL_FREE,
}


def kind_of_number(number: str | None) -> NumberKind:
    """The kind of an E.164 number."""
    try:
        return _KINDS.get(phonenumbers.number_type(phonenumbers.parse(number or "")), NumberKind.OTHER)
    except NumberParseException:
        return NumberKind.OTHER


def kind_of_way(shop: Shop, way: str | None) -> NumberKind:
    """The kind of the number that a line or a provider of that name has: as the owner says, or by the number."""
    found = None if way is None else shop.line(way) or shop.trunk(way)
    if found is None:
        return NumberKind.OTHER
    return found.kind or kind_of_number(found.number)
