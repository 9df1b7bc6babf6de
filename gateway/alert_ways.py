"""The ways by which alerts leave the machine, with what is secret about them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from gateway.clock import utc_now
from gateway.errors import SettingsError
from gateway.messaging.alert_news import AlertTargets, Outgoing
from gateway.messaging.mail import MailServer
from gateway.messaging.posting import HttpPoster
from gateway.settings import AlertSettings, host_and_port


async def ways_outside(alerts: AlertSettings, stack: AsyncExitStack) -> Outgoing:
    """The way outside for alerts, open until `stack` is left. Raises SettingsError."""
    targets = await asyncio.to_thread(_alert_targets, alerts)
    poster = await stack.enter_async_context(HttpPoster())
    return Outgoing(targets=targets, post=poster.post, clock=utc_now)


def _alert_targets(alerts: AlertSettings) -> AlertTargets:
    """Where alerts go, with what is secret about it. Raises SettingsError when a file cannot be read, or is empty."""

    def secret(file: str | None) -> str:
        if file is None:
            return ""
        try:
            found = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as fault:
            raise SettingsError(f"The file {file} of [alerts] cannot be read: {fault}") from fault
        if not found:
            raise SettingsError(f"The file {file} of [alerts] is empty.")
        return found

    return AlertTargets(
        webhook=alerts.webhook,
        webhook_secret=secret(alerts.webhook_secret_file).encode(),
        telegram=alerts.telegram.rstrip("/"),
        telegram_token=secret(alerts.telegram_token_file),
        telegram_chats=alerts.telegram_chats,
        mail_server=_mail_server(alerts, secret(alerts.mail_password_file)),
        mail_to=alerts.mail_to,
    )


def _mail_server(alerts: AlertSettings, password: str) -> MailServer | None:
    if alerts.mail_server is None or alerts.mail_from is None:
        return None
    host, port = host_and_port(alerts.mail_server)
    return MailServer(host=host, port=port, sender=alerts.mail_from, user=alerts.mail_user or "", password=password)
