"""The table [alerts] of gateway.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.bind_address import checked_host
from gateway.toml_document import Place, TomlDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Where alerts go besides the panel. What is secret is in files of its own."""

    webhook: str | None = None
    """An http or https address that takes JSON."""
    webhook_secret_file: str | None = None
    """What the webhook is signed with; needed with one."""
    telegram_token_file: str | None = None
    """The token of the owner's bot, as BotFather gave it."""
    telegram_chats: tuple[str, ...] = ()
    """Ids of chats that the bot may write to."""
    sms: tuple[str, ...] = ()
    """Numbers, as +79161234567, that get alerts by SMS while the network is gone."""
    sms_always: bool = False
    """And while it is there."""
    mail_to: tuple[str, ...] = ()
    """Addresses that get alerts by mail."""
    mail_server: str | None = None
    """By which it goes out, as smtp.example.net:465; TLS on 465, STARTTLS on any other port."""
    mail_from: str | None = None
    """The address that it comes from."""
    mail_user: str | None = None
    """Who signs in there; left out: nobody."""
    mail_password_file: str | None = None
    telegram: str = "https://api.telegram.org"
    """Another address for a server of one's own, or a way round a barrier."""

    def below(self, home: Path) -> AlertSettings:
        """With the files that are named relative to that directory."""
        return replace(
            self,
            webhook_secret_file=_within(home, self.webhook_secret_file),
            telegram_token_file=_within(home, self.telegram_token_file),
            mail_password_file=_within(home, self.mail_password_file),
        )


def check_alerts(document: TomlDocument) -> None:
    """What the types cannot say."""
    for place, alerts in document.found(AlertSettings):
        for key, address in (("webhook", alerts.webhook), ("telegram", alerts.telegram)):
            if address is not None and not re.fullmatch(r"https?://[^\s@]+", address):
                document.problem((*place, key), f'"{key}" of [alerts] must be an address like "https://example.net/x".')
        if (alerts.webhook is None) != (alerts.webhook_secret_file is None):
            document.problem(place, '[alerts] needs both or none of "webhook" and "webhook_secret_file".')
        if bool(alerts.telegram_chats) != (alerts.telegram_token_file is not None):
            document.problem(place, '[alerts] needs both or none of "telegram_token_file" and "telegram_chats".')
        _check_mail(document, place, alerts)
        for number in alerts.sms:
            if not re.fullmatch(r"\+[0-9]{7,15}", number):
                document.problem(
                    (*place, "sms"), f'"sms" of [alerts] holds numbers like "+79161234567", not "{number}".'
                )
        for chat in alerts.telegram_chats:
            if not re.fullmatch(r"-?[0-9]{1,20}|@[A-Za-z0-9_]{1,64}", chat):
                document.problem(
                    (*place, "telegram_chats"), f'"telegram_chats" of [alerts] holds ids like "123456", not "{chat}".'
                )


def _check_mail(document: TomlDocument, place: Place, alerts: AlertSettings) -> None:
    if len({bool(alerts.mail_to), alerts.mail_server is not None, alerts.mail_from is not None}) > 1:
        document.problem(place, '[alerts] needs all or none of "mail_to", "mail_server" and "mail_from".')
    if (alerts.mail_user is None) != (alerts.mail_password_file is None):
        document.problem(place, '[alerts] needs both or none of "mail_user" and "mail_password_file".')
    if alerts.mail_server is not None:
        checked_host(document, place, alerts.mail_server, key="mail_server")
    senders = () if alerts.mail_from is None else (alerts.mail_from,)
    for key, addresses in (("mail_to", alerts.mail_to), ("mail_from", senders)):
        for address in addresses:
            if not re.fullmatch(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9.-]{1,190}", address):
                document.problem((*place, key), f'"{key}" of [alerts] holds "name@example.net", not "{address}".')


def _within(home: Path, file: str | None) -> str | None:
    return None if file is None else str(home / file)
