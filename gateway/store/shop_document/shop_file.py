"""shop.toml: the shop as a file that travels.

A secret that the file masks or leaves out keeps the value the shop has; a phone's password that
nobody has yet is generated (T-S1). An empty text takes an optional secret away. A password at a provider
or PBX is kept for that host alone.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import tomli_w

from gateway.errors import SettingsError, StoreError
from gateway.store.shop_document.shop_check import check_shop
from gateway.telephony.branches import Branch
from gateway.telephony.contacts import ContactRules
from gateway.telephony.feature_codes import FeatureCodes
from gateway.telephony.missed_rules import MissedRules
from gateway.telephony.night import NightLock
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.order_status import OrderHeader, OrderSource, OrderStatusRules
from gateway.telephony.queue_rules import NamedQueue, QueueRules
from gateway.telephony.reception import Reception
from gateway.telephony.recording_policy import RecordingPolicy
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import (
    CourierSettings,
    LineSettings,
    NumberRules,
    OrderRules,
    PbxSettings,
    PhoneSettings,
    Shop,
    SipTransport,
    Srtp,
    TrunkSettings,
    UssdRules,
)
from gateway.telephony.stage_words import StageWord
from gateway.telephony.tariffs import TariffSettings
from gateway.telephony.toll_free import TollFreeRules
from gateway.telephony.widget import WidgetRules
from gateway.toml_document import TomlDocument

MASK = "********"
PASSWORD_CHARACTERS = 20
_PASSWORD_ALPHABET = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # noqa: S105  # what passwords are made of
SECRETS = {
    "phones": ("password", "voicemail_pin"),
    "couriers": ("pin", "pbx_password"),
    "trunks": ("password",),
    "order_headers": ("secret",),
}
"""What of the tables of each kind is masked."""
_BY_NAME = frozenset({"trunks", "order_headers"})
_DEFAULT = Shop()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadShop:
    """What a file came to: `generated` are the extensions that got a new password, `notes` are for the owner."""

    shop: Shop
    generated: tuple[str, ...]
    notes: tuple[str, ...]


def read_shop(source: Path | str, current: Shop | None = None) -> Shop:
    """The shop that a file (a Path) or a text (a str) describes; `current` has the secrets it may leave out.

    Raises SettingsError that names every error, one per line: `file:line: sentence`.
    """
    return read_shop_with_notes(source, current).shop


def read_shop_with_notes(source: Path | str, current: Shop | None = None) -> ReadShop:
    """As `read_shop`, with what the owner should be told."""
    document = TomlDocument.of_file(source) if isinstance(source, Path) else TomlDocument(source, "shop.toml")
    generated, notes = _fill_secrets(document, current or _DEFAULT)
    file: _File | None = document.read(_File, document.content, ())
    check_shop(document)
    document.finish()
    if file is None:
        raise AssertionError("a document that could not be read has errors to tell")
    parts = {each.name: getattr(file, each.name) for each in fields(_File) if each.name != "shop"}
    heading = {each.name: getattr(file.shop, each.name) for each in fields(_Heading)}
    shop = _in_one_form(Shop(**heading, **parts))
    return ReadShop(shop=shop, generated=generated, notes=(*notes, *_notes_on_media(shop)))


def write_shop(shop: Shop, with_secrets: bool = False) -> str:
    """The shop as TOML that `read_shop` takes back; secrets are masked unless asked for."""
    document = plain(shop)
    heading = {each.name: document.pop(each.name) for each in fields(_Heading)}
    sections = ["[shop]\n" + tomli_w.dumps(heading)]
    for name, content in document.items():
        for table in content if isinstance(content, list) else ():
            for secret in SECRETS.get(name, ()):
                if secret in table and not with_secrets:
                    table[secret] = MASK
            own = {key: value for key, value in table.items() if not isinstance(value, dict)}
            sections.append(f"[[{name}]]\n" + tomli_w.dumps(_without_blanks(own)))
            sections += [
                tomli_w.dumps({name: {key: _without_blanks(value)}})
                for key, value in table.items()
                if isinstance(value, dict)
            ]
        if isinstance(content, dict):
            sections.append(tomli_w.dumps({name: _without_blanks(content)}))
    return "\n".join(sections)


def plain(value: Any) -> Any:
    """A settings value as TOML and JSON have it: tables, lists, text, numbers; what is None is left out."""
    if is_dataclass(value):
        pairs = ((each.name, getattr(value, each.name)) for each in fields(value) if each.init)
        return {name: plain(found) for name, found in pairs if found is not None}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, StrEnum) else value


def shop_of_plain(document: dict[str, Any]) -> Shop:
    """The shop that `plain` described; keys of a later version are passed over. Raises StoreError."""
    reader = TomlDocument("", "the stored shop", passes_unknown_keys=True)
    shop: Shop | None = reader.read(Shop, document, ())
    try:
        reader.finish()
    except SettingsError as error:
        raise StoreError(f"The stored shop cannot be read: {error}") from error
    if shop is None:
        raise AssertionError("a document that could not be read has errors to tell")
    return shop


def program_of(order_source: object) -> str:
    """Scheme and host of the table [order_source]: what is secret about one program is told to no other."""
    url = order_source.get("url") if isinstance(order_source, dict) else None
    return "/".join(url.split("/")[:3]).casefold() if isinstance(url, str) else ""


def said_elsewhere(name: str, before: str, after: object) -> str | None:
    """What is wrong where the password of `name`, which was entered for one host, would be said to another; or None.

    `before` and `after` may end with a port. Whoever may change the host but does not know the password could else
    have it proven to a host of theirs, and guess it there for as long as they like.
    """
    if not isinstance(after, str) or _host_of(after) == _host_of(before):
        return None
    return f'The password of "{name}" was entered for {before}: enter the one for {after}, or remove it.'


def _host_of(server: str) -> str:
    return re.sub(r":[0-9]+$", "", server).casefold()


def new_password() -> str:
    """A SIP password: 20 characters that cannot be mistaken for one another, about 116 bits."""
    return "".join(secrets.choice(_PASSWORD_ALPHABET) for _ in range(PASSWORD_CHARACTERS))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heading:
    """The table [shop]."""

    name: str = _DEFAULT.name
    language: str = _DEFAULT.language
    time_zone: str = _DEFAULT.time_zone
    currency: str = _DEFAULT.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """The tables of shop.toml."""

    shop: _Heading = _Heading()
    lines: tuple[LineSettings, ...] = ()
    phones: tuple[PhoneSettings, ...] = ()
    couriers: tuple[CourierSettings, ...] = ()
    trunks: tuple[TrunkSettings, ...] = ()
    pbx: PbxSettings | None = None
    recording: RecordingPolicy = _DEFAULT.recording
    numbers: NumberRules = _DEFAULT.numbers
    codes: FeatureCodes = _DEFAULT.codes
    ussd: UssdRules = _DEFAULT.ussd
    orders: OrderRules = _DEFAULT.orders
    order_words: tuple[StageWord, ...] = ()
    order_source: OrderSource = _DEFAULT.order_source
    order_headers: tuple[OrderHeader, ...] = ()
    order_status: OrderStatusRules = _DEFAULT.order_status
    reception: Reception = _DEFAULT.reception
    queue: QueueRules = _DEFAULT.queue
    queues: tuple[NamedQueue, ...] = ()
    missed: MissedRules = _DEFAULT.missed
    contacts: ContactRules = _DEFAULT.contacts
    tariffs: tuple[TariffSettings, ...] = ()
    night: NightLock = _DEFAULT.night
    toll_free: TollFreeRules = _DEFAULT.toll_free
    widget: WidgetRules = _DEFAULT.widget
    schedule: Schedule = _DEFAULT.schedule
    branches: tuple[Branch, ...] = ()


def _without_blanks(table: dict[str, Any]) -> dict[str, Any]:
    """Without empty lists and names, which are what a missing key means."""
    return {key: value for key, value in table.items() if value != [] and (key != "name" or value)}


def _fill_secrets(document: TomlDocument, current: Shop) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put in, before reading, the secrets that the tables mask or leave out."""
    content = document.content
    generated: list[str] = []
    notes: list[str] = []
    stored: dict[tuple[str, str], dict[str, str | None]] = {
        ("phones", "password"): {phone.extension: phone.password for phone in current.phones},
        ("phones", "voicemail_pin"): {phone.extension: phone.voicemail_pin for phone in current.phones},
        ("couriers", "pin"): {courier.extension: courier.pin for courier in current.couriers},
        ("couriers", "pbx_password"): {courier.extension: courier.pbx_password for courier in current.couriers},
        ("trunks", "password"): {trunk.name: trunk.password for trunk in current.trunks},
        ("order_headers", "secret"): {
            header.name: header.secret
            for header in current.order_headers
            if program_of(content.get("order_source")) == program_of(plain(current.order_source))
        },
    }
    for (name, key), secrets_of in stored.items():
        tables = content.get(name)
        for index, table in enumerate(tables if isinstance(tables, list) else ()):
            if not isinstance(table, dict) or table.get(key, MASK) != MASK:
                if isinstance(table, dict) and table[key] == "" and (name, key) != ("phones", "password"):
                    del table[key]
                continue
            identity = table.get("name" if name in _BY_NAME else "extension")
            known = secrets_of.get(identity) if isinstance(identity, str) else None
            if known is not None:
                table[key] = known
                problem = _said_elsewhere(name, key, table, content, current)
                if problem is not None:
                    document.problem((name, index, key), problem)
            elif (name, key) == ("phones", "password"):
                table[key] = new_password()
                generated.append(str(identity))
            elif table.pop(key, None) is not None:
                notes.append(f'The {key} of "{identity}" is masked in the file and not known here: set it again.')
    return tuple(generated), tuple(notes)


def _said_elsewhere(kind: str, key: str, table: dict[str, Any], content: dict[str, Any], current: Shop) -> str | None:
    """What is wrong where that secret of a table was entered for another host than it names now."""
    if kind == "trunks":
        former = next(trunk.host for trunk in current.trunks if trunk.name == table["name"])
        return said_elsewhere(table["name"], former, table.get("host"))
    if key != "pbx_password" or current.pbx is None:
        return None
    pbx = content.get("pbx")
    return said_elsewhere(table["extension"], current.pbx.host, pbx.get("host") if isinstance(pbx, dict) else None)


def _notes_on_media(shop: Shop) -> tuple[str, ...]:
    """Keys for media travel in the signalling: what is not sealed itself shows them to whoever listens."""
    parties = [(f'phone "{phone.extension}"', phone.srtp, "let it register by TLS") for phone in shop.phones]
    parties += [
        (f'trunk "{trunk.name}"', trunk.srtp, 'set its transport to "tls"')
        for trunk in shop.trunks
        if trunk.transport is not SipTransport.TLS
    ]
    return tuple(
        f"The {name} seals its calls (srtp), but the keys are only secret with TLS: {advice}."
        for name, srtp, advice in parties
        if srtp is not Srtp.OFF
    )


def _in_one_form(shop: Shop) -> Shop:
    """Every number of the shop in E.164."""
    policy = NumberPolicy(shop.numbers)
    night = tuple(policy.normalise(number) or number for number in shop.night.numbers)
    return replace(
        shop,
        night=replace(shop.night, numbers=night),
        lines=tuple(replace(line, number=policy.normalise(line.number or "")) for line in shop.lines),
        trunks=tuple(replace(trunk, number=policy.normalise(trunk.number or "")) for trunk in shop.trunks),
        phones=tuple(replace(phone, mobile=policy.normalise(phone.mobile or "")) for phone in shop.phones),
        couriers=tuple(
            replace(courier, mobile=policy.normalise(courier.mobile) or courier.mobile) for courier in shop.couriers
        ),
    )
