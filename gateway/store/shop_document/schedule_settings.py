"""The shop's hours, changed by themselves under all checks of the whole shop: a table, or a calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from gateway.store.shop_document.calendar_file import Timed, read_calendar
from gateway.store.shop_document.schedule_check import check_schedule
from gateway.store.shop_document.shop_file import read_shop, write_shop
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import Shop
from gateway.toml_document import TomlDocument


def with_hours(shop: Shop, table: Mapping[str, object]) -> Shop:
    """The shop with other hours; what the table leaves out, or has as None, is as if it had never been set.

    Raises SettingsError that names what is wrong.
    """
    document = TomlDocument("", "hours")
    schedule = document.read(Schedule, _without_none(table), ("schedule",))
    check_schedule(document)
    document.finish()
    return read_shop(write_shop(replace(shop, schedule=schedule)), shop)


def with_calendar(shop: Shop, text: str, timed: Timed, today: date) -> Shop:
    """The shop with the exceptions of a calendar (iCalendar) in the place of those of the calendar before.

    Raises CalendarInvalid, and SettingsError when there would be too many.
    """
    own = replace(shop.schedule, exceptions=tuple(each for each in shop.schedule.exceptions if not each.imported))
    found = read_calendar(text, own, zone=ZoneInfo(shop.time_zone), today=today, timed=timed)
    schedule = replace(own, exceptions=(*own.exceptions, *found))
    return read_shop(write_shop(replace(shop, schedule=schedule)), shop)


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(each) for key, each in value.items() if each is not None}
    return [_without_none(each) for each in value] if isinstance(value, list) else value
