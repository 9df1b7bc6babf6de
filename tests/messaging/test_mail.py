"""Alerts by mail: signed in by TLS only, whole, once; what fails for a while is tried again."""

from __future__ import annotations

import base64
import email
import email.policy
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from gateway.errors import GatewayError, TryLater
from gateway.events import AlertCleared
from gateway.messaging import mail as mail_module
from gateway.messaging.alert_targets import AlertTargets
from gateway.messaging.mail import MailRefused, MailServer, mail_sender, make_mail
from gateway.messaging.outside import Outside as WayOut
from gateway.sip.self_signed import self_signed
from tests.fakes.direct_store import direct_store
from tests.fakes.smtp import SmtpServer, smtp_server
from tests.messaging.test_alert_news import RAISED, Outside, states, told

send_mail = mail_sender(WayOut(["127.0.0.1", "127.0.0.2"]))
OWNER, SENDER, PASSWORD = "owner@example.net", "shop@example.net", "a password, with spaces"
WRITTEN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEXT = "⚠ Цветы: Минуты на сегодня израсходованы.\n.\n.лишняя точка\n" + "длинно " * 300


def message(text: str = TEXT) -> EmailMessage:
    return make_mail(
        sender=SENDER,
        recipient=OWNER,
        subject="⚠ Цветы: Минуты\r\nBcc: thief@example.net",
        text=text,
        message_id="j1",
        written_at=WRITTEN,
    )


def server_at(port: int, host: str = "127.0.0.1", user: str = "") -> MailServer:
    return MailServer(host=host, port=port, sender=SENDER, user=user, password=PASSWORD if user else "")


def certified(directory: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The server's side of TLS for 127.0.0.2; whom it shows is trusted here."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    pem, secret = self_signed(("127.0.0.2",))
    certificate.write_bytes(pem)
    key.write_bytes(secret)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.mark.real_time
async def test_a_message_arrives_whole_and_says_nothing_that_it_should_not() -> None:
    async with smtp_server(SmtpServer()) as server:
        await send_mail(server_at(server.port), OWNER, message())
    assert server.commands == [
        "EHLO [127.0.0.1]", f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{OWNER}>", "DATA", "QUIT",
    ]  # fmt: skip
    (data,) = server.messages
    got = email.message_from_bytes(data.replace(b"\r\n..", b"\r\n."), policy=email.policy.default)
    assert (got["From"], got["To"], got["Bcc"]) == (SENDER, OWNER, None)
    assert got["Subject"] == "⚠ Цветы: Минуты Bcc: thief@example.net"
    assert (got["Message-ID"], got["Date"]) == ("<j1@example.net>", "Mon, 02 Mar 2026 09:00:00 +0000")
    assert got.get_content().split() == TEXT.split()
    assert max(map(len, data.split(b"\r\n"))) <= 998


@pytest.mark.real_time
async def test_a_line_of_one_full_stop_does_not_end_it() -> None:
    plain = EmailMessage(policy=email.policy.SMTP)
    plain.set_content("a\n.\n.b\n", cte="7bit")
    async with smtp_server(SmtpServer()) as server:
        await send_mail(server_at(server.port), OWNER, plain)
    assert server.messages[0].endswith(b"\r\na\r\n..\r\n..b")


@pytest.mark.real_time
@pytest.mark.parametrize("from_the_first_byte", [False, True])
async def test_a_password_goes_by_tls_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, from_the_first_byte: bool
) -> None:
    context = certified(tmp_path, monkeypatch)
    made = SmtpServer(tls=None if from_the_first_byte else context)
    async with smtp_server(made, host="127.0.0.2", tls=context if from_the_first_byte else None) as server:
        monkeypatch.setattr(mail_module, "TLS_PORT", server.port if from_the_first_byte else 465)
        await send_mail(server_at(server.port, "127.0.0.2", user="shop"), OWNER, message())
    assert server.messages
    assert {"AUTH", "MAIL", "RCPT", "DATA"} <= set(server.encrypted)
    (signed_in,) = [each for each in server.commands if each.startswith("AUTH PLAIN ")]
    assert base64.b64decode(signed_in.split()[2]) == f"\0shop\0{PASSWORD}".encode()


@pytest.mark.real_time
async def test_a_server_elsewhere_without_tls_is_told_nothing() -> None:
    async with smtp_server(SmtpServer(), host="127.0.0.2") as server:
        with pytest.raises(MailRefused, match="offers no TLS"):
            await send_mail(server_at(server.port, "127.0.0.2", user="shop"), OWNER, message())
    assert server.commands == ["EHLO [127.0.0.1]"]


@pytest.mark.real_time
async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certified(tmp_path, monkeypatch)
    monkeypatch.delenv("SSL_CERT_FILE")
    async with smtp_server(SmtpServer(tls=context), host="127.0.0.2") as server:
        with pytest.raises(TryLater, match="TLS does not do"):
            await send_mail(server_at(server.port, "127.0.0.2", user="shop"), OWNER, message())
    assert not [each for each in server.commands if each.startswith(("AUTH", "MAIL"))]


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("verb", "reply", "fault"),
    [
        ("greeting", "421 busy", TryLater),
        ("greeting", "554 go away", MailRefused),
        ("MAIL", "452 full", TryLater),
        ("RCPT", "450 greylisted", TryLater),
        ("RCPT", "550 nobody of that name", MailRefused),
        ("AUTH", "535 no", MailRefused),
        ("DATA", "554 no", MailRefused),
        ("message", "451 later", TryLater),
        ("message", "554 spam", MailRefused),
        ("EHLO", "nonsense", TryLater),
    ],
)
async def test_what_the_server_does_not_take(verb: str, reply: str, fault: type[GatewayError]) -> None:
    async with smtp_server(SmtpServer(refuses={verb: reply})) as server:
        with pytest.raises(fault) as refusal:
            await send_mail(server_at(server.port, user="shop"), OWNER, message())
    assert PASSWORD not in str(refusal.value)
    assert OWNER not in str(refusal.value)


@pytest.mark.real_time
async def test_who_is_not_there_is_tried_again_and_who_has_taken_it_may_be_rude() -> None:
    async with smtp_server(SmtpServer(refuses={"QUIT": "500 what"})) as server:
        await send_mail(server_at(server.port), OWNER, message())
    with pytest.raises(TryLater, match="cannot be reached"):
        await send_mail(server_at(server.port), OWNER, message())


@pytest.mark.real_time
async def test_an_address_cannot_be_a_command() -> None:
    async with smtp_server(SmtpServer()) as server:
        with pytest.raises(MailRefused):
            await send_mail(server_at(server.port), f"{OWNER}>\r\nRCPT TO:<thief@example.net", message())
    assert not any("thief" in each for each in server.commands)


class Post:
    """Takes mail, or not."""

    def __init__(self, *faults: GatewayError) -> None:
        self.faults = list(faults)
        self.came: list[tuple[str, EmailMessage]] = []

    async def __call__(self, server: MailServer, recipient: str, mail: EmailMessage) -> None:
        assert server.password == PASSWORD
        self.came.append((recipient, mail))
        if self.faults:
            raise self.faults.pop(0)


TARGETS = AlertTargets(mail_server=server_at(465, "mail.example.net", user="shop"), mail_to=(OWNER, "two@example.net"))


async def test_an_alert_goes_to_every_address_and_its_end_too(tmp_path: Path) -> None:
    post = Post()
    with direct_store(tmp_path) as store:
        over = AlertCleared(code=RAISED.code, subject=RAISED.subject)
        await told(store, Outside(mail=post), RAISED, RAISED, over, targets=TARGETS)
        assert states(store) == [("alert-mail", "done", 1, None)] * 4, "the same alert goes out once"
        stored = str(store.rows("SELECT * FROM jobs"))
    assert PASSWORD not in stored
    assert sorted(recipient for recipient, _ in post.came) == [OWNER, OWNER, "two@example.net", "two@example.net"]
    subjects = [str(mail["Subject"]) for recipient, mail in post.came if recipient == OWNER]
    assert subjects == [
        "⚠ Flowers: Today's minutes are used up.",
        "✓ Flowers: Today's minutes are used up.",
    ]
    assert "minutes: 120" in post.came[0][1].get_content()


async def test_a_server_that_is_away_gets_the_same_message_later(tmp_path: Path) -> None:
    post = Post(TryLater("The mail server answered 451."), TryLater("The mail server answered 451."))
    one = AlertTargets(mail_server=TARGETS.mail_server, mail_to=(OWNER,))
    with direct_store(tmp_path) as store:
        await told(store, Outside(mail=post), RAISED, targets=one, seconds=60)
        assert [(state, attempts) for _, state, attempts, _ in states(store)] == [("done", 3)]
    assert len({str(mail["Message-ID"]) for _, mail in post.came}) == 1


async def test_a_refusal_is_given_up_and_seen_in_the_log_of_deliveries(tmp_path: Path) -> None:
    one = AlertTargets(mail_server=TARGETS.mail_server, mail_to=(OWNER,))
    with direct_store(tmp_path) as store:
        await told(store, Outside(mail=Post(MailRefused("The mail server answered 535."))), RAISED, targets=one)
        assert states(store) == [("alert-mail", "failed", 1, "The mail server answered 535.")]
