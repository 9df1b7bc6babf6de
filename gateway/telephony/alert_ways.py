"""Where alerts go besides the panel, as the owner has set it there: one value for each way out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class AlertWay(StrEnum):
    """A way by which alerts leave the machine."""

    WEBHOOK = "webhook"
    TELEGRAM = "telegram"
    MAIL = "mail"
    SMS = "sms"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookWay:
    """A program of the owner's that takes JSON."""

    url: str = ""
    """http or https; empty: there is none."""
    secret: str | None = field(default=None, repr=False)
    """What it is signed with."""

    @property
    def is_set(self) -> bool:
        """Alerts go there."""
        return bool(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramWay:
    """A bot of the owner's that writes to chats."""

    token: str | None = field(default=None, repr=False)
    """As BotFather gave it."""
    chats: tuple[str, ...] = ()

    @property
    def is_set(self) -> bool:
        """Alerts go there."""
        return bool(self.chats)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailWay:
    """Mail by a server of the owner's provider."""

    server: str = ""
    """`host:port`; TLS on port 465, STARTTLS on any other."""
    sender: str = ""
    to: tuple[str, ...] = ()
    user: str = ""
    """Who signs in there; empty: nobody."""
    password: str | None = field(default=None, repr=False)

    @property
    def is_set(self) -> bool:
        """Alerts go there."""
        return bool(self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsWay:
    """SMS by the gateway's own lines."""

    numbers: tuple[str, ...] = ()
    """E.164, as +79161234567."""
    always: bool = False
    """Also while the network is there."""

    @property
    def is_set(self) -> bool:
        """Alerts go there."""
        return bool(self.numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertWays:
    """All of them; a field for each AlertWay, of the same name."""

    webhook: WebhookWay = WebhookWay()
    telegram: TelegramWay = TelegramWay()
    mail: MailWay = MailWay()
    sms: SmsWay = SmsWay()

    @property
    def that_are_set(self) -> frozenset[AlertWay]:
        """Those that alerts take."""
        return frozenset(way for way in AlertWay if getattr(self, way).is_set)


AlertWaysView: TypeAlias = Callable[[], AlertWays]
"""Gives the ways as they are now; whoever holds a view sees a change at the next call."""

SECRETS = {AlertWay.WEBHOOK: "secret", AlertWay.TELEGRAM: "token", AlertWay.MAIL: "password", AlertWay.SMS: None}
"""The field of each way that is told to nobody once it is set."""
