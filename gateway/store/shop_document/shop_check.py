"""What must hold in a shop beyond the types of its keys; each breach is noted at its line."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import fields
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import phonenumbers

from gateway.store.shop_document.branches_check import check_branches
from gateway.store.shop_document.checks import (
    check_filled,
    check_form,
    check_number,
    check_within,
    names_in,
    note_twice,
    note_unknown,
)
from gateway.store.shop_document.contacts_check import check_contacts
from gateway.store.shop_document.order_status_check import check_order_status
from gateway.store.shop_document.people_check import MINUTES_OF_A_DAY, MOST_CALLS_AT_ONCE, check_people
from gateway.store.shop_document.queue_check import check_queue
from gateway.store.shop_document.reception_check import check_reception
from gateway.store.shop_document.schedule_check import check_schedule
from gateway.store.shop_document.toll_free_check import check_toll_free
from gateway.store.shop_document.widget_check import check_widget
from gateway.telephony.feature_codes import FeatureCodes
from gateway.telephony.missed_rules import MissedRules
from gateway.telephony.night import NightLock
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.order_status import OrderStatusRules
from gateway.telephony.recording_policy import RecordingPolicy, RecordingRoute
from gateway.telephony.shop import (
    PBX_PREFIX,
    CourierSettings,
    LineSettings,
    NumberRules,
    OrderRules,
    PbxSettings,
    PhoneSettings,
    TrunkSettings,
    UssdRules,
)
from gateway.telephony.tariffs import TariffSettings
from gateway.toml_document import Place, TomlDocument, quoted, wrong_word

LANGUAGES = ("en", "ru")
MOST_TRUNK_MINUTES = 20 * MINUTES_OF_A_DAY
"""A provider carries several calls at once."""
_IMEI = re.compile(r"[0-9]{14,16}", re.ASCII)
_ICCID = re.compile(r"[0-9]{18,20}", re.ASCII)
_FEATURE_CODE = re.compile(r"([*#][0-9*#]{1,5})?", re.ASCII)
_PREFIX = re.compile(r"\+[0-9]{1,15}", re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,6}(\.[0-9]{1,4})?", re.ASCII)
_USSD_CODE = re.compile(r"[*#][0-9*#]{1,30}#", re.ASCII)
_USSD_ANSWER = re.compile(r"[0-9*#]{1,20}", re.ASCII)
_HOUR = re.compile(r"((?:[01][0-9]|2[0-3]):[0-5][0-9])?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9a-fA-F:.]+\]", re.ASCII)
_WHOLE_PATH = re.compile(r"/.+")
_HOST_AND_PORT = re.compile(rf"(?:{_HOST.pattern})(?::[0-9]{{1,5}})?", re.ASCII)


def check_shop(document: TomlDocument) -> None:
    """Note everything that is wrong with what `document` has read of a shop."""
    _check_texts(document)
    _check_heading(document)
    policy = _check_countries(document)
    _check_lines(document, policy)
    check_people(document, policy)
    check_contacts(document, policy)
    _check_trunks(document, policy)
    _check_night(document, policy)
    _check_texts_of_lines(document)
    check_schedule(document)
    check_toll_free(document, names_in(document, "phones", "extension") | names_in(document, "couriers", "extension"))
    check_reception(document, policy)
    check_branches(document, names_in(document, "phones", "extension"))
    check_widget(document, names_in(document, "phones", "extension"))
    check_order_status(document, policy)
    phones = names_in(document, "phones", "extension")
    taken = phones | names_in(document, "couriers", "extension")
    taken |= {each.extension for _, each in document.found(OrderStatusRules) if each.extension}
    check_queue(document, policy, phones, taken)
    parties: list[tuple[Place, PhoneSettings | TrunkSettings]] = [
        *document.found(PhoneSettings),
        *document.found(TrunkSettings),
    ]
    for place, party in parties:
        if len(set(party.codecs)) < len(party.codecs):
            document.problem((*place, "codecs"), f"{quoted((*place, 'codecs'))} names a codec twice.")
    for place, codes in document.found(FeatureCodes):
        for key in (each.name for each in fields(FeatureCodes)):
            check_form(document, (*place, key), getattr(codes, key), _FEATURE_CODE, 'a code like "*8", or ""')
    for place, recording in document.found(RecordingPolicy):
        check_within(document, (*place, "keep_days"), recording.keep_days, 1, 3650)
        check_within(document, (*place, "beep_seconds"), recording.beep_seconds, 0, 120)
    ways = names_in(document, "lines", "name") | names_in(document, "trunks", "name")
    for place, route in document.found(RecordingRoute):
        if route.way is not None and route.way not in ways:
            document.problem((*place, "way"), wrong_word((*place, "way"), route.way, tuple(sorted(ways))))
    for place, pbx in document.found(PbxSettings):
        check_form(document, (*place, "host"), pbx.host, _HOST, "a host name or address")
        check_within(document, (*place, "port"), pbx.port, 1, 65535)
    upstream: list[tuple[Place, PbxSettings | TrunkSettings]] = [
        *document.found(PbxSettings),
        *document.found(TrunkSettings),
    ]
    for place, found in upstream:
        check_form(document, (*place, "ca_file"), found.ca_file, _WHOLE_PATH, "a path that begins with /")
    for place, courier in document.found(CourierSettings):
        if courier.pbx_password is not None and not document.found(PbxSettings):
            document.problem(
                (*place, "pbx_password"),
                f'The courier "{courier.extension}" has a "pbx_password", but there is no [pbx] to register at.',
            )


def _check_texts(document: TomlDocument) -> None:
    """No control characters anywhere: names travel in SIP headers, logs and pages."""
    for place, found in document.found(object):
        for each in fields(found):  # type: ignore[arg-type]  # only dataclasses are read
            value = getattr(found, each.name)
            if isinstance(value, str) and any(unicodedata.category(character) == "Cc" for character in value):
                document.problem(
                    (*place, each.name), f"{quoted((*place, each.name))} must not hold control characters."
                )


def _check_heading(document: TomlDocument) -> None:
    heading: Any = next((found for place, found in document.found(object) if place == ("shop",)), None)
    if heading is None:
        return
    if heading.language not in LANGUAGES:
        document.problem(("shop", "language"), wrong_word(("shop", "language"), heading.language, LANGUAGES))
    if not _CURRENCY.fullmatch(heading.currency):
        document.problem(("shop", "currency"), '"currency" of [shop] must be a code of three letters like "RUB".')
    try:
        ZoneInfo(heading.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(heading.time_zone, sorted(available_timezones()), n=1)
        hint = f' Did you mean "{near[0]}"?' if near else ""
        document.problem(
            ("shop", "time_zone"),
            f'"time_zone" of [shop] must be one like "Europe/Moscow", not "{heading.time_zone}".{hint}',
        )


def _check_countries(document: TomlDocument) -> NumberPolicy | None:
    """Note unknown countries; the policy that the other numbers are judged by, None when that is not known."""
    rules = NumberRules()
    known = True
    for place, found in document.found(NumberRules):
        rules = found
        for key, country in (("country", found.country), *(("countries", each) for each in found.countries)):
            if country not in phonenumbers.SUPPORTED_REGIONS:
                known = False
                upper = country.upper()
                hint = f' Did you mean "{upper}"?' if upper in phonenumbers.SUPPORTED_REGIONS else ""
                document.problem(
                    (*place, key),
                    f'{quoted((*place, key))} must hold codes of two letters like "RU", not "{country}".{hint}',
                )
    return NumberPolicy(rules) if known else None


def _check_lines(document: TomlDocument, policy: NumberPolicy | None) -> None:
    phones = names_in(document, "phones", "extension")
    lines = document.found(LineSettings)
    for key in ("name", "modem", "imei", "iccid"):
        note_twice(document, ((place, key, getattr(line, key)) for place, line in lines))
    for place, line in lines:
        check_filled(document, (*place, "name"), line.name)
        if line.modem is None and line.imei is None and line.iccid is None:
            document.problem(place, f'The line "{line.name}" needs one of "modem", "imei" and "iccid".')
        check_form(document, (*place, "imei"), line.imei, _IMEI, "15 digits")
        check_form(document, (*place, "iccid"), line.iccid, _ICCID, "19 or 20 digits")
        check_within(document, (*place, "minutes_per_day"), line.minutes_per_day, 0, MINUTES_OF_A_DAY)
        _check_month(document, place, line)
        check_number(document, (*place, "number"), line.number, policy)
        for extension in line.rings:
            if extension not in phones:
                note_unknown(document, (*place, "rings"), extension, phones, "is not the extension of a phone")


def _check_texts_of_lines(document: TomlDocument) -> None:
    """SMS and USSD: who may write, how much, and which codes."""
    extensions = names_in(document, "phones", "extension") | names_in(document, "couriers", "extension")
    for place, line in document.found(LineSettings):
        for extension in line.texts:
            if extension not in extensions:
                note_unknown(document, (*place, "texts"), extension, extensions, "is not an extension")
        check_within(document, (*place, "sms_per_minute"), line.sms_per_minute, 1, 60)
        check_within(document, (*place, "sms_per_day"), line.sms_per_day, 0, 10_000)
        check_form(document, (*place, "balance_code"), line.balance_code, _USSD_CODE, 'a code like "*100#"')
        if line.low_balance is not None:
            check_within(document, (*place, "low_balance"), line.low_balance, 0, 1_000_000)
        if line.balance_pattern is not None and not _is_pattern(line.balance_pattern):
            document.problem(
                (*place, "balance_pattern"),
                '"balance_pattern" of [[lines]] must be a regular expression with a group, like "Balance: ([0-9.]+)".',
            )
    ways = names_in(document, "lines", "name") | names_in(document, "trunks", "name")
    for place, tariff in document.found(TariffSettings):
        if tariff.way not in ways:
            note_unknown(document, (*place, "way"), tariff.way, ways, "is not the name of a line or provider")
        check_form(
            document, (*place, "prefix"), tariff.prefix or None, _PREFIX, 'the beginning of a number, like "+7916"'
        )
        check_form(document, (*place, "per_minute"), tariff.per_minute, _AMOUNT, 'an amount like "1.50"')
        check_within(document, (*place, "step_seconds"), tariff.step_seconds, 1, 3600)
        check_within(document, (*place, "free_seconds"), tariff.free_seconds, 0, 3600)
        check_within(document, (*place, "plan_minutes"), tariff.plan_minutes, 0, 100_000)
    for place, lives in document.found(OrderRules):
        check_within(document, (*place, "grace_minutes"), lives.grace_minutes, 0, 7 * 24 * 60)
        check_within(document, (*place, "open_days"), lives.open_days, 1, 90)
        check_within(document, (*place, "alert_after"), lives.alert_after, 1, 100)
    for place, missed in document.found(MissedRules):
        check_within(document, (*place, "alert_minutes"), missed.alert_minutes, 0, 7 * MINUTES_OF_A_DAY)
        check_within(document, (*place, "listed_days"), missed.listed_days, 1, 90)
    for place, rules in document.found(UssdRules):
        for code in rules.codes:
            check_form(document, (*place, "codes"), code, _USSD_CODE, 'codes like "*100#"')
        for answer in rules.answers:
            check_form(document, (*place, "answers"), answer, _USSD_ANSWER, 'answers like "1"')
        check_within(document, (*place, "balance_hours"), rules.balance_hours, 0, 24 * 30)


def _is_pattern(text: str) -> bool:
    try:
        return len(text) <= 200 and re.compile(text).groups >= 1
    except re.error:
        return False


def _check_trunks(document: TomlDocument, policy: NumberPolicy | None) -> None:
    trunks = document.found(TrunkSettings)
    named: list[tuple[Place, Any]] = [*document.found(LineSettings), *trunks]
    note_twice(document, ((place, "name", each.name) for place, each in named))
    for place, each in named:
        if each.name.startswith(PBX_PREFIX):
            document.problem((*place, "name"), f'A name must not begin with "{PBX_PREFIX}": the PBX takes those.')
    for place, trunk in trunks:
        check_filled(document, (*place, "name"), trunk.name)
        check_form(document, (*place, "host"), trunk.host, _HOST_AND_PORT, "a host name or address")
        check_number(document, (*place, "number"), trunk.number, policy)
        check_within(document, (*place, "minutes_per_day"), trunk.minutes_per_day, 0, MOST_TRUNK_MINUTES)
        _check_month(document, place, trunk)
        if trunk.calls_at_once is not None:
            check_within(document, (*place, "calls_at_once"), trunk.calls_at_once, 1, MOST_CALLS_AT_ONCE)
        if trunk.password is not None and trunk.user is None:
            document.problem((*place, "password"), f'The trunk "{trunk.name}" has a password but no "user".')


def _check_month(document: TomlDocument, place: Place, way: LineSettings | TrunkSettings) -> None:
    for key, most in (("minutes_per_month", 31 * MOST_TRUNK_MINUTES), ("money_per_month", 10_000_000)):
        value = getattr(way, key)
        if value is not None:
            check_within(document, (*place, key), value, 0, most)


def _check_night(document: TomlDocument, policy: NumberPolicy | None) -> None:
    for place, night in document.found(NightLock):
        for key in ("begins", "ends"):
            check_form(document, (*place, key), getattr(night, key), _HOUR, 'an hour like "23:00", or ""')
        if bool(night.begins) is not bool(night.ends):
            document.problem(place, 'The night needs both "begins" and "ends".')
        for number in night.numbers:
            check_number(document, (*place, "numbers"), number, policy)
