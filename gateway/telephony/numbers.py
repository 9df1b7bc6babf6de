"""Which numbers may be dialled, and in which one form (threats T-F1, T-F4, T-F12).

A dialled text is first brought to one spelling, or refused; then the country and kind of that number
are judged by numbering-plan data (the `phonenumbers` metadata, after ITU-T E.164), closed by default:
only listed countries, only ordinary kinds of number. What is dialled is never the text but the
number that was judged, so that no spelling can smuggle in another one.
"""

from __future__ import annotations

import re
from dataclasses import InitVar, dataclass
from enum import StrEnum
from urllib.parse import unquote

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from gateway.errors import NumberBarred
from gateway.telephony.shop import NumberRules

_SEAL = object()
"""What only this module can show to make a Dialable."""


@dataclass(frozen=True, slots=True)
class Dialable:
    """A number the policy has passed: `+` and 6 to 15 digits, or a short emergency number.

    Only NumberPolicy makes one, and only a Dialable can reach a modem's dial command. Tests take
    theirs from a policy too. TypeError when somebody else tries.
    """

    digits: str
    emergency: bool
    """An emergency number, which passes every limit."""
    seal: InitVar[object] = None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only NumberPolicy.check() makes a Dialable")


class BarredReason(StrEnum):
    """Why a number may not be dialled."""

    NOT_A_NUMBER = "not-a-number"
    """Letters, foreign digits, pauses, too long, empty."""
    SERVICE_CODE = "service-code"
    """`*` and `#`: supplementary services and USSD (3GPP TS 22.030) are never dialled as calls."""
    NO_SUCH_NUMBER = "no-such-number"
    """No numbering plan has it, or it is shorter than a subscriber's number."""
    COUNTRY = "country"
    """Another country or network than those the owner allows."""
    KIND = "kind"
    """Premium rate, shared cost, satellite and the like."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A refusal. `number` is the E.164 form where the text had one."""

    reason: BarredReason
    number: str | None = None


class NumberPolicy:
    """Judges numbers by the owner's rules. Cheap to make: take a new one when the rules change."""

    def __init__(self, rules: NumberRules) -> None:
        self._rules = rules

    def check(self, text: str) -> Dialable | Verdict:
        """What a dialled text comes to. Emergency numbers of the home country, and 112, always pass."""
        spelling = _plain(text)
        if isinstance(spelling, BarredReason):
            return Verdict(spelling)
        digits = spelling.digits
        if digits == "112" or phonenumbers.is_emergency_number(digits, self._rules.country):
            return Dialable(digits, emergency=True, seal=_SEAL)
        number = self._parsed(spelling)
        if number is None:
            return Verdict(BarredReason.NO_SUCH_NUMBER)
        digits = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        reason = self._reason_against(number, digits)
        return Verdict(reason, digits) if reason is not None else Dialable(digits, emergency=False, seal=_SEAL)

    def require(self, text: str) -> Dialable:
        """As `check`, but raises NumberBarred (`values["reason"]` is a BarredReason) for a refusal."""
        verdict = self.check(text)
        if isinstance(verdict, Dialable):
            return verdict
        shown = verdict.number or text[:_LONGEST_TEXT]
        raise NumberBarred(
            f"The number {shown!r} may not be dialled ({verdict.reason}).", number=shown, reason=verdict.reason
        )

    def require_from_screen(self, text: str) -> Dialable:
        """As `require`, and no emergency number: who needs help dials by hand, no program shall call there."""
        number = self.require(text)
        if number.emergency:
            raise NumberBarred(
                f"The number {text!r} is called from a phone only.", number=text, reason=BarredReason.KIND
            )
        return number

    def normalise(self, text: str) -> str | None:
        """The E.164 form of a number as a network, a person or a file spells it; None where there is none.

        Says nothing about whether it may be dialled, nor whether anybody has it.
        """
        spelling = _plain(text)
        if isinstance(spelling, BarredReason):
            return None
        number = self._parsed(spelling)
        if number is None or not phonenumbers.is_possible_number(number):
            return None
        return phonenumbers.format_number(number, PhoneNumberFormat.E164)

    def _parsed(self, spelling: _Spelling) -> PhoneNumber | None:
        """The number meant: `00` is international everywhere, other prefixes are the home country's."""
        digits = spelling.digits
        if spelling.context is not None and not digits.startswith("+"):
            digits = spelling.context + digits
        elif digits.startswith("00"):
            digits = "+" + digits[2:]
        try:
            return phonenumbers.parse(digits, self._rules.country)
        except NumberParseException:
            return None

    def _reason_against(self, number: PhoneNumber, digits: str) -> BarredReason | None:
        if not phonenumbers.is_valid_number(number) or not _E164.fullmatch(digits):
            return BarredReason.NO_SUCH_NUMBER
        for prefix, reason in _EXCEPTIONS.items():
            if digits.startswith(prefix):
                return reason
        if phonenumbers.region_code_for_number(number) not in self._rules.allowed:
            return BarredReason.COUNTRY
        return None if phonenumbers.number_type(number) in _ORDINARY else BarredReason.KIND


def country_of(number: str) -> str | None:
    """The country (ISO 3166 alpha-2) whose plan an E.164 number belongs to; None where none has it."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) if _E164.fullmatch(number) else None
    except NumberParseException:
        return None


_LONGEST_TEXT = 64
_E164 = re.compile(r"\+[0-9]{6,15}", re.ASCII)
_NUMBER = re.compile(r"\+?[0-9]{1,20}", re.ASCII)
_CONTEXT = re.compile(r"\+[0-9]{1,10}", re.ASCII)
_SEPARATORS = str.maketrans("", "", " \u00a0-.()")
"""Visual separators (RFC 3966 section 5.1.1) and the spaces people type."""

_ORDINARY = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.VOIP,
    }
)

_EXCEPTIONS = {
    # Numbers of +7 that operators in Russia bill as foreign or satellite, which the metadata files under RU.
    "+7840": BarredReason.COUNTRY,  # Abkhazia
    "+7940": BarredReason.COUNTRY,  # Abkhazia, mobile
    "+7850": BarredReason.COUNTRY,  # South Ossetia
    "+7954": BarredReason.KIND,  # GlobalTel, satellite
}


@dataclass(frozen=True, slots=True)
class _Spelling:
    """A dialled text without its decoration: `digits` with or without `+`, and the context of a tel URI."""

    digits: str
    context: str | None


def _plain(text: str) -> _Spelling | BarredReason:
    """Take off what may decorate a number (tel URI, %2B, separators); anything else is refused."""
    if len(text) > _LONGEST_TEXT:
        return BarredReason.NOT_A_NUMBER
    text = unquote(text).strip(" ")
    context: str | None = None
    if text[:4].lower() == "tel:":
        text, semicolon, parameter = text[4:].partition(";")
        if semicolon:
            name, _, context = parameter.partition("=")
            context = context.translate(_SEPARATORS)
            if name.lower() != "phone-context" or not _CONTEXT.fullmatch(context):
                return BarredReason.NOT_A_NUMBER
    digits = text.translate(_SEPARATORS)
    if "*" in digits or "#" in digits:
        return BarredReason.SERVICE_CODE
    if not _NUMBER.fullmatch(digits):
        return BarredReason.NOT_A_NUMBER
    return _Spelling(digits, context)
