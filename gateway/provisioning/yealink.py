"""Yealink: `<mac>.cfg`, lines of `key = value` (Yealink SIP phones, auto provisioning guide V86, 2023)."""

from __future__ import annotations

from gateway.provisioning.account import Account
from gateway.telephony.shop import Srtp

MOST_LAMPS = 20
_LANGUAGES = {"en": "English", "ru": "Russian"}
_SRTP = {Srtp.OFF: 0, Srtp.PREFERRED: 1, Srtp.REQUIRED: 2}
_LINE_KEY, _LAMP_KEY = 15, 16


def config(account: Account) -> str:
    """The file of one phone: its account on the first line, a lamp for everybody else, and the phone book."""
    values: dict[str, object] = {
        "account.1.enable": 1,
        "account.1.label": account.label,
        "account.1.display_name": account.name or account.extension,
        "account.1.auth_name": account.extension,
        "account.1.user_name": account.extension,
        "account.1.password": account.password,
        "account.1.sip_server.1.address": account.host,
        "account.1.sip_server.1.port": account.port,
        "account.1.sip_server.1.transport_type": 0,
        "account.1.sip_server.1.expires": 600,
        "account.1.nat.rport": 1,
        "account.1.subscribe_mwi": 0,
        "account.1.dtmf.type": 1,
        "account.1.srtp_encryption": _SRTP[account.srtp],
        "lang.gui": _LANGUAGES.get(account.language, "English"),
        "remote_phonebook.data.1.url": f"{account.book}yealink-book.xml",
        "remote_phonebook.data.1.name": "simbridge",
        "linekey.1.type": _LINE_KEY,
        "linekey.1.line": 1,
    }
    for number, person in enumerate(account.people[:MOST_LAMPS], start=2):
        values[f"linekey.{number}.type"] = _LAMP_KEY
        values[f"linekey.{number}.line"] = 1
        values[f"linekey.{number}.value"] = person.extension
        values[f"linekey.{number}.label"] = person.name or person.extension
        if account.pick_up_code and person.can_be_picked_up:
            values[f"linekey.{number}.extension"] = f"{account.pick_up_code}{person.extension}"
    lines = ["#!version:1.0.0.1", *(f"{key} = {_one_line(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def _one_line(value: object) -> str:
    """A value can hold nothing that ends its line."""
    return "".join(character for character in str(value) if character.isprintable())
