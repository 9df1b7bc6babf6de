"""What emulated modems bring into a shop that has no real ones yet, and how it goes again.

Their lines are called after them, "emulated-1", so that they are known for what they are wherever they are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from gateway.telephony.shop import CourierSettings, LineSettings, Shop

FAMILIES = ("huawei", "quectel", "simcom")
"""One modem of each."""
PREFIX = "emulated-"
NAMES = tuple(f"{PREFIX}{number}" for number in range(1, len(FAMILIES) + 1))
"""Of the modems, and of the lines."""

_COUNTRY = "RU"
_NUMBERS = ("+79160000001", "+79160000002", "+79160000003", "+79161234567", "+79031112233")
"""At home there: three SIMs, the courier, the customer."""
_COURIER_NAMES = {"en": "Emulated courier", "ru": "Эмулированный курьер"}
_FIRST_EXTENSION = 2001


@dataclass(frozen=True, slots=True)
class Brought:
    """What was brought, to be taken away: `courier` is an extension, empty where the shop had couriers already."""

    sims: tuple[str, ...]
    """Their numbers, in the order of NAMES."""
    courier: str
    courier_mobile: str
    customer: str

    @classmethod
    def to(cls, shop: Shop) -> Self:
        """What that shop needs: numbers of its country, and a courier where it has none."""
        *sims, mobile, customer = _numbers_of(shop.numbers.country)
        taken = {each.extension for each in shop.phones} | {each.extension for each in shop.couriers}
        free = next(str(number) for number in range(_FIRST_EXTENSION, 9999) if str(number) not in taken)
        return cls(tuple(sims), "" if shop.couriers else free, mobile, customer)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """What `asdict` has made of one. Raises KeyError and TypeError."""
        return cls(tuple(kept["sims"]), str(kept["courier"]), str(kept["courier_mobile"]), str(kept["customer"]))

    def kept(self) -> dict[str, Any]:
        """As a document."""
        return asdict(self)

    def added_to(self, shop: Shop) -> Shop:
        """The shop with it; a part that is there already stays as it is."""
        lines = [
            LineSettings(name=name, modem=name, number=number)
            for name, number in zip(NAMES, self.sims, strict=True)
            if shop.line(name) is None
        ]
        couriers = []
        if self.courier and shop.courier(self.courier) is None:
            name = _COURIER_NAMES.get(shop.language, _COURIER_NAMES["en"])
            couriers = [CourierSettings(extension=self.courier, name=name, mobile=self.courier_mobile)]
        return replace(shop, lines=(*shop.lines, *lines), couriers=(*shop.couriers, *couriers))

    def taken_from(self, shop: Shop) -> Shop:
        """The shop without it, and without a word of it in the other parts."""
        couriers = tuple(
            replace(
                each,
                lines=tuple(name for name in each.lines if name not in NAMES),
                then=None if self.courier and each.then == self.courier else each.then,
            )
            for each in shop.couriers
            if not self.courier or each.extension != self.courier
        )
        return replace(
            shop,
            lines=tuple(each for each in shop.lines if each.name not in NAMES),
            couriers=couriers,
            tariffs=tuple(each for each in shop.tariffs if each.way not in NAMES),
        )


def has_real_lines(shop: Shop) -> bool:
    """Whether a line of the shop is of no emulated modem."""
    return any(each.name not in NAMES for each in shop.lines)


def _numbers_of(country: str) -> tuple[str, ...]:
    """Five mobiles that the plan of a country knows; of the usual one where it tells none."""
    if country == _COUNTRY:
        return _NUMBERS
    found = tuple(_examples(country))
    return found if len(found) == len(_NUMBERS) else _NUMBERS


def _examples(country: str) -> Iterator[str]:
    example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    if example is None:
        return
    text = phonenumbers.format_number(example, PhoneNumberFormat.E164)
    made = (phonenumbers.parse(f"{text[:-2]}{ending:02d}") for ending in range(1, 100))
    valid = [phonenumbers.format_number(each, PhoneNumberFormat.E164) for each in made if _is_of(each, country)]
    yield from valid[: len(_NUMBERS)]


def _is_of(number: phonenumbers.PhoneNumber, country: str) -> bool:
    return phonenumbers.is_valid_number(number) and phonenumbers.region_code_for_number(number) == country
