"""What an owner has written, as it is to be said: amounts, times, dates, telephone numbers and counts in words.

Speech engines read figures badly, Russian ones above all: the case of "до 21 часа" or the gender of "2 минуты" is
theirs to guess. What is not understood here stays as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal

from gateway.telephony.spoken import (
    ENGLISH_MONTHS,
    LARGEST,
    RUSSIAN_MONTHS,
    Gender,
    at_clock,
    clock,
    counted,
    day,
    digits,
    english_ordinal,
    genitive_clock,
    genitive_money,
    money,
    number,
    ordinal,
)
from gateway.telephony.spoken_genitive import LARGEST_GENITIVE, genitive, is_one

_Match = re.Match[str]
_Rule = tuple[re.Pattern[str], Callable[[_Match], str]]


def read_out(text: str, language: str) -> str:
    """`text` without figures, as far as they are understood."""
    for pattern, said in _RUSSIAN if language == "ru" else _ENGLISH:
        text = pattern.sub(said, text)
    return text


# Both languages.

_COINS = {"₽": "RUB", "$": "USD", "€": "EUR", "£": "GBP"}
_WHOLE = r"(?<![\w.,:/-])(?P<whole>\d{1,3}(?:[ \u00a0\u202f]\d{3})+|\d+)"
_END = r"(?![\d:/]|[.,-]\d)"
_LEAST_TELEPHONE = 7
_TELEPHONE = re.compile(r"(?<![\w.,:/+-])\+?\d(?:[ \u00a0()-]{0,2}\d){9,14}(?![\w:/-])")


def _telephone(language: str) -> Callable[[_Match], str]:
    def said(match: _Match) -> str:
        groups = re.findall(r"\d+", match.group())
        return ", ".join(digits(group, language) for group in groups)

    return said


def _whole(match: _Match) -> int:
    return int(re.sub(r"\D", "", match.group("whole")))


def _amount(match: _Match) -> Decimal:
    part = match.group("part")
    return Decimal(_whole(match)) + (Decimal(f"0.{part}") if part else 0)


def _is_code(match: _Match) -> bool:
    """Read digit by digit: what begins with a naught, and what is too long for a count."""
    figures = match.group("whole")
    return figures.isdigit() and len(figures) > 1 and (figures[0] == "0" or len(figures) >= _LEAST_TELEPHONE)


def _time(match: _Match) -> time | None:
    hour, minute = int(match.group("hour")), int(match.group("minute"))
    if hour == 24 and minute == 0:
        return time()
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _date(year: str | None, month: str, day_of_month: str) -> date | None:
    try:
        return date(int(year) if year else 2000, int(month), int(day_of_month))
    except ValueError:
        return None


_CLOCK = r"(?<![\w.,:/-])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?![\d:])"


# Russian.

_BEFORE_GENITIVE = r"(?:(?P<before>\b(?:с|со|до|от|около|после|более|больше|менее|меньше|свыше|из|без)\s+))?"
_RUSSIAN_COIN = r"\s?(?P<coin>₽|\$|€|£|руб(?:\.|\b|л[а-яё]+)|р\.|коп(?:\.|\b|е[а-яё]+)|доллар[а-яё]*|евро\b)"
_FEMININE = re.compile(
    r"\s+(?:минут|секунд|недел|копе|тысяч|сут|штук|единиц|улиц|машин|посыл|доставк|смен|заявк|лини|станц)[а-яё]*",
    re.IGNORECASE,
)
_HOURS_FOLLOW = re.compile(r"\s+(?:час|утра|вечера|до\b|по\b)", re.IGNORECASE)
_NEUTER = re.compile(r"\s+(?:окно|место|отделение|число|утро|слово|блюдо)\b", re.IGNORECASE)
_MEASURE = r"(?:%|[₽$€£]|р\.|(?:руб|коп|доллар|евро|кг|гр?|мл|л|км|см|мм|м)(?![а-яё])|рубл|копе|доллар)"
"""What stands behind a number with a fraction, never behind a date."""
_UNTIL = r"(?P<before>\b(?:по|к)\s+)?(?<![\w.,:/-])"
_THROUGH_MONTH = r"(?P<month>" + "|".join(RUSSIAN_MONTHS) + r")\b"


def _russian_money(match: _Match) -> str:
    written = match.group("coin").lower()
    before = match.group("before") or ""
    amount = _amount(match)
    if written.startswith("коп"):
        amount /= 100
    currency = _COINS.get(written) or {"д": "USD", "е": "EUR"}.get(written[0], "RUB")
    if amount > LARGEST:
        return match.group()
    is_genitive = before and amount <= LARGEST_GENITIVE
    said = genitive_money(amount, currency) if is_genitive else money(amount, currency, "ru")
    return before + said + _stop_of(match)


def _stop_of(match: _Match) -> str:
    """The stop of an abbreviation that also ends the sentence."""
    return "." if match.group().endswith(".") and re.match(r"\s+[А-ЯЁA-Z]|\s*$", match.string[match.end() :]) else ""


def _russian_time(match: _Match) -> str:
    at, before = _time(match), match.group("before") or ""
    if at is None:
        return match.group()
    word = before.strip().lower()
    if word == "в":
        return before + at_clock(at, "ru").removeprefix("в ")
    if not word:
        return clock(at, "ru")
    return before + ("полуночи" if at == time() and word != "с" else genitive_clock(at))


def _russian_date(match: _Match) -> str:
    """`31.12.2026`: in the genitive, as what happens on a day, but after "по" as the last of several days."""
    year = match.group("year")
    on = _date(year, match.group("month"), match.group("day"))
    if on is None:
        return match.group()
    before = match.group("before") or ""
    said = f"{ordinal(on.day, _ending(before))} {RUSSIAN_MONTHS[on.month - 1]}"
    if not year:
        return before + said
    return f"{before}{said} {ordinal(on.year, 'ого')} года{_stop_of(match)}"


def _russian_day(match: _Match) -> str:
    """`3 января`, `по 8 января`."""
    if not 1 <= int(match.group("day")) <= 31:
        return match.group()
    before = match.group("before") or ""
    return f"{before}{ordinal(int(match.group('day')), _ending(before))} {match.group('month')}"


def _ending(before: str) -> str:
    """Of a day of a month, which stands in the genitive but after "until and with" and after "by"."""
    return {"по": "ое", "к": "ому"}.get(before.strip().lower(), "ого")


def _russian_days(match: _Match) -> str:
    """`с 1 по 8 января`: the first of them."""
    return f"{match.group('before')}{ordinal(int(match.group('day')), 'ого')}"


def _russian_year(match: _Match) -> str:
    before, year = match.group("before") or "", int(match.group("year"))
    if before or match.group("word").lower() == "году":
        return f"{before}{ordinal(year, 'ом')} году{_stop_of(match)}"
    return f"{ordinal(year, 'ого')} года{_stop_of(match)}"


def _russian_percent(match: _Match) -> str:
    value, before = _whole(match), match.group("before") or ""
    if before and value <= LARGEST_GENITIVE:
        return f"{before}{genitive(value)} {'процента' if is_one(value) else 'процентов'}"
    return before + counted(value, ("процент", "процента", "процентов")) if value <= LARGEST else match.group()


def _russian_count(match: _Match) -> str:
    if _is_code(match):
        return (match.group("before") or "") + digits(match.group("whole"), "ru")
    value, before = _whole(match), match.group("before") or ""
    after = match.string[match.end() :]
    if value > LARGEST or (before.strip().lower() in {"с", "со"} and not _HOURS_FOLLOW.match(after)):
        return match.group()  # "с двумя детьми" is another case than "с двух до трёх"
    feminine = _FEMININE.match(after)
    if before and value <= LARGEST_GENITIVE:
        return before + genitive(value, feminine=feminine is not None)
    gender = Gender.FEMININE if feminine else Gender.NEUTER if _NEUTER.match(after) else Gender.MASCULINE
    said = number(value, "ru", gender)
    if feminine and feminine.group().endswith(("у", "ю")) and said.endswith("одна"):
        said = said.removesuffix("одна") + "одну"
    return before + said


_RUSSIAN: tuple[_Rule, ...] = (
    (re.compile(r"№\s?(?=\d)"), lambda _match: "номер "),
    (_TELEPHONE, _telephone("ru")),
    (re.compile(_BEFORE_GENITIVE.replace("с|со", "в|с|со") + _CLOCK, re.IGNORECASE), _russian_time),
    (
        re.compile(
            _UNTIL + r"(?P<day>\d{1,2})\.(?P<month>\d{2})"
            r"(?:\.(?P<year>\d{4})(?:\s?г(?:\.|ода)?(?!\w))?)?(?![\d:]|[.,]\d|\s?" + _MEASURE + ")",
            re.IGNORECASE,
        ),
        _russian_date,
    ),
    (
        re.compile(
            r"(?P<before>\bсо?\s+)(?P<day>\d{1,2})(?:-го)?(?=\s+по\s+\d{1,2}(?:-е)?\s+" + _THROUGH_MONTH + ")",
            re.IGNORECASE,
        ),
        _russian_days,
    ),
    (re.compile(_UNTIL + r"(?P<day>\d{1,2})(?:-го|-е)?\s+" + _THROUGH_MONTH, re.IGNORECASE), _russian_day),
    (
        re.compile(_UNTIL.replace("по|к", "в") + r"(?P<year>[12]\d{3})\s?(?P<word>году|года|г\.(?!\w))", re.IGNORECASE),
        _russian_year,
    ),
    (
        re.compile(_BEFORE_GENITIVE + _WHOLE + r"(?:[.,](?P<part>\d{1,2}))?" + _RUSSIAN_COIN, re.IGNORECASE),
        _russian_money,
    ),
    (
        re.compile(
            _BEFORE_GENITIVE + r"(?P<coin>[$€£₽])\s?(?P<whole>\d+)(?:[.,](?P<part>\d{2}))?" + _END, re.IGNORECASE
        ),
        _russian_money,
    ),
    (re.compile(_BEFORE_GENITIVE + _WHOLE + r"\s?%", re.IGNORECASE), _russian_percent),
    (re.compile(_BEFORE_GENITIVE + _WHOLE + _END + r"(?![\w-])", re.IGNORECASE), _russian_count),
)


# English.

_ENGLISH_MONTH = r"(?P<month>" + "|".join(ENGLISH_MONTHS) + r")\b"


def _english_money(match: _Match) -> str:
    amount = _amount(match)
    if amount > LARGEST:
        return match.group()
    return money(amount, _COINS.get(match.group("coin"), match.group("coin")), "en")


def _english_time(match: _Match) -> str:
    at = _time(match)
    return match.group() if at is None else clock(at, "en")


def _english_date(match: _Match) -> str:
    on = _date(match.group("year"), match.group("month"), match.group("day"))
    return match.group() if on is None else day(on, "en")


def _english_day(match: _Match) -> str:
    on = int(match.group("day"))
    return f"the {english_ordinal(on)} of {match.group('month')}" if 1 <= on <= 31 else match.group()


def _english_ordinal(match: _Match) -> str:
    return english_ordinal(int(match.group("whole")))


def _english_count(match: _Match) -> str:
    if _is_code(match):
        return digits(match.group("whole"), "en")
    value = _whole(match)
    return number(value, "en") if value <= LARGEST else match.group()


_ENGLISH_WHOLE = r"(?<![\w.,:/-])(?P<whole>\d{1,3}(?:,\d{3})+|\d+)"
_ENGLISH: tuple[_Rule, ...] = (
    (_TELEPHONE, _telephone("en")),
    (re.compile(_CLOCK), _english_time),
    (re.compile(r"(?<![\w.,:/-])(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?![\d-])"), _english_date),
    (
        re.compile(r"(?:the\s+)?(?<![\w.,:/-])(?P<day>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?" + _ENGLISH_MONTH),
        _english_day,
    ),
    (re.compile(_ENGLISH_MONTH + r"\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?(?![\d:]|[.,]\d)"), _english_day),
    (re.compile(r"(?P<coin>[$€£₽])\s?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<part>\d{2}))?(?!\d)"), _english_money),
    (
        re.compile(_ENGLISH_WHOLE + r"(?:\.(?P<part>\d{2}))?\s?(?P<coin>[$€£₽]|RUB|USD|EUR|GBP|UAH|KZT|BYN)(?!\w)"),
        _english_money,
    ),
    (re.compile(_ENGLISH_WHOLE + r"(?:st|nd|rd|th)\b"), _english_ordinal),
    (re.compile(_ENGLISH_WHOLE + r"\s?%"), lambda match: f"{number(_whole(match), 'en')} per cent"),
    (re.compile(_ENGLISH_WHOLE + _END + r"(?![\w-])"), _english_count),
)
