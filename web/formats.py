"""How numbers, times and durations are shown to a person of the shop's country."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from flask_babel import format_date, format_datetime, get_locale

from web.translation import gettext

LONGEST_EXTENSION = 5


def phone_number(number: str | None, country: str) -> str:
    """A number as people of `country` write it; an extension, a name or a word as it is."""
    if not number:
        return gettext("Withheld number")
    if len(number) <= LONGEST_EXTENSION or not number.lstrip("+").isdigit():
        return number
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_possible_number(parsed):
        return number
    is_local = phonenumbers.region_code_for_number(parsed) == country
    style = phonenumbers.PhoneNumberFormat.NATIONAL if is_local else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return str(phonenumbers.format_number(parsed, style))


def duration(seconds: float | None) -> str:
    """`0:05`, `12:30`, `1:02:03`; a dash for nothing."""
    if not seconds:
        return "–"
    whole = max(1, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def parse_time(text: str) -> datetime:
    """A time of the API."""
    return datetime.fromisoformat(text)


def zone(name: str) -> ZoneInfo:
    """The shop's time zone; UTC where the system does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def moment(text: str | None, time_zone: ZoneInfo, now: datetime) -> str:
    """A time of the API as a person says it: only the clock for today, with the day otherwise."""
    if not text:
        return "–"
    local = parse_time(text).astimezone(time_zone)
    time_of_day = f"{local:%H:%M}"
    days = now.astimezone(time_zone).date() - local.date()
    if days == timedelta(0):
        return time_of_day
    if days == timedelta(days=1):
        return gettext("Yesterday, %(clock)s", clock=time_of_day)
    is_this_year = local.year == now.astimezone(time_zone).year
    day = format_date(local, "d MMM" if is_this_year else "d MMM y")
    return f"{day}, {time_of_day}"


def clock(text: str, time_zone: ZoneInfo) -> str:
    """The time of day."""
    return f"{parse_time(text).astimezone(time_zone):%H:%M}"


def exact_moment(text: str | None, time_zone: ZoneInfo) -> str:
    """A time of the API to the second."""
    if not text:
        return "–"
    return str(format_datetime(parse_time(text).astimezone(time_zone), "d MMM y, HH:mm:ss", rebase=False))


def day_name(text: str, time_zone: ZoneInfo, now: datetime) -> str:
    """The heading over the calls of one day."""
    local = parse_time(text).astimezone(time_zone)
    days = now.astimezone(time_zone).date() - local.date()
    if days == timedelta(0):
        return gettext("Today")
    if days == timedelta(days=1):
        return gettext("Yesterday")
    name = str(format_date(local, "EEEE, d MMMM y"))
    return name[:1].upper() + name[1:]


def file_size(size: int | None) -> str:
    """`1.2 MB` in the reader's language."""
    if size is None:
        return "–"
    if size < 1_000_000:
        return gettext("%(number)s kB", number=max(1, round(size / 1000)))
    if size < 10_000_000_000:
        return gettext("%(number)s MB", number=_decimal(f"{size / 1_000_000:.1f}"))
    return gettext("%(number)s GB", number=round(size / 1_000_000_000))


def quality(score: float) -> str:
    """A mean opinion score as a word and a figure: `good (4.1 of 5)`; the bands are those of ITU-T G.109."""
    shown = _decimal(f"{score:.1f}")
    if score >= 4.34:
        return gettext("excellent (%(score)s of 5)", score=shown)
    if score >= 4.03:
        return gettext("good (%(score)s of 5)", score=shown)
    if score >= 3.6:
        return gettext("fair (%(score)s of 5)", score=shown)
    if score >= 3.1:
        return gettext("poor (%(score)s of 5)", score=shown)
    return gettext("bad (%(score)s of 5)", score=shown)


def seconds(number: float) -> str:
    """`18`, `8.7`: seconds to a tenth, where it is not nought."""
    return _decimal(f"{number:.1f}".removesuffix(".0"))


def decimal(number: float, places: int = 2) -> str:
    """`12.50`, in Russian `12,50`: an amount of money, or a figure with so many places."""
    return _decimal(f"{number:.{places}f}")


def decibels(level: float) -> str:
    """A level against full scale, with the minus of print."""
    return gettext("%(number)s dBFS", number=f"{round(level)}".replace("-", "−"))


def _decimal(number: str) -> str:
    locale = get_locale()
    return number.replace(".", ",") if locale is not None and locale.language == "ru" else number
