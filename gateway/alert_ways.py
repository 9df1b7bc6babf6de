"""The ways by which alerts leave the machine, with what is secret about them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from gateway.alert_settings import AlertSettings
from gateway.api.alert_way_routes import AlertOutlets, KeptWays
from gateway.bind_address import host_and_port
from gateway.clock import utc_now
from gateway.errors import SettingsError
from gateway.messaging.alert_news import Outgoing
from gateway.messaging.alert_targets import AlertTargets, targets_of
from gateway.messaging.alert_trial import AlertTrial
from gateway.messaging.mail import MailServer, mail_sender
from gateway.messaging.outside import Outside
from gateway.telephony.alert_ways import (
    AlertWay,
    AlertWays,
    AlertWaysView,
    MailWay,
    SmsWay,
    TelegramWay,
    WebhookWay,
)
from gateway.telephony.shop import ShopView


async def ways_outside(alerts: AlertSettings, outside: Outside, ways: AlertWaysView) -> Outgoing:
    """The ways of alerts: those of gateway.toml, and beside them what was set in the panel. Raises SettingsError."""
    file = await asyncio.to_thread(_targets_of_file, alerts)
    return Outgoing(targets=lambda: targets_of(file, ways()), ask=outside.ask, mail=mail_sender(outside), clock=utc_now)


def outlets_of(outgoing: Outgoing, kept: KeptWays, ways: AlertWaysView, shop: ShopView) -> AlertOutlets:
    """What the API shows, changes and tries of them."""
    return AlertOutlets(
        kept=kept,
        in_use=lambda: _shown(outgoing.targets(), ways()),
        of_file=lambda: outgoing.targets().of_file,
        try_out=AlertTrial(outgoing, shop).try_out,
    )


def _shown(targets: AlertTargets, ways: AlertWays) -> AlertWays:
    """The ways that are in use: those of the file in the place of what was set in the panel."""
    mail = targets.mail_server
    for way in targets.of_file:
        match way:
            case AlertWay.WEBHOOK:
                hook = WebhookWay(url=targets.webhook or "", secret=targets.webhook_secret.decode())
                ways = replace(ways, webhook=hook)
            case AlertWay.TELEGRAM:
                ways = replace(ways, telegram=TelegramWay(token=targets.telegram_token, chats=targets.telegram_chats))
            case AlertWay.MAIL if mail is not None:
                server, password = f"{mail.host}:{mail.port}", mail.password or None
                ways = replace(
                    ways,
                    mail=MailWay(
                        server=server, sender=mail.sender, to=targets.mail_to, user=mail.user, password=password
                    ),
                )
            case AlertWay.SMS:
                ways = replace(ways, sms=SmsWay(numbers=targets.sms, always=targets.sms_always))
    return ways


def _targets_of_file(alerts: AlertSettings) -> AlertTargets:
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

    is_set = {
        AlertWay.WEBHOOK: alerts.webhook is not None,
        AlertWay.TELEGRAM: bool(alerts.telegram_chats),
        AlertWay.MAIL: bool(alerts.mail_to),
        AlertWay.SMS: bool(alerts.sms),
    }
    return AlertTargets(
        webhook=alerts.webhook,
        webhook_secret=secret(alerts.webhook_secret_file).encode(),
        telegram=alerts.telegram.rstrip("/"),
        telegram_token=secret(alerts.telegram_token_file),
        telegram_chats=alerts.telegram_chats,
        mail_server=_mail_server(alerts, secret(alerts.mail_password_file)),
        mail_to=alerts.mail_to,
        sms=alerts.sms,
        sms_always=alerts.sms_always,
        of_file=frozenset(way for way, is_so in is_set.items() if is_so),
    )


def _mail_server(alerts: AlertSettings, password: str) -> MailServer | None:
    if alerts.mail_server is None or alerts.mail_from is None:
        return None
    host, port = host_and_port(alerts.mail_server)
    return MailServer(
        host=host,
        port=port,
        sender=alerts.mail_from,
        user=alerts.mail_user or "",
        password=password,
        may_be_private=True,
    )
