"""What must hold of [[phones]] and [[couriers]] beyond the types of their keys."""

from __future__ import annotations

import re

from gateway.store.shop_document.checks import (
    check_filled,
    check_form,
    check_within,
    may_be_called,
    names_in,
    note_twice,
    note_unknown,
)
from gateway.telephony.numbers import Dialable, NumberPolicy
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings
from gateway.toml_document import Place, TomlDocument, quoted

MINUTES_OF_A_DAY = 1440
MOST_CALLS_AT_ONCE = 1_000
MOST_CALLS_PER_MINUTE = 1_000
_EXTENSION = re.compile(r"[0-9]{1,8}", re.ASCII)
_PIN = re.compile(r"[0-9]{6,12}", re.ASCII)
_MAC = re.compile(r"[0-9a-f]{12}", re.ASCII)


def check_people(document: TomlDocument, policy: NumberPolicy | None) -> None:
    """Note every breach; `policy` is None where the shop's countries are not known."""
    people: list[tuple[Place, PhoneSettings | CourierSettings]] = [
        *document.found(PhoneSettings),
        *document.found(CourierSettings),
    ]
    # A courier may have a SIP phone of the same extension.
    for kind in (PhoneSettings, CourierSettings):
        of_kind = ((place, person) for place, person in people if isinstance(person, kind))
        note_twice(document, ((place, "extension", person.extension) for place, person in of_kind))
    for place, person in people:
        check_form(document, (*place, "extension"), person.extension, _EXTENSION, "1 to 8 digits")
        if person.extension == "112":
            document.problem((*place, "extension"), "112 is the emergency number and cannot be an extension.")
        check_within(document, (*place, "minutes_per_day"), person.minutes_per_day, 0, MINUTES_OF_A_DAY)
        check_within(document, (*place, "calls_per_minute"), person.calls_per_minute, 1, MOST_CALLS_PER_MINUTE)
        check_within(document, (*place, "calls_at_once"), person.calls_at_once, 1, MOST_CALLS_AT_ONCE)
    for place, phone in document.found(PhoneSettings):
        check_filled(document, (*place, "password"), phone.password)
        check_form(document, (*place, "voicemail_pin"), phone.voicemail_pin, _PIN, "6 to 12 digits", is_secret=True)
        _check_wishes(document, place, phone, policy)
    lines = names_in(document, "lines", "name")
    own_numbers = {
        policy.normalise(line.number) for _, line in document.found(LineSettings) if line.number and policy is not None
    }
    mobiles: list[tuple[Place, str, str | None]] = []
    for place, courier in document.found(CourierSettings):
        if courier.pin is not None and not _PIN.fullmatch(courier.pin):
            document.problem((*place, "pin"), f'The pin of courier "{courier.extension}" must have 6 to 12 digits.')
        for line in courier.lines:
            if line not in lines:
                note_unknown(document, (*place, "lines"), line, lines, "is not the name of a line")
        check_within(document, (*place, "ring_seconds"), courier.ring_seconds, 5, 60)
        check_within(document, (*place, "app_seconds"), courier.app_seconds, 3, 60)
        people_there = names_in(document, "phones", "extension") | names_in(document, "couriers", "extension")
        if courier.then is not None and (courier.then not in people_there or courier.then == courier.extension):
            document.problem(
                (*place, "then"), f'"then" of courier "{courier.extension}" must be another extension of the shop.'
            )
        mobile = _check_mobile(document, (*place, "mobile"), courier, policy)
        if mobile is not None and mobile in own_numbers:
            document.problem(
                (*place, "mobile"), f"{mobile} is the number of a line; a courier's mobile is another phone."
            )
        mobiles.append((place, "mobile", mobile))
    note_twice(document, mobiles)


def _check_wishes(document: TomlDocument, place: Place, phone: PhoneSettings, policy: NumberPolicy | None) -> None:
    """What a phone wants done with its calls."""
    check_form(document, (*place, "mac"), phone.mac, _MAC, "12 digits of 0-9 and a-f, without colons")
    check_within(document, (*place, "forward_after_seconds"), phone.forward_after_seconds, 5, 55)
    people = names_in(document, "phones", "extension") | names_in(document, "couriers", "extension")
    for key in ("forward_always", "forward_busy", "forward_no_answer"):
        target = getattr(phone, key)
        if target is None or (target in people and target != phone.extension):
            continue
        if target == phone.extension:
            document.problem((*place, key), f'The phone "{phone.extension}" cannot forward to itself.')
        elif policy is not None and not may_be_called(policy, target):
            document.problem(
                (*place, key), f"{quoted((*place, key))} must be an extension or a number that may be called."
            )


def _check_mobile(
    document: TomlDocument, place: Place, courier: CourierSettings, policy: NumberPolicy | None
) -> str | None:
    """The courier's mobile in E.164, if it is a number that may be called."""
    if policy is None:
        return None
    verdict = policy.check(courier.mobile)
    if isinstance(verdict, Dialable):
        if not verdict.emergency:
            return verdict.digits
        reason = "is an emergency number"
    elif verdict.reason == "country":
        reason = "is in a country that [numbers] does not allow"
    elif verdict.reason == "kind":
        reason = "is a premium, satellite or other special number"
    else:
        reason = "is not a phone number; write it like +79161234567"
    document.problem(place, f'The mobile "{courier.mobile}" of courier "{courier.extension}" {reason}.')
    return None
