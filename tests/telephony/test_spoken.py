"""Words as people say them; the tables were read by hand."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

import pytest

from gateway.telephony.spoken import LARGEST, Gender, clock, counted, day, digits, money, number, until_clock


@pytest.mark.parametrize(
    ("value", "english", "russian"),
    [
        (0, "zero", "ноль"),
        (1, "one", "один"),
        (12, "twelve", "двенадцать"),
        (19, "nineteen", "девятнадцать"),
        (20, "twenty", "двадцать"),
        (42, "forty-two", "сорок два"),
        (90, "ninety", "девяносто"),
        (100, "one hundred", "сто"),
        (101, "one hundred and one", "сто один"),
        (219, "two hundred and nineteen", "двести девятнадцать"),
        (400, "four hundred", "четыреста"),
        (1000, "one thousand", "одна тысяча"),
        (1001, "one thousand and one", "одна тысяча один"),
        (2002, "two thousand and two", "две тысячи два"),
        (5000, "five thousand", "пять тысяч"),
        (11_000, "eleven thousand", "одиннадцать тысяч"),
        (21_500, "twenty-one thousand five hundred", "двадцать одна тысяча пятьсот"),
        (112_000, "one hundred and twelve thousand", "сто двенадцать тысяч"),
        (1_000_000, "one million", "один миллион"),
        (2_000_001, "two million and one", "два миллиона один"),
        (5_022_000_000, "five billion twenty-two million", "пять миллиардов двадцать два миллиона"),
        (-7, "minus seven", "минус семь"),
    ],
)
def test_numbers(value: int, english: str, russian: str) -> None:
    assert number(value, "en") == english
    assert number(value, "ru") == russian


@pytest.mark.parametrize(
    ("value", "gender", "russian"),
    [
        (1, Gender.FEMININE, "одна"),
        (2, Gender.FEMININE, "две"),
        (21, Gender.NEUTER, "двадцать одно"),
        (22, Gender.NEUTER, "двадцать два"),
        (11, Gender.FEMININE, "одиннадцать"),
        (12, Gender.FEMININE, "двенадцать"),
        (1_001_001, Gender.FEMININE, "один миллион одна тысяча одна"),
        (2_000_000, Gender.FEMININE, "два миллиона"),
    ],
)
def test_only_the_last_group_follows_the_gender(value: int, gender: Gender, russian: str) -> None:
    assert number(value, "ru", gender) == russian


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1, "один заказ"), (2, "два заказа"), (4, "четыре заказа"), (5, "пять заказов"), (11, "одиннадцать заказов"),
        (14, "четырнадцать заказов"), (21, "двадцать один заказ"), (22, "двадцать два заказа"),
        (111, "сто одиннадцать заказов"), (121, "сто двадцать один заказ"), (0, "ноль заказов"),
        (1000, "одна тысяча заказов"),
    ],
)  # fmt: skip
def test_nouns_follow_the_number(value: int, said: str) -> None:
    assert counted(value, ("заказ", "заказа", "заказов")) == said


@pytest.mark.parametrize(
    ("amount", "currency", "english", "russian"),
    [
        ("0", "RUB", "zero roubles", "ноль рублей"),
        ("1", "RUB", "one rouble", "один рубль"),
        ("101.05", "RUB", "one hundred and one roubles and five kopeks", "сто один рубль пять копеек"),
        ("0.02", "RUB", "two kopeks", "две копейки"),
        ("1.01", "RUB", "one rouble and one kopek", "один рубль одна копейка"),
        ("22.22", "RUB", "twenty-two roubles and twenty-two kopeks", "двадцать два рубля двадцать две копейки"),
        (
            "111.11",
            "RUB",
            "one hundred and eleven roubles and eleven kopeks",
            "сто одиннадцать рублей одиннадцать копеек",
        ),
        ("21000", "RUB", "twenty-one thousand roubles", "двадцать одна тысяча рублей"),
        ("-2.5", "USD", "minus two dollars and fifty cents", "минус два доллара пятьдесят центов"),
        ("1", "EUR", "one euro", "один евро"),
        ("2", "UAH", "two hryvnias", "две гривны"),
        ("0.999", "USD", "one dollar", "один доллар"),
        ("1.01", "GBP", "one pound and one penny", "один фунт один пенс"),
        ("3", "JPY", "three J P Y", "три J P Y"),
        ("2.21", "GEL", "two G E L and twenty-one hundredths", "два G E L двадцать одна сотая"),
    ],
)
def test_money(amount: str, currency: str, english: str, russian: str) -> None:
    assert money(Decimal(amount), currency, "en") == english
    assert money(Decimal(amount), currency, "ru") == russian


@pytest.mark.parametrize(
    ("value", "english", "russian"),
    [
        (date(2026, 1, 3), "the third of January two thousand and twenty-six",
         "третье января две тысячи двадцать шестого года"),
        (date(2000, 11, 30), "the thirtieth of November two thousand", "тридцатое ноября двухтысячного года"),
        (date(1999, 5, 1), "the first of May one thousand nine hundred and ninety-nine",
         "первое мая тысяча девятьсот девяносто девятого года"),
        (date(2027, 8, 23), "the twenty-third of August two thousand and twenty-seven",
         "двадцать третье августа две тысячи двадцать седьмого года"),
        (date(2040, 2, 12), "the twelfth of February two thousand and forty",
         "двенадцатое февраля две тысячи сорокового года"),
        (date(2100, 3, 31), "the thirty-first of March two thousand one hundred",
         "тридцать первое марта две тысячи сотого года"),
    ],
)  # fmt: skip
def test_dates(value: date, english: str, russian: str) -> None:
    assert day(value, "en") == english
    assert day(value, "ru") == russian


def test_dates_without_a_year() -> None:
    assert day(date(2026, 12, 8), "en", with_year=False) == "the eighth of December"
    assert day(date(2026, 12, 8), "ru", with_year=False) == "восьмое декабря"


@pytest.mark.parametrize(
    ("value", "english", "russian"),
    [
        (time(0, 0), "midnight", "ноль часов"),
        (time(0, 1), "zero oh one", "ноль часов одна минута"),
        (time(1, 2), "one oh two", "один час две минуты"),
        (time(9, 0), "nine o'clock", "девять часов"),
        (time(11, 11), "eleven eleven", "одиннадцать часов одиннадцать минут"),
        (time(21, 45), "twenty-one forty-five", "двадцать один час сорок пять минут"),
        (time(22, 22), "twenty-two twenty-two", "двадцать два часа двадцать две минуты"),
    ],
)
def test_times(value: time, english: str, russian: str) -> None:
    assert clock(value, "en") == english
    assert clock(value, "ru") == russian


@pytest.mark.parametrize(
    ("closes", "english", "russian"),
    [
        (time(18), "until eighteen o'clock", "до восемнадцати часов"),
        (time(21), "until twenty-one o'clock", "до двадцати одного часа"),
        (time(23, 41), "until twenty-three forty-one", "до двадцати трёх часов сорока одной минуты"),
        (time(0), "until midnight", "до полуночи"),
    ],
)
def test_until_a_time(closes: time, english: str, russian: str) -> None:
    assert until_clock(closes, "en") == english
    assert until_clock(closes, "ru") == russian


def test_digits() -> None:
    assert digits("+7 903-12", "ru") == "семь девять ноль три один два"
    assert digits("A-17/9", "en") == "one seven nine"
    assert digits("", "en") == ""


def test_what_no_shop_says() -> None:
    assert number(LARGEST, "en").startswith("nine hundred and ninety-nine billion")
    with pytest.raises(ValueError, match="too large"):
        number(LARGEST + 1, "ru")
