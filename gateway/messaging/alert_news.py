"""Alerts go out: to a program of the owner's (a signed webhook), to chats of Telegram and by mail, as stored jobs.

A delivery that fails for a while is tried again, for a day; what became of each stands with the job. The same alert
goes out once an hour at most, however often it comes and goes.

A webhook is an HTTP POST of JSON with `X-Simbridge-Delivery`, by which a receiver knows one that came twice, and
`X-Simbridge-Signature: t=<seconds since 1970>,v1=<hexadecimal>`, which is the HMAC-SHA256 (RFC 2104) by the shared
secret of the time, a full stop and the body. Telegram: <https://core.telegram.org/bots/api#sendmessage>.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

from gateway.clock import WallClock
from gateway.errors import GatewayError, TryLater
from gateway.events import AlertCleared, AlertRaised, Published
from gateway.jobs import BoundJob, Promises, Told, job
from gateway.messages import error_advice, error_title
from gateway.messaging.mail import MailServer, SendMail, make_mail, send_mail
from gateway.telephony.shop import ShopView

TELEGRAM = "https://api.telegram.org"
TEST = "alert-test"
LASTS = timedelta(days=1)
LONGEST_TEXT = 3500
"""Telegram takes 4096 characters."""
_LATER = frozenset({408, 425, 429, *range(500, 600)})
"""Answers that say nothing of the message itself."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: the HTTP status, and the beginning of its body."""

    status: int
    body: bytes = b""
    retry_after: str = ""
    """The header of that name."""


Post: TypeAlias = Callable[[str, bytes, Mapping[str, str]], Awaitable[Answer]]
"""Posts a body to an address, follows no redirection. Raises TryLater where nobody answers; its sentence names no
address, as that may hold a secret."""


class DeliveryRefused(GatewayError):
    """A server does not want what it is sent, and will not want it later."""

    code = "delivery-refused"


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


class AlertNews:
    """A subscriber of the bus: promises the deliveries of each alert that comes or goes."""

    def __init__(self, targets: AlertTargets, promises: Promises, *, shop: ShopView, clock: WallClock) -> None:
        self._targets = targets
        self._promises = promises
        self._shop = shop
        self._clock = clock

    def __call__(self, published: Published) -> None:
        """Promise them; synchronous."""
        event = published.event
        if not isinstance(event, AlertRaised | AlertCleared):
            return
        language, shop = self._shop().language, self._shop().name
        is_over = isinstance(event, AlertCleared)
        told: dict[str, Any] = {
            "type": event.type_name(),
            "time": published.wire()["time"],
            "shop": shop,
            "code": event.code,
            "subject": event.subject,
            "values": {} if isinstance(event, AlertCleared) else event.values,
            "title": error_title(event.code, language),
            "advice": None if is_over else error_advice(event.code, language),
        }
        hour = f"{self._clock():%Y-%m-%dT%H}"
        # Alike within an hour, whatever the values are by then.
        self._promise(told, f"{told['type']} {event.code} {event.subject} {hour}")

    def test(self) -> int:
        """Promise the delivery of a test to everywhere, once a second at most; to how many places."""
        language, now = self._shop().language, self._clock()
        told: dict[str, Any] = {
            "type": "alert.test",
            "time": now.isoformat(timespec="milliseconds"),
            "shop": self._shop().name,
            "code": TEST,
            "subject": "",
            "values": {},
            "title": error_title(TEST, language),
            "advice": error_advice(TEST, language),
        }
        return self._promise(told, f"{told['type']} {now:%Y-%m-%dT%H:%M:%S}")

    def _promise(self, told: dict[str, Any], alike: str) -> int:
        """Promise it to everywhere; what is `alike` goes out once. To how many places."""
        same = hashlib.sha256(alike.encode()).hexdigest()
        if self._targets.webhook is not None:
            self._promises.promise("alert-webhook", told, key=f"webhook {same}")
        for chat in self._targets.telegram_chats:
            self._promises.promise("alert-telegram", {"chat": chat, "text": _text(told)}, key=f"{chat} {same}")
        for address in self._targets.mail_to:
            mail = {"to": address, "subject": _text(told).partition("\n")[0], "text": _text(told)}
            self._promises.promise("alert-mail", mail, key=f"{address} {same}")
        return (self._targets.webhook is not None) + len(self._targets.telegram_chats) + len(self._targets.mail_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What the deliveries need."""

    targets: AlertTargets
    post: Post
    clock: WallClock
    mail: SendMail = send_mail


@job("alert-webhook", lasts=LASTS)
async def alert_webhook(outgoing: Outgoing, told: Told) -> None:
    """Deliver one alert to the owner's program; a 2xx is success."""
    targets = outgoing.targets
    if targets.webhook is None:
        raise DeliveryRefused("No webhook is set any more.")
    body = json.dumps({"id": told.job_id, **told.arguments}, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Simbridge-Delivery": told.job_id,
        "X-Simbridge-Signature": signature(targets.webhook_secret, int(outgoing.clock().timestamp()), body),
    }
    _judge(await outgoing.post(targets.webhook, body, headers), "The webhook")


@job("alert-telegram", lasts=LASTS)
async def alert_telegram(outgoing: Outgoing, told: Told) -> None:
    """Have the owner's bot say one alert in one chat."""
    targets = outgoing.targets
    body = json.dumps({"chat_id": told.text("chat"), "text": told.text("text")}).encode()
    address = f"{targets.telegram}/bot{targets.telegram_token}/sendMessage"
    _judge(await outgoing.post(address, body, {"Content-Type": "application/json"}), "Telegram")


@job("alert-mail", lasts=LASTS)
async def alert_mail(outgoing: Outgoing, told: Told) -> None:
    """Send one alert to one address."""
    server = outgoing.targets.mail_server
    if server is None:
        raise DeliveryRefused("No mail server is set any more.")
    message = make_mail(
        sender=server.sender,
        recipient=told.text("to"),
        subject=told.text("subject"),
        text=told.text("text"),
        message_id=told.job_id,
        written_at=told.promised_at,
    )
    await outgoing.mail(server, told.text("to"), message)


def alert_jobs(outgoing: Outgoing) -> tuple[BoundJob, ...]:
    """The kinds of job, ready to run; those that wait from an earlier run are known as well."""
    return (alert_webhook.with_tools(outgoing), alert_telegram.with_tools(outgoing), alert_mail.with_tools(outgoing))


def signature(secret: bytes, seconds: int, body: bytes) -> str:
    """The value of X-Simbridge-Signature."""
    digest = hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def _judge(answer: Answer, who: str) -> None:
    """Raise TryLater or DeliveryRefused unless it is a 2xx."""
    if 200 <= answer.status < 300:
        return
    if answer.status in _LATER:
        seconds = _seconds_wanted(answer)
        values = {} if seconds is None else {"seconds": seconds}
        raise TryLater(f"{who} answered {answer.status}.", **values)
    raise DeliveryRefused(f"{who} answered {answer.status}.", status=answer.status)


def _seconds_wanted(answer: Answer) -> float | None:
    """How long the server wants us to wait (RFC 9110 section 10.2.3, or as Telegram says it), an hour at most."""
    wanted: object = answer.retry_after
    try:
        said = json.loads(answer.body)
        wanted = said["parameters"]["retry_after"]
    except (ValueError, KeyError, TypeError):
        pass  # no answer of Telegram's
    try:
        return min(max(float(str(wanted)), 1.0), 3600.0)
    except ValueError:
        return None


def _text(told: Mapping[str, Any]) -> str:
    mark = "✓" if told["type"] == AlertCleared.type_name() else "⚠"
    values = ", ".join(f"{name}: {value}" for name, value in told["values"].items())
    lines = (f"{mark} {told['shop']}: {told['title']}", values or told["subject"], told["advice"])
    return "\n".join(line for line in lines if line)[:LONGEST_TEXT]
