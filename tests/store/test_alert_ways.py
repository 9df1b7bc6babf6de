"""Where alerts go, on disk: used at once, kept over a restart, on record without a value, and never somewhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.errors import SettingsError
from gateway.store.alert_ways import StoredAlertWays, with_way
from gateway.store.schema_access import audit
from gateway.telephony.alert_ways import AlertWay, AlertWays, MailWay, SmsWay, TelegramWay, WebhookWay
from tests.fakes.direct_store import direct_store, memory_writer
from tests.store.conftest import HandClock

SECRET, TOKEN, PASSWORD = "a-secret-that-is-shared", "12345:AAbb_CC-dd", "a password, with spaces"
HOOK = {"url": "https://shop.example/hook?a=1", "secret": SECRET}
CHATS = {"token": TOKEN, "chats": ["77", "-100", "@flowers"]}
MAIL = {
    "server": "smtp.example.net:465", "sender": "shop@example.net", "to": ["owner@example.net"],
    "user": "shop@example.net", "password": PASSWORD,
}  # fmt: skip
TABLES: dict[AlertWay, dict[str, Any]] = {
    AlertWay.WEBHOOK: HOOK, AlertWay.TELEGRAM: CHATS, AlertWay.MAIL: MAIL,
    AlertWay.SMS: {"numbers": ["+79161234567"], "always": True},
}  # fmt: skip
ALL = AlertWays(
    webhook=WebhookWay(url="https://shop.example/hook?a=1", secret=SECRET),
    telegram=TelegramWay(token=TOKEN, chats=("77", "-100", "@flowers")),
    mail=MailWay(
        server="smtp.example.net:465", sender="shop@example.net", to=("owner@example.net",), user="shop@example.net",
        password=PASSWORD,
    ),
    sms=SmsWay(numbers=("+79161234567",), always=True),
)  # fmt: skip


async def test_what_was_set_is_there_after_a_restart_and_on_record_without_its_value() -> None:
    clock, writer = HandClock(), memory_writer()
    first = StoredAlertWays(writer, gateway_id="g", clock=clock)
    await first.load()
    assert first.current() == AlertWays()
    for way, table in TABLES.items():
        await first.change(way, table, by="anna")
    assert first.current() == ALL
    assert first.current().that_are_set == set(AlertWay)
    second = StoredAlertWays(writer, gateway_id="g", clock=clock)
    await second.load()
    assert second.current() == ALL
    await second.remove(AlertWay.TELEGRAM, by="boris")
    await second.remove(AlertWay.TELEGRAM, by="boris")
    third = StoredAlertWays(writer, gateway_id="g", clock=clock)
    await third.load()
    assert third.current().telegram == TelegramWay()
    assert third.current().mail == ALL.mail
    rows = await writer.write(lambda connection: connection.execute(select(audit)).all())
    assert [(row.by, row.action, row.subject) for row in rows] == [
        *(("anna", "alerts.set", str(way)) for way in AlertWay), ("boris", "alerts.removed", "telegram"),
    ]  # fmt: skip
    assert [row.details for row in rows] == [{}] * 5
    assert not any(secret in repr(ALL) for secret in (SECRET, TOKEN, PASSWORD))


async def test_a_secret_that_was_replaced_is_nowhere_any_more(tmp_path: Path) -> None:
    with direct_store(tmp_path) as store:
        ways = StoredAlertWays(store.writer, gateway_id="g", clock=HandClock())
        await ways.change(AlertWay.WEBHOOK, HOOK, by="anna")
        assert SECRET in str(store.rows("SELECT * FROM alert_ways"))
        await ways.change(AlertWay.WEBHOOK, HOOK | {"secret": "quite-another-secret"}, by="anna")
        for table in ("alert_ways", "audit", "shop_versions"):
            assert SECRET not in str(store.rows(f"SELECT * FROM {table}"))  # noqa: S608  # names of ours


@pytest.mark.parametrize("left_out", [{}, {"secret": None}, {"secret": ""}])
def test_a_secret_that_is_left_out_is_kept(left_out: dict[str, object]) -> None:
    changed = with_way(ALL, AlertWay.WEBHOOK, {"url": "http://other.example/", **left_out})
    assert changed.webhook == WebhookWay(url="http://other.example/", secret=SECRET)


@pytest.mark.parametrize("change", [{"server": "smtp.thief.example:465"}, {"user": "thief"}, {"user": ""}])
def test_a_password_is_never_told_to_another_server(change: dict[str, object]) -> None:
    known = {key: value for key, value in MAIL.items() if key != "password"}
    assert with_way(ALL, AlertWay.MAIL, known | {"to": ["two@example.net"]}).mail.password == PASSWORD
    if change == {"user": ""}:
        assert with_way(ALL, AlertWay.MAIL, known | change).mail.password is None
        return
    with pytest.raises(SettingsError, match="type the password again"):
        with_way(ALL, AlertWay.MAIL, known | change)


@pytest.mark.parametrize(
    ("way", "change"),
    [
        (AlertWay.WEBHOOK, {"url": ""}),
        (AlertWay.WEBHOOK, {"url": "ftp://shop.example/"}),
        (AlertWay.WEBHOOK, {"url": "https://anna:secret@shop.example/"}),
        (AlertWay.WEBHOOK, {"url": "https://shop.example\\@127.0.0.1/"}),
        (AlertWay.WEBHOOK, {"url": "https://shop.example/a b"}),
        (AlertWay.WEBHOOK, {"url": "https://shop.example/\r\nX: y"}),
        (AlertWay.WEBHOOK, {"url": "https://shop.example:port/"}),
        (AlertWay.WEBHOOK, {"url": "https://[::1/"}),
        (AlertWay.WEBHOOK, {"url": "https://shop.example/" + "x" * 500}),
        (AlertWay.WEBHOOK, {"secret": "too-short"}),
        (AlertWay.WEBHOOK, {"secret": "секрет-по-русски-это-не-годится"}),
        (AlertWay.WEBHOOK, {"nonsense": 1}),
        (AlertWay.TELEGRAM, {"token": "../../x"}),
        (AlertWay.TELEGRAM, {"token": "1:a/b"}),
        (AlertWay.TELEGRAM, {"chats": []}),
        (AlertWay.TELEGRAM, {"chats": ["77", "77"]}),
        (AlertWay.TELEGRAM, {"chats": ["anna"]}),
        (AlertWay.TELEGRAM, {"chats": [str(number) for number in range(21)]}),
        (AlertWay.TELEGRAM, {"chats": "77"}),
        (AlertWay.MAIL, {"server": "smtp.example.net"}),
        (AlertWay.MAIL, {"server": "smtp.example.net:0"}),
        (AlertWay.MAIL, {"server": "smtp.example.net:65536"}),
        (AlertWay.MAIL, {"sender": "shop"}),
        (AlertWay.MAIL, {"to": ["a@b>\r\nRCPT TO:<c@d"]}),
        (AlertWay.MAIL, {"user": "a\nb"}),
        (AlertWay.SMS, {"numbers": ["89161234567"]}),
        (AlertWay.SMS, {"always": "yes"}),
    ],
)
def test_what_cannot_be(way: AlertWay, change: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        with_way(AlertWays(), way, TABLES[way] | change)
