"""When the shop opens or closes, as a sentence for a caller, in English and Russian."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from gateway.telephony.schedule import Opening
from gateway.telephony.spoken import at_clock, on_day, until_clock


def said(opening: Opening, now: datetime, zone: tzinfo, language: str) -> str:
    """`We are open again tomorrow at nine o'clock.`, or until when it is open; `now` is aware, `zone` the shop's.

    A day is said as today, tomorrow, by its weekday within a week, and by its date after that. A closing time that is
    more than a day away is not said.
    """
    russian = language == "ru"
    if opening.until is None:
        if opening.is_open:
            return "Мы сейчас открыты." if russian else "We are open now."
        return "Мы сейчас закрыты." if russian else "We are closed now."
    local = opening.until.astimezone(zone)
    if not opening.is_open:
        opens = f"{_day(local, now.astimezone(zone), language)} {at_clock(local.time(), language)}"
        return f"Мы снова откроемся {opens}." if russian else f"We are open again {opens}."
    if opening.until - now > timedelta(days=1):
        return "Мы сейчас открыты." if russian else "We are open now."
    closes = until_clock(local.time(), language)
    return f"Мы открыты {closes}." if russian else f"We are open {closes}."


def _day(local: datetime, now: datetime, language: str) -> str:
    days = (local.date() - now.date()).days
    russian = language == "ru"
    if days <= 1:
        return (("сегодня", "завтра") if russian else ("today", "tomorrow"))[max(days, 0)]
    if days < 7:
        return (_RUSSIAN_WEEKDAYS if russian else _ENGLISH_WEEKDAYS)[local.weekday()]
    return on_day(local.date(), language)


_RUSSIAN_WEEKDAYS = (
    "в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу", "в воскресенье",
)  # fmt: skip
_ENGLISH_WEEKDAYS = (
    "on Monday", "on Tuesday", "on Wednesday", "on Thursday", "on Friday", "on Saturday", "on Sunday",
)  # fmt: skip
