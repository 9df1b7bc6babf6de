"""Numbers, money, dates and hours in words, as people say them on the telephone, in English and Russian.

The words are written for a speech engine, which gets numbers wrong when it must bend them itself. Languages other
than Russian are spoken to in English. Values beyond what a shop says (a million of millions) raise ValueError.
"""

from __future__ import annotations

from datetime import date, time
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from gateway.telephony.spoken_genitive import genitive, is_one

LARGEST = 10**12 - 1


class Gender(StrEnum):
    """Of the Russian noun that is counted."""

    MASCULINE = "m"
    FEMININE = "f"
    NEUTER = "n"


def number(value: int, language: str, gender: Gender = Gender.MASCULINE) -> str:
    """A whole number: `twenty-one`, `двадцать одна`. Raises ValueError."""
    if abs(value) > LARGEST:
        raise ValueError(f"{value} is too large to be said.")
    if value < 0:
        return f"{'минус' if language == 'ru' else 'minus'} {number(-value, language, gender)}"
    return _russian(value, gender) if language == "ru" else _english(value)


def counted(value: int, forms: tuple[str, str, str], gender: Gender = Gender.MASCULINE) -> str:
    """A Russian number with its noun: `forms` are those for one, for two, and for five."""
    return f"{_russian(value, gender)} {_form(value, forms)}"


def digits(text: str, language: str) -> str:
    """Each digit by itself, as numbers of telephones and orders are read out; what is no digit is left out."""
    return " ".join(number(int(each), language) for each in text if each in "0123456789")


def money(amount: Decimal, currency: str, language: str) -> str:
    """An amount, to the hundredth: `сто один рубль пять копеек`, `one dollar and fifty cents`.

    A currency that we have no words for is said by its letters. Raises ValueError.
    """
    amount = amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
    whole, part = divmod(int(abs(amount) * 100), 100)
    sign = ("минус " if language == "ru" else "minus ") if amount < 0 else ""
    letters = " ".join(currency)
    if language == "ru":
        unit, hundredth = _RUSSIAN_MONEY.get(currency, (((letters,) * 3, Gender.MASCULINE), _HUNDREDTH))
        words = [counted(whole, unit[0], unit[1])] if whole or not part else []
        words += [counted(part, hundredth[0], hundredth[1])] if part else []
        return sign + " ".join(words)
    coins_of = _ENGLISH_MONEY.get(currency, ((letters,) * 2, ("hundredth", "hundredths")))
    words = [_plural(whole, coins_of[0])] if whole or not part else []
    words += [_plural(part, coins_of[1])] if part else []
    return sign + " and ".join(words)


def genitive_money(amount: Decimal, currency: str) -> str:
    """An amount after "from" or "until", in Russian: `двадцати одного рубля`. Raises ValueError."""
    if currency not in _RUSSIAN_MONEY or amount < 0:
        raise ValueError(f"{amount} {currency} is not said in the genitive.")
    whole, part = divmod(int(amount.quantize(Decimal("0.01"), ROUND_HALF_UP) * 100), 100)
    unit, hundredth = _RUSSIAN_MONEY[currency]
    said = [(whole, unit)] if whole or not part else []
    said += [(part, hundredth)] if part else []
    return " ".join(
        f"{genitive(count, feminine=gender is Gender.FEMININE)} {forms[1 if is_one(count) else 2]}"
        for count, (forms, gender) in said
    )


def day(value: date, language: str, *, with_year: bool = True) -> str:
    """A date: `третье января две тысячи двадцать шестого года`, `the third of January two thousand and twenty-six`."""
    if language == "ru":
        said = f"{ordinal(value.day, 'ое')} {RUSSIAN_MONTHS[value.month - 1]}"
        return f"{said} {ordinal(value.year, 'ого')} года" if with_year else said
    said = f"the {english_ordinal(value.day)} of {ENGLISH_MONTHS[value.month - 1]}"
    return f"{said} {_english(value.year)}" if with_year else said


def clock(value: time, language: str) -> str:
    """A time of day, to the minute: `двадцать один час пять минут`, `nine oh five`."""
    if language == "ru":
        hours = counted(value.hour, _HOURS)
        return f"{hours} {counted(value.minute, _MINUTES, Gender.FEMININE)}" if value.minute else hours
    hours = "midnight" if value.hour == 0 and value.minute == 0 else _english(value.hour)
    if value.minute == 0:
        return hours if value.hour == 0 else f"{hours} o'clock"
    return f"{hours} {'oh ' if value.minute < 10 else ''}{_english(value.minute)}"


def on_day(value: date, language: str) -> str:
    """On which day, without the year: `третьего января`, `on the third of January`."""
    if language == "ru":
        return f"{ordinal(value.day, 'ого')} {RUSSIAN_MONTHS[value.month - 1]}"
    return f"on {day(value, language, with_year=False)}"


def at_clock(value: time, language: str) -> str:
    """At what time: `в девять часов одну минуту`, `at nine o'clock`."""
    if language != "ru":
        return f"at {clock(value, language)}"
    said = f"в {clock(value, language)}"
    # What happens at a time stands in the accusative, which only shows in the feminine minute.
    return said.removesuffix("одна минута") + "одну минуту" if said.endswith("одна минута") else said


def until_clock(value: time, language: str) -> str:
    """Until what time: `до восемнадцати часов`, `until eighteen o'clock`."""
    if language != "ru":
        return f"until {clock(value, language)}"
    return "до полуночи" if value == time() else f"до {genitive_clock(value)}"


def genitive_clock(value: time) -> str:
    """A time of day after "from" or "until", in Russian: `двадцати одного часа тридцати минут`."""
    hours = f"{genitive(value.hour)} {'часа' if is_one(value.hour) else 'часов'}"
    if value.minute == 0:
        return hours
    return f"{hours} {genitive(value.minute, feminine=True)} {'минуты' if is_one(value.minute) else 'минут'}"


def ordinal(value: int, ending: str) -> str:
    """`двадцать третье`, `две тысячи двадцать шестого`: only the last word is bent.

    `ending`: "ое", "ого", "ому" or "ом".
    """
    if value % 1000 == 0 and 0 < value <= 9000:
        return _STEMS_OF_THOUSANDS[value // 1000] + ending
    if value % 100 == 0 and value:
        before, stem = value // 1000 * 1000, _STEMS_OF_HUNDREDS[value // 100 % 10]
    else:
        last = value % 100 if value % 100 in _ORDINALS else value % 10
        before, stem = value - last, _ORDINALS[last]
    if stem == "трет":
        ending = {"ое": "ье", "ого": "ьего", "ому": "ьему", "ом": "ьем"}[ending]
    said = "сотое" if stem == "сот" and ending == "ое" else stem + ending
    # A year of the last millennium is "a thousand nine hundred ...", not "one thousand".
    return f"{_russian(before, Gender.MASCULINE).removeprefix('одна ')} {said}" if before else said


def english_ordinal(value: int) -> str:
    """`twenty-third`."""
    before, hyphen, last = _english(value).rpartition("-")
    if last in _ENGLISH_ORDINALS:
        return before + hyphen + _ENGLISH_ORDINALS[last]
    return before + hyphen + (last.removesuffix("y") + "ieth" if last.endswith("y") else last + "th")


# Russian.

_HOURS = ("час", "часа", "часов")
_MINUTES = ("минута", "минуты", "минут")
_ONES = ["ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять"]
_TEENS = [
    "десять",
    "одиннадцать",
    "двенадцать",
    "тринадцать",
    "четырнадцать",
    "пятнадцать",
    "шестнадцать",
    "семнадцать",
    "восемнадцать",
    "девятнадцать",
]
_TENS = ["_", "_", "двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят", "девяносто"]
_HUNDREDS = ["_", "сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот", "восемьсот", "девятьсот"]
_GENDERED = {
    Gender.FEMININE: {1: "одна", 2: "две"},
    Gender.NEUTER: {1: "одно", 2: "два"},
    Gender.MASCULINE: {1: "один", 2: "два"},
}
_THOUSANDS: tuple[tuple[tuple[str, str, str], Gender], ...] = (
    (("тысяча", "тысячи", "тысяч"), Gender.FEMININE),
    (("миллион", "миллиона", "миллионов"), Gender.MASCULINE),
    (("миллиард", "миллиарда", "миллиардов"), Gender.MASCULINE),
)
RUSSIAN_MONTHS = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
]
_KOPEK = (("копейка", "копейки", "копеек"), Gender.FEMININE)
_CENT = (("цент", "цента", "центов"), Gender.MASCULINE)
_HUNDREDTH = (("сотая", "сотых", "сотых"), Gender.FEMININE)
_RUSSIAN_MONEY = {
    "RUB": ((("рубль", "рубля", "рублей"), Gender.MASCULINE), _KOPEK),
    "BYN": ((("белорусский рубль", "белорусских рубля", "белорусских рублей"), Gender.MASCULINE), _KOPEK),
    "UAH": ((("гривна", "гривны", "гривен"), Gender.FEMININE), _KOPEK),
    "KZT": ((("тенге", "тенге", "тенге"), Gender.NEUTER), (("тиын", "тиына", "тиынов"), Gender.MASCULINE)),
    "USD": ((("доллар", "доллара", "долларов"), Gender.MASCULINE), _CENT),
    "EUR": ((("евро", "евро", "евро"), Gender.MASCULINE), _CENT),
    "GBP": ((("фунт", "фунта", "фунтов"), Gender.MASCULINE), (("пенс", "пенса", "пенсов"), Gender.MASCULINE)),
}
_ORDINALS = {
    0: "нулев", 1: "перв", 2: "втор", 3: "трет", 4: "четвёрт", 5: "пят", 6: "шест", 7: "седьм", 8: "восьм", 9: "девят",
    10: "десят", 11: "одиннадцат", 12: "двенадцат", 13: "тринадцат", 14: "четырнадцат", 15: "пятнадцат",
    16: "шестнадцат", 17: "семнадцат", 18: "восемнадцат", 19: "девятнадцат", 20: "двадцат", 30: "тридцат",
    40: "сороков", 50: "пятидесят", 60: "шестидесят", 70: "семидесят", 80: "восьмидесят", 90: "девяност",
}  # fmt: skip
_STEMS_OF_HUNDREDS = [
    "_",
    "сот",
    "двухсот",
    "трёхсот",
    "четырёхсот",
    "пятисот",
    "шестисот",
    "семисот",
    "восьмисот",
    "девятисот",
]
_STEMS_OF_THOUSANDS = [
    "_",
    "тысячн",
    "двухтысячн",
    "трёхтысячн",
    "четырёхтысячн",
    "пятитысячн",
    "шеститысячн",
    "семитысячн",
    "восьмитысячн",
    "девятитысячн",
]


def _russian(value: int, gender: Gender) -> str:
    if value == 0:
        return _ONES[0]
    words: list[str] = []
    for power in range(len(_THOUSANDS), 0, -1):
        group = value // 1000**power % 1000
        if group:
            forms, of_group = _THOUSANDS[power - 1]
            words += [*_below_thousand(group, of_group), _form(group, forms)]
    return " ".join([*words, *_below_thousand(value % 1000, gender)])


def _below_thousand(value: int, gender: Gender) -> list[str]:
    words = [_HUNDREDS[value // 100]] if value >= 100 else []
    rest = value % 100
    if 10 <= rest < 20:
        return [*words, _TEENS[rest - 10]]
    if rest >= 20:
        words.append(_TENS[rest // 10])
    one = rest % 10
    return [*words, _GENDERED[gender].get(one, _ONES[one])] if one else words


def _form(value: int, forms: tuple[str, str, str]) -> str:
    """The noun after a number: 1, 21 and 101, but not 11; 2 to 4 and 22 to 24, but not 12 to 14; the rest."""
    if value % 100 // 10 == 1:
        return forms[2]
    match value % 10:
        case 1:
            return forms[0]
        case 2 | 3 | 4:
            return forms[1]
        case _:
            return forms[2]


# English.

_ENGLISH_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_ENGLISH_TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ENGLISH_POWERS = (10**9, "billion"), (10**6, "million"), (1000, "thousand")
ENGLISH_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_ENGLISH_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_ENGLISH_MONEY = {
    "RUB": (("rouble", "roubles"), ("kopek", "kopeks")),
    "BYN": (("Belarusian rouble", "Belarusian roubles"), ("kopek", "kopeks")),
    "UAH": (("hryvnia", "hryvnias"), ("kopek", "kopeks")),
    "KZT": (("tenge", "tenge"), ("tiyn", "tiyn")),
    "USD": (("dollar", "dollars"), ("cent", "cents")),
    "EUR": (("euro", "euros"), ("cent", "cents")),
    "GBP": (("pound", "pounds"), ("penny", "pence")),
}


def _english(value: int) -> str:
    for size, name in _ENGLISH_POWERS:
        if value >= size:
            rest = value % size
            said = f"{_english(value // size)} {name}"
            if not rest:
                return said
            return f"{said} and {_english(rest)}" if rest < 100 else f"{said} {_english(rest)}"
    if value >= 100:
        said = f"{_ENGLISH_ONES[value // 100]} hundred"
        return f"{said} and {_english(value % 100)}" if value % 100 else said
    if value < 20:
        return _ENGLISH_ONES[value]
    tens = _ENGLISH_TENS[value // 10]
    return f"{tens}-{_ENGLISH_ONES[value % 10]}" if value % 10 else tens


def _plural(value: int, forms: tuple[str, str]) -> str:
    return f"{_english(value)} {forms[0] if value == 1 else forms[1]}"
