"""Where a caller's number is from: country, region of Russia, and the clock there (E1).

A number says where it was given out. Mobile numbers are taken along, also to another operator: a hint, not a fact.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import phonenumbers
from phonenumbers import timezone

from gateway.telephony.numbers import country_of
from gateway.telephony.russian_regions import BY_CODE, Region

_NATIONAL_DIGITS = 10
_UNKNOWN_ZONE = "Etc/Unknown"


@dataclass(frozen=True, slots=True)
class NumberRange:
    """National numbers of Russia from `first` to `last` (ten digits each) and whose they are; None: all of Russia."""

    first: int
    last: int
    region: Region | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a number tells. `country` is ISO 3166 alpha-2, `time_zone` an IANA name; None: not known."""

    country: str
    region: Region | None = None
    time_zone: str | None = None


class Places:
    """Looks numbers up: in the ranges the owner has imported, then by the codes of fixed networks."""

    def __init__(self, ranges: Iterable[NumberRange] = ()) -> None:
        """`ranges` do not overlap."""
        self._ranges = sorted(ranges, key=lambda each: each.first)
        self._firsts = [each.first for each in self._ranges]
        self._codes = {code for each in self._ranges for code in (each.first // 10**7, each.last // 10**7)}

    def __len__(self) -> int:
        """How many ranges there are."""
        return len(self._ranges)

    def of(self, number: str) -> Place | None:
        """Where an E.164 number is from; None for what is no number of any country."""
        country = country_of(number)
        if country is None:
            return None
        if country == "RU":
            region = self._region(int(number.removeprefix("+7")))
            return Place(country=country, region=region, time_zone=region.zone if region is not None else None)
        zones = timezone.time_zones_for_number(phonenumbers.parse(number))
        known = zones[0] if len(zones) == 1 and zones[0] != _UNKNOWN_ZONE else None
        return Place(country=country, time_zone=known)

    def _region(self, national: int) -> Region | None:
        if len(str(national)) != _NATIONAL_DIGITS:
            return None
        code = national // 10**7
        if code not in self._codes:
            return BY_CODE.get(code)
        place = bisect_right(self._firsts, national) - 1
        found = self._ranges[place] if place >= 0 else None
        return found.region if found is not None and national <= found.last else None
