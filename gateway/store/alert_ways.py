"""Where alerts go, as the owner has set it in the panel: on disk, used at once, on record without any value.

It is no part of the shop: what is secret here is in no export, and a secret that was replaced is gone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from gateway.clock import WallClock
from gateway.ids import new_id
from gateway.store.audit import add_audit
from gateway.store.schema_alerts import alert_ways
from gateway.store.shop_document.shop_file import plain
from gateway.store.writer import Writer
from gateway.telephony.alert_ways import SECRETS, AlertWay, AlertWays, MailWay, SmsWay, TelegramWay, WebhookWay
from gateway.toml_document import TomlDocument

MOST_PLACES = 20
LONGEST_URL = 500
SHORTEST_SECRET, LONGEST_SECRET = 16, 200
_NETLOC = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,252}|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?", re.ASCII)
_SERVER = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,252}|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})", re.ASCII)
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{1,200}", re.ASCII)
_CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64}", re.ASCII)
_MAIL = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9.-]{1,190}", re.ASCII)
_NUMBER = re.compile(r"\+[0-9]{7,15}", re.ASCII)


class StoredAlertWays:
    """The ways; `current` is an AlertWaysView."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock
        self._ways = AlertWays()
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Take over what is stored."""
        self._ways = await self._writer.write(stored_alert_ways)

    def current(self) -> AlertWays:
        """The ways as they are now."""
        return self._ways

    async def change(self, way: AlertWay, table: Mapping[str, object], *, by: str) -> None:
        """Commit another value of one way, all of it; without its secret it keeps the one that is known.

        Raises SettingsError that names what is wrong, and StoreError.
        """
        async with self._changing:
            await self._keep(with_way(self._ways, way, table), way, "alerts.set", by)

    async def remove(self, way: AlertWay, *, by: str) -> None:
        """Let no alert take that way any more, and forget its secret. Raises StoreError."""
        async with self._changing:
            await self._keep(_with(self._ways, way, getattr(AlertWays(), way)), way, "alerts.removed", by)

    async def _keep(self, ways: AlertWays, way: AlertWay, action: str, by: str) -> None:
        if ways == self._ways:
            return
        document, now = plain(ways), self._clock()
        statement = insert(alert_ways).values(id=new_id(), gateway_id=self._gateway_id, document=document)

        def keep(connection: Connection) -> None:
            connection.execute(
                statement.on_conflict_do_update(index_elements=["gateway_id"], set_={"document": document})
            )
            add_audit(
                connection, gateway_id=self._gateway_id, now=now, by=by, action=action, subject=str(way), details={}
            )

        await self._writer.write(keep)
        self._ways = ways


def stored_alert_ways(connection: Connection) -> AlertWays:
    """The ways as they are stored; none while nothing is. What does not fit any more is left out."""
    row = connection.execute(select(alert_ways.c.document)).first()
    reader = TomlDocument("", "the stored ways of alerts", passes_unknown_keys=True)
    found: AlertWays | None = reader.read(AlertWays, row.document if row is not None else {}, ())
    return found if found is not None else AlertWays()


def with_way(ways: AlertWays, way: AlertWay, table: Mapping[str, object]) -> AlertWays:
    """The ways with another value of one. Raises SettingsError that names what is wrong."""
    former, secret = getattr(ways, way), SECRETS[way]
    given: dict[str, Any] = {key: value for key, value in table.items() if value is not None}
    if secret is not None and not given.get(secret):
        given.pop(secret, None)
        known = getattr(former, secret)
        if known is not None and _goes_to_the_same(former, given):
            given[secret] = known
    document = TomlDocument("", str(way))
    found = document.read(type(former), given, ())
    if found is not None:
        _check(document, found)
    document.finish()
    return _with(ways, way, found)


def _with(ways: AlertWays, way: AlertWay, value: object) -> AlertWays:
    changes: dict[str, Any] = {str(way): value}
    return replace(ways, **changes)


def _goes_to_the_same(former: object, given: Mapping[str, object]) -> bool:
    """A password that was kept is told to the server that it was typed for, and to no other one."""
    return not isinstance(former, MailWay) or (former.server, former.user) == (given.get("server"), given.get("user"))


def _check(document: TomlDocument, found: WebhookWay | TelegramWay | MailWay | SmsWay) -> None:
    match found:
        case WebhookWay(url=url, secret=secret):
            if not is_web_address(url):
                document.problem((), 'The address must be like "https://example.net/simbridge".')
            if secret is None or not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET or not is_visible(secret):
                document.problem(
                    (), f"The secret must have {SHORTEST_SECRET} to {LONGEST_SECRET} Latin letters, digits or signs."
                )
        case TelegramWay(token=token, chats=chats):
            if token is None or not _TOKEN.fullmatch(token):
                document.problem((), 'The token must be like "123456:AbCd", as BotFather gave it.')
            _check_places(document, chats, _CHAT, 'ids of chats like "123456789"')
        case MailWay():
            _check_mail(document, found)
        case SmsWay(numbers=numbers):
            _check_places(document, numbers, _NUMBER, 'numbers like "+79161234567"')


def _check_mail(document: TomlDocument, mail: MailWay) -> None:
    server = _SERVER.fullmatch(mail.server)
    if server is None or not 1 <= int(server[2]) <= 65535:
        document.problem((), 'The server must be like "smtp.example.net:465".')
    _check_places(document, mail.to, _MAIL, 'addresses like "name@example.net"')
    if not _MAIL.fullmatch(mail.sender):
        document.problem((), 'The sender must be an address like "name@example.net".')
    if len(mail.user) > LONGEST_SECRET or not mail.user.isprintable():
        document.problem((), f"The user must have {LONGEST_SECRET} characters at most.")
    password = mail.password or ""
    if bool(mail.user) != bool(password):
        document.problem(
            (), "User and password are needed both or not at all; for another server type the password again."
        )
    if len(password) > LONGEST_SECRET or not password.isprintable():
        document.problem((), f"The password must have {LONGEST_SECRET} characters at most.")


def _check_places(document: TomlDocument, places: tuple[str, ...], form: re.Pattern[str], like: str) -> None:
    if not 1 <= len(places) <= MOST_PLACES or len(set(places)) < len(places):
        document.problem((), f"There must be 1 to {MOST_PLACES} different {like}.")
    elif any(not form.fullmatch(each) for each in places):
        document.problem((), f"There must be {like}.")


def is_web_address(url: str) -> bool:
    """An http or https address without a user, and not too long."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    if len(url) > LONGEST_URL or not is_visible(url):
        return False
    return parts.scheme in ("https", "http") and _NETLOC.fullmatch(parts.netloc) is not None


def is_visible(text: str) -> bool:
    """Latin letters, digits and signs alone."""
    return all(33 <= ord(character) <= 126 for character in text)
