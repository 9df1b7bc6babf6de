"""Where alerts go now: what gateway.toml says of each way, or else what was set in the panel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gateway.messaging.mail import MailServer
from gateway.telephony.alert_ways import AlertWay, AlertWays

TELEGRAM = "https://api.telegram.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTargets:
    """Where alerts go; nothing named: nowhere."""

    webhook: str | None = None
    webhook_secret: bytes = field(default=b"", repr=False)
    telegram: str = TELEGRAM
    telegram_token: str = field(default="", repr=False)
    telegram_chats: tuple[str, ...] = ()
    mail_server: MailServer | None = None
    mail_to: tuple[str, ...] = ()
    sms: tuple[str, ...] = ()
    sms_always: bool = False
    of_file: frozenset[AlertWay] = frozenset()
    """The ways that gateway.toml itself has set: their places may be private, and the panel does not change them."""


AlertTargetsView: TypeAlias = Callable[[], AlertTargets]
"""Gives them as they are now; whoever holds a view sees a change at the next call."""


def targets_of(file: AlertTargets, ways: AlertWays) -> AlertTargets:
    """What the file says of a way counts; the others are as they were set in the panel."""
    found = file
    for way in ways.that_are_set - file.of_file:
        match way:
            case AlertWay.WEBHOOK:
                secret = (ways.webhook.secret or "").encode()
                found = replace(found, webhook=ways.webhook.url, webhook_secret=secret)
            case AlertWay.TELEGRAM:
                token, chats = ways.telegram.token or "", ways.telegram.chats
                found = replace(found, telegram_token=token, telegram_chats=chats)
            case AlertWay.MAIL:
                found = replace(found, mail_server=_mail_server(ways), mail_to=ways.mail.to)
            case AlertWay.SMS:
                found = replace(found, sms=ways.sms.numbers, sms_always=ways.sms.always)
    return found


def _mail_server(ways: AlertWays) -> MailServer:
    mail = ways.mail
    host, _, port = mail.server.rpartition(":")
    return MailServer(
        host=host.strip("[]"), port=int(port), sender=mail.sender, user=mail.user, password=mail.password or ""
    )
