"""The days on which a country rests, and those weekend days on which it works instead.

The tables are those of the `holidays` package: for Russia the days of article 112 of the Labour Code and the days off
that the government moves each year, as far as the installed version knows them (later years have the fixed days only).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class RestingDays:
    """One year of a country: `off` are the public holidays by name, `worked` the weekend days that are worked."""

    off: Mapping[date, str]
    worked: frozenset[date]


@lru_cache
def known_countries() -> frozenset[str]:
    """Whose holidays are known (ISO 3166 alpha-2)."""
    import holidays  # noqa: PLC0415  # many megabytes, and only for a shop that asks for them

    return frozenset(country for country in holidays.list_supported_countries() if len(country) == 2)


@lru_cache(maxsize=64)
def resting_days(country: str, year: int, language: str = "en") -> RestingDays:
    """The days of a year, named in that language where the package has it; none for a country it does not know."""
    if country not in known_countries():
        return RestingDays({}, frozenset())
    import holidays  # noqa: PLC0415  # as above

    found = holidays.country_holidays(country, years=year, language={"en": "en_US"}.get(language, language))
    off = {day: name for day, name in sorted(found.items()) if day.year == year}
    return RestingDays(off, frozenset(day for day in found.weekend_workdays if day.year == year))
