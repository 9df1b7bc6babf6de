"""The shop's PBX as its page has it: what the form tells, what is wrong with it, and each account in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from web.reader import asker, client, snapshot
from web.translation import gettext
from web.trunk_trial import Tried, in_words

ACCOUNT = "pbx "
"""Begins the name of a courier's account there, as the snapshot has it."""
USUAL_PORT = "5060"
_WORDS = "pbx_reasons"
_OF_THE_SERVER = frozenset({"no-address", "no-answer", "bad-certificate", "bad-answer"})
"""What is wrong with the server is wrong with every account there."""
_MOST_TRIED = 10
_MOST_REFUSED = 3
_MOST_PORT = 65_535
_SERVER = re.compile(
    r"(?:sips?:)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}))(?::([0-9]{1,5}))?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form; `passwords` are those that were typed, `gone` are the couriers who are to leave."""

    host: str
    port: str
    transport: str
    passwords: dict[str, str]
    gone: frozenset[str]

    @property
    def problem(self) -> str:
        """What is wrong with the server; empty: nothing that can be seen before somebody asks it."""
        if not self.host:
            return gettext("Which server is it? Enter the name or address of your PBX, such as 192.168.1.10.")
        if not _SERVER.fullmatch(self.host):
            return gettext("%(server)s is not a server: enter a name or an address, without spaces.", server=self.host)
        if not (re.fullmatch(r"[0-9]{1,5}", self.port) and 0 < int(self.port) <= _MOST_PORT):
            return gettext("The port is a number from 1 to 65535, usually 5060, with TLS 5061.")
        return ""

    def changes(self) -> dict[str, Any]:
        """For the gateway. A password that is left empty stays as it is."""
        passwords: dict[str, str | None] = {**self.passwords, **dict.fromkeys(self.gone)}
        return {"host": self.host, "port": int(self.port), "transport": self.transport, "passwords": passwords}


@dataclass(frozen=True, slots=True)
class TriedCourier:
    """What the PBX says to one courier; without a name it is said of the PBX itself."""

    courier: str
    tried: Tried


@dataclass(frozen=True, slots=True)
class Account:
    """How a courier's registration stands now."""

    courier: str
    state: str
    title: str
    advice: str


def typed(form: Mapping[str, str]) -> Typed:
    """What a person wrote; a port that stands behind the server, as in pbx.lan:5070, is the port."""
    told = {name: value.strip() for name, value in form.items()}
    host, port = told.get("host", ""), told.get("port", "") or USUAL_PORT
    found = _SERVER.fullmatch(host)
    if found is not None:
        host, port = found[1], found[2] or port
    return Typed(
        host=host,
        port=port,
        transport=told.get("transport", "udp"),
        passwords=_by_courier(told, "password."),
        gone=frozenset(_by_courier(told, "gone.")),
    )


def tried_there(form: Typed, kept: Mapping[str, Any]) -> list[TriedCourier]:
    """What the PBX says to the couriers of the form; `kept` is the PBX as the gateway has it.

    Passwords that were typed are tried; where there is none, those that are kept, at the PBX that they are kept for.
    What the server itself is not good for is told once. Raises Refused as `trunk_trial.tried`.
    """
    server = {"host": f"{form.host}:{form.port}", "transport": form.transport}
    accounts = [
        ({**server, "user": extension, "password": password}, extension)
        for extension, password in form.passwords.items()
        if extension not in form.gone
    ] or _kept_accounts(form, server, kept)
    if not accounts:
        return [TriedCourier("", in_words(client().try_trunk(asker(), server), _WORDS, good="found"))]
    names = {each["extension"]: f"{each['extension']} {each['name']}".strip() for each in kept["couriers"]}
    said = []
    for account, extension in accounts[:_MOST_TRIED]:
        answer = client().try_trunk(asker(), account)
        of_server = answer["reason"] in _OF_THE_SERVER
        courier = "" if of_server else names.get(extension, extension)
        said.append(TriedCourier(courier, in_words(answer, _WORDS, good="ready")))
        if of_server:
            break
        if len([each for each in said if not each.tried.is_good]) == _MOST_REFUSED < len(accounts):
            title = gettext("The others were not tried: a PBX blocks whoever is wrong too often.")
            said.append(TriedCourier("", Tried(False, title, "")))
            break
    return said


def accounts_at_pbx() -> list[Account]:
    """How the couriers' registrations stand now."""
    names = {each["extension"]: each["name"] for each in snapshot()["couriers"]}
    return [_account(trunk, names) for trunk in snapshot()["trunks"] if trunk["name"].startswith(ACCOUNT)]


def _account(trunk: Mapping[str, Any], names: Mapping[str, str]) -> Account:
    extension = trunk["name"].removeprefix(ACCOUNT)
    courier = f"{extension} {names.get(extension, '')}".strip()
    if trunk["state"] == "ready":
        return Account(courier, "ready", gettext("Registered"), "")
    if not trunk["reason"]:
        return Account(courier, "starting", gettext("Registering …"), "")
    told = in_words(trunk, _WORDS, good="ready")
    return Account(courier, trunk["state"], told.title, told.advice)


def _kept_accounts(form: Typed, server: dict[str, str], kept: Mapping[str, Any]) -> list[tuple[dict[str, str], str]]:
    now = kept["pbx"]
    if now is None or (now["host"], str(now["port"])) != (form.host, form.port):
        return []
    return [
        ({**server, "name": ACCOUNT + each["extension"], "user": each["extension"]}, each["extension"])
        for each in kept["couriers"]
        if each["has_password"] and each["extension"] not in form.gone
    ]


def _by_courier(told: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in told.items() if name.startswith(prefix) and value}
