"""The number policy: closed by default, one verdict for all spellings, nothing dialled but what was judged."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace

import phonenumbers
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as some

from gateway.errors import NumberBarred
from gateway.telephony.numbers import BarredReason, Dialable, NumberPolicy, Verdict, country_of
from gateway.telephony.shop import NumberRules
from tests.faults import rounds

HOME = NumberPolicy(NumberRules())
WIDER = NumberPolicy(NumberRules(country="RU", countries=("MD", "GB")))
AMERICAN = NumberPolicy(NumberRules(country="US"))


def passed(policy: NumberPolicy, text: str) -> str | None:
    """What would be dialled."""
    verdict = policy.check(text)
    return verdict.digits if isinstance(verdict, Dialable) else None


@pytest.mark.parametrize(
    ("text", "dialled"),
    [
        ("+79161234567", "+79161234567"),
        ("89161234567", "+79161234567"),
        ("79161234567", "+79161234567"),
        ("9161234567", "+79161234567"),
        ("8 (916) 123-45-67", "+79161234567"),
        ("8.916.123.45.67", "+79161234567"),
        ("+7\u00a0916\u00a0123\u00a045\u00a067", "+79161234567"),
        ("0079161234567", "+79161234567"),
        ("81079161234567", "+79161234567"),
        ("%2B79161234567", "+79161234567"),
        ("tel:+7-916-123-45-67", "+79161234567"),
        ("TEL:%2b79161234567", "+79161234567"),
        ("tel:9161234567;phone-context=+7", "+79161234567"),
        ("tel:1234567;phone-context=+7-916", "+79161234567"),
        ("tel:+79161234567;phone-context=+44", "+79161234567"),
        ("tel:89161234567;phone-context=+7", "+79161234567"),
        ("84951234567", "+74951234567"),
        ("88001234567", "+78001234567"),
    ],
)
def test_spellings_of_a_number_at_home(text: str, dialled: str) -> None:
    assert passed(HOME, text) == dialled


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("+442079460018", BarredReason.COUNTRY),
        ("00442079460018", BarredReason.COUNTRY),
        ("810442079460018", BarredReason.COUNTRY),
        ("+77011234567", BarredReason.COUNTRY),  # Kazakhstan shares +7
        ("+78401234567", BarredReason.COUNTRY),  # Abkhazia
        ("89401234567", BarredReason.COUNTRY),
        ("+78501234567", BarredReason.NO_SUCH_NUMBER),
        ("+79541234567", BarredReason.KIND),  # satellite
        ("+882161234567", BarredReason.COUNTRY),
        ("+883510001234567", BarredReason.COUNTRY),
        ("+881612345678", BarredReason.COUNTRY),
        ("+870773123456", BarredReason.COUNTRY),
        ("+979123456789", BarredReason.COUNTRY),
        ("88091234567", BarredReason.KIND),
        ("+78031234567", BarredReason.KIND),
        ("0900123456", BarredReason.NO_SUCH_NUMBER),
        ("118", BarredReason.NO_SUCH_NUMBER),
        ("00", BarredReason.NO_SUCH_NUMBER),
        ("011442079460018", BarredReason.NO_SUCH_NUMBER),
        ("+", BarredReason.NOT_A_NUMBER),
        ("", BarredReason.NOT_A_NUMBER),
        ("   ", BarredReason.NOT_A_NUMBER),
        ("tel:", BarredReason.NOT_A_NUMBER),
        ("2001", BarredReason.NO_SUCH_NUMBER),
        ("8916TAXINOW", BarredReason.NOT_A_NUMBER),
        ("٨٩١٦١٢٣٤٥٦٧", BarredReason.NOT_A_NUMBER),
        ("%D9%A8%D9%A9", BarredReason.NOT_A_NUMBER),
        ("\uff0b79161234567", BarredReason.NOT_A_NUMBER),
        ("%252B79161234567", BarredReason.NOT_A_NUMBER),
        ("++79161234567", BarredReason.NOT_A_NUMBER),
        ("89161234567,,123", BarredReason.NOT_A_NUMBER),
        ("89161234567p123", BarredReason.NOT_A_NUMBER),
        ("89161234567;ext=5", BarredReason.NOT_A_NUMBER),
        ("tel:89161234567;ext=5", BarredReason.NOT_A_NUMBER),
        ("tel:9161234567;phone-context=shop.example", BarredReason.NOT_A_NUMBER),
        ("tel:9161234567;phone-context=+7;ext=1", BarredReason.NOT_A_NUMBER),
        ("89161234567\r\nATD900123;", BarredReason.NOT_A_NUMBER),
        ("0\rATD900123;", BarredReason.NOT_A_NUMBER),
        ("89161234567\x00", BarredReason.NOT_A_NUMBER),
        ("89161234567\n", BarredReason.NOT_A_NUMBER),
        ("8" * 21, BarredReason.NOT_A_NUMBER),
        ("8" * 20, BarredReason.NO_SUCH_NUMBER),
        ("8 " * 40, BarredReason.NOT_A_NUMBER),
        ("*31#+79161234567", BarredReason.SERVICE_CODE),
        ("#31#89161234567", BarredReason.SERVICE_CODE),
        ("%2331%2389161234567", BarredReason.SERVICE_CODE),
        ("*21*0900123456#", BarredReason.SERVICE_CODE),
        ("**61*+79161234567#", BarredReason.SERVICE_CODE),
        ("*#06#", BarredReason.SERVICE_CODE),
        ("tel:*100#", BarredReason.SERVICE_CODE),
    ],
)
def test_what_is_refused(text: str, reason: BarredReason) -> None:
    verdict = HOME.check(text)
    assert isinstance(verdict, Verdict)
    assert verdict.reason is reason


def test_a_refused_number_is_named_in_its_one_form() -> None:
    assert HOME.check("00 44 20 7946 0018") == Verdict(BarredReason.COUNTRY, "+442079460018")
    with pytest.raises(NumberBarred) as refusal:
        HOME.require("00 44 20 7946 0018")
    assert refusal.value.values == {"number": "+442079460018", "reason": BarredReason.COUNTRY}
    with pytest.raises(NumberBarred) as refusal:
        HOME.require("x" * 1000)
    assert len(str(refusal.value)) < 120
    assert HOME.require("89161234567").digits == "+79161234567"


def test_the_owner_opens_countries_one_by_one() -> None:
    assert passed(WIDER, "+37369123456") == "+37369123456"
    assert passed(WIDER, "+442079460018") == "+442079460018"
    assert passed(WIDER, "+448711234567") is None  # shared cost
    assert passed(WIDER, "+449098790000") is None  # premium rate
    assert passed(WIDER, "+447012345678") is None  # personal number
    assert passed(WIDER, "+447781123456") is None  # Guernsey shares +44


def test_another_home_country_reads_local_numbers_its_own_way() -> None:
    assert passed(AMERICAN, "(201) 555-0123") == "+12015550123"
    assert passed(AMERICAN, "01112015550123") == "+12015550123"
    assert passed(AMERICAN, "+18764123456") is None  # Jamaica shares +1
    assert passed(AMERICAN, "19002345678") is None


@pytest.mark.parametrize("text", ["112", "1 1 2", "tel:112", "tel:112;phone-context=+7", "101", "103", "02"])
def test_emergency_numbers_of_the_home_country_always_pass(text: str) -> None:
    verdict = HOME.check(text)
    assert isinstance(verdict, Dialable)
    assert verdict.emergency
    assert re.fullmatch(r"[0-9]{2,3}", verdict.digits)


def test_112_passes_where_the_country_does_not_list_it() -> None:
    for country in sorted(phonenumbers.SUPPORTED_REGIONS):
        verdict = NumberPolicy(NumberRules(country=country)).check("112")
        assert isinstance(verdict, Dialable)
        assert verdict.emergency


@pytest.mark.parametrize("text", ["+112", "00112", "1120", "1122", "911", "999"])
def test_what_only_looks_like_an_emergency(text: str) -> None:
    assert isinstance(HOME.check(text), Verdict)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("89161234567", "+79161234567"),
        ("+7 916 123-45-67", "+79161234567"),
        ("+442079460018", "+442079460018"),
        ("0044 20 7946 0018", "+442079460018"),
        ("+79541234567", "+79541234567"),
        ("900", None),
        ("112", None),
        ("MegaFon", None),
        ("*100#", None),
        ("", None),
        ("+999123456789", None),
    ],
)
def test_one_form_for_a_number_that_calls_us(text: str, normal: str | None) -> None:
    assert HOME.normalise(text) == normal


def test_only_a_policy_makes_a_dialable() -> None:
    real = HOME.require("89161234567")
    attempts: list[Callable[[], object]] = [
        lambda: Dialable("+79161234567", emergency=False),
        lambda: Dialable("+79161234567", emergency=False, seal=object()),
        lambda: replace(real, digits="+882161234567"),
    ]
    for attempt in attempts:
        with pytest.raises((TypeError, ValueError)):
            attempt()
    with pytest.raises(AttributeError):
        real.digits = "+882161234567"  # type: ignore[misc]  # what is refused is the point
    assert copy.copy(real) == real


def _spellings(number: str) -> list[str]:
    """Many ways to write one E.164 number, some of which may be refused but none of which may mean another."""
    digits = number[1:]
    spaced = " ".join(re.findall(r"\d{1,3}", digits))
    foreign = digits.translate({48 + value: 0x660 + value for value in range(10)})
    return [
        number, "00" + digits, "011" + digits, "810" + digits, "8 10 " + spaced, "%2B" + digits, "+" + spaced,
        "tel:" + number, f"tel:{digits};phone-context=+", f"tel:{digits[1:]};phone-context=+{digits[0]}",
        f"tel:{number};phone-context=+882", "+" + foreign, "*31#" + number, "#31#" + number, number + "x",
        f"+({digits[:3]}) {digits[3:]}", "+" + "-".join(digits), number + ";ext=1", f" {number} ",
    ]  # fmt: skip


_PREFIXES = ("7", "79", "7495", "7800", "7809", "77", "7940", "7954", "44", "4470", "1", "1900", "1876", "373", "375",
             "881", "882", "883", "870", "979", "380", "49", "995", "53", "252")  # fmt: skip


@settings(max_examples=rounds(150, 10_000))
@given(prefix=some.sampled_from(_PREFIXES), rest=some.text("0123456789", min_size=4, max_size=12))
@example("7", "9161234567")
@example("882", "161234567")
def test_every_spelling_of_a_number_has_its_verdict_or_is_refused(prefix: str, rest: str) -> None:
    """T-F1."""
    number = "+" + prefix + rest
    assume(len(number) <= 16)
    canonical = passed(WIDER, number)
    for spelling in _spellings(number):
        assert passed(WIDER, spelling) in (None, canonical), spelling
    if canonical is not None:
        for spelling in (number, "00" + number[1:], "810" + number[1:], "%2B" + number[1:], "tel:" + number):
            assert passed(WIDER, spelling) == canonical, spelling


@settings(max_examples=rounds(150, 10_000))
@given(text=some.one_of(some.text(max_size=30), some.text("0123456789+*#;,%B pw()-.٠١٢\r\n", max_size=30)))
def test_whatever_is_typed_only_an_allowed_number_comes_out(text: str) -> None:
    """T-F1, T-F12: judged again from scratch, what passes is of an allowed country and of an ordinary kind."""
    verdict = WIDER.check(text)
    if isinstance(verdict, Verdict):
        return
    if verdict.emergency:
        assert re.fullmatch(r"[0-9]{2,3}", verdict.digits, re.ASCII)
        return
    assert re.fullmatch(r"\+[0-9]{6,15}", verdict.digits, re.ASCII)
    number = phonenumbers.parse(verdict.digits)
    assert phonenumbers.region_code_for_number(number) in {"RU", "MD", "GB"}
    assert phonenumbers.number_type(number) not in {
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
        phonenumbers.PhoneNumberType.UNKNOWN,
    }
    assert passed(WIDER, verdict.digits) == verdict.digits


@pytest.mark.parametrize(
    ("text", "is_emergency"),
    [("+79161234567", False), ("88001234567", False), ("112", True), ("103", True), ("+7 495 123-45-67", False)],
)
def test_only_an_emergency_passes_every_limit(text: str, is_emergency: bool) -> None:
    """What is marked so is dialled past budget, night and lock."""
    verdict = HOME.check(text)
    assert isinstance(verdict, Dialable)
    assert verdict.emergency is is_emergency


def test_a_text_of_64_signs_is_looked_at_and_no_longer_one() -> None:
    number = "+79161234567"
    assert passed(HOME, number + " " * (64 - len(number))) == number
    assert HOME.check(number + " " * (65 - len(number))) == Verdict(BarredReason.NOT_A_NUMBER)


@pytest.mark.parametrize(
    ("number", "country"),
    [("+79161234567", "RU"), ("+37369123456", "MD"), ("+999123456", None), ("9161234567", None), ("+7", None)],
)
def test_whose_plan_a_number_belongs_to(number: str, country: str | None) -> None:
    assert country_of(number) == country


def test_a_verdict_cannot_be_changed() -> None:
    for each in (HOME.check("+79161234567"), HOME.check("+882161234567")):
        with pytest.raises(AttributeError):
            setattr(each, "digits" if isinstance(each, Dialable) else "reason", "+882161234567")
