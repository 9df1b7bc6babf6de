"""The ways of alerts, put together: gateway.toml's count, the others are as the panel says, and at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.alert_settings import AlertSettings
from gateway.alert_ways import outlets_of, ways_outside
from gateway.errors import SettingsError
from gateway.messaging.outside import Outside
from gateway.telephony.alert_ways import AlertWay, AlertWays, MailWay, SmsWay, TelegramWay, WebhookWay
from gateway.telephony.shop import Shop
from tests.fakes.alert_ways import FakeAlertWays

PANEL = AlertWays(
    webhook=WebhookWay(url="https://panel.example/", secret="secret-of-the-panel"),
    telegram=TelegramWay(token="1:panel", chats=("1",)),
    mail=MailWay(
        server="[2001:db8::1]:587", sender="p@example.net", to=("o@example.net",), user="p", password="of-the-panel"
    ),
    sms=SmsWay(numbers=("+79160000001",), always=True),
)


async def test_what_the_panel_says_counts_at_once_and_gateway_toml_before_it(tmp_path: Path) -> None:
    for name in ("hook", "bot", "mail"):
        (tmp_path / name).write_text(f"{name}-of-the-file\n")
    kept = FakeAlertWays()
    nothing = await ways_outside(AlertSettings(telegram="https://tg.example/"), Outside(), lambda: kept.ways)
    assert nothing.targets().sms == nothing.targets().telegram_chats == ()
    kept.ways = PANEL
    found = nothing.targets()
    assert (found.webhook, found.webhook_secret) == ("https://panel.example/", b"secret-of-the-panel")
    assert (found.telegram, found.telegram_token, found.telegram_chats) == ("https://tg.example", "1:panel", ("1",))
    assert found.mail_server is not None
    assert (found.mail_server.host, found.mail_server.port) == ("2001:db8::1", 587)
    assert (found.mail_server.password, found.mail_server.may_be_private) == ("of-the-panel", False)
    assert (found.sms, found.sms_always, found.of_file) == (("+79160000001",), True, frozenset())

    file = AlertSettings(
        webhook="http://10.0.0.5/", webhook_secret_file=str(tmp_path / "hook"), telegram_chats=("2",),
        telegram_token_file=str(tmp_path / "bot"), mail_to=("f@example.net",), mail_from="f@example.net",
        mail_server="10.0.0.6:25", mail_user="f", mail_password_file=str(tmp_path / "mail"), sms=("+79160000002",),
    )  # fmt: skip
    both = await ways_outside(file, Outside(), lambda: PANEL)
    found = both.targets()
    assert found.of_file == frozenset(AlertWay)
    assert (found.webhook, found.webhook_secret) == ("http://10.0.0.5/", b"hook-of-the-file")
    assert (found.telegram_token, found.telegram_chats, found.mail_to) == (
        "bot-of-the-file",
        ("2",),
        ("f@example.net",),
    )
    assert found.mail_server is not None
    assert (found.mail_server.host, found.mail_server.may_be_private) == ("10.0.0.6", True)
    assert (found.sms, found.sms_always) == (("+79160000002",), False)
    outlets = outlets_of(both, kept, lambda: PANEL, Shop)
    assert outlets.of_file() == frozenset(AlertWay)
    shown = outlets.in_use()
    assert (shown.webhook.url, shown.telegram.chats, shown.sms) == (
        "http://10.0.0.5/", ("2",), SmsWay(numbers=("+79160000002",)),
    )  # fmt: skip
    assert (shown.mail.server, shown.mail.to, shown.mail.user) == ("10.0.0.6:25", ("f@example.net",), "f")
    assert outlets_of(nothing, kept, lambda: PANEL, Shop).in_use() == PANEL


async def test_a_file_that_is_empty_or_away_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name in ("empty", "away"):
        settings = AlertSettings(webhook="https://x.example/", webhook_secret_file=str(tmp_path / name))
        with pytest.raises(SettingsError, match=name):
            await ways_outside(settings, Outside(), AlertWays)
