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
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isnan
from typing import Any

from gateway.clock import WallClock
from gateway.errors import GatewayError, TryLater
from gateway.events import AlertCleared, AlertRaised, Published
from gateway.jobs import BoundJob, Promises, Told, job
from gateway.messages import error_advice, error_title
from gateway.messaging.alert_targets import AlertTargetsView
from gateway.messaging.mail import SendMail, make_mail
from gateway.messaging.outside import Answer, Ask, Question
from gateway.telephony.alert_ways import AlertWay
from gateway.telephony.shop import ShopView

TEST = "alert-test"
LASTS = timedelta(days=1)
TELEGRAM_PATIENCE_SECONDS = 20.0
"""Its place is not typed in by anybody, and it may be far."""
LONGEST_TEXT = 3500
"""Telegram takes 4096 characters."""
_LATER = frozenset({408, 425, 429, *range(500, 600)})
"""Answers that say nothing of the message itself."""


class DeliveryRefused(GatewayError):
    """A server does not want what it is sent, and will not want it later."""

    code = "delivery-refused"


class ReceiverBusy(TryLater):
    """A server is there and does not take it now; `values["status"]` is what it answered."""

    code = "receiver-busy"


class AlertNews:
    """A subscriber of the bus: promises the deliveries of each alert that comes or goes."""

    def __init__(self, targets: AlertTargetsView, promises: Promises, *, shop: ShopView, clock: WallClock) -> None:
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
        now = self._clock()
        told = test_news(self._shop, now)
        return self._promise(told, f"{told['type']} {now:%Y-%m-%dT%H:%M:%S}")

    def _promise(self, told: dict[str, Any], alike: str) -> int:
        """Promise it to everywhere; what is `alike` goes out once. To how many places."""
        same = hashlib.sha256(alike.encode()).hexdigest()
        targets = self._targets()
        if targets.webhook is not None:
            self._promises.promise("alert-webhook", told, key=f"webhook {same}")
        for chat in targets.telegram_chats:
            self._promises.promise("alert-telegram", chat_arguments(chat, told), key=f"{chat} {same}")
        for address in targets.mail_to:
            self._promises.promise("alert-mail", mail_arguments(address, told), key=f"{address} {same}")
        return (targets.webhook is not None) + len(targets.telegram_chats) + len(targets.mail_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What the deliveries need."""

    targets: AlertTargetsView
    ask: Ask
    mail: SendMail
    clock: WallClock


@job("alert-webhook", lasts=LASTS)
async def alert_webhook(outgoing: Outgoing, told: Told) -> None:
    """Deliver one alert to the owner's program; a 2xx is success."""
    targets = outgoing.targets()
    if targets.webhook is None:
        raise DeliveryRefused("No webhook is set any more.")
    body = json.dumps({"id": told.job_id, **told.arguments}, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Simbridge-Delivery": told.job_id,
        "X-Simbridge-Signature": signature(targets.webhook_secret, int(outgoing.clock().timestamp()), body),
    }
    is_of_file = AlertWay.WEBHOOK in targets.of_file
    question = Question("POST", targets.webhook, headers=headers, body=body, may_be_private=is_of_file)
    judge(await outgoing.ask(question), "The webhook")


@job("alert-telegram", lasts=LASTS)
async def alert_telegram(outgoing: Outgoing, told: Told) -> None:
    """Have the owner's bot say one alert in one chat."""
    targets, chat = outgoing.targets(), told.text("chat")
    if chat not in targets.telegram_chats:
        raise DeliveryRefused("This chat is not set any more.")
    body = json.dumps({"chat_id": chat, "text": told.text("text")}).encode()
    address = f"{targets.telegram}/bot{targets.telegram_token}/sendMessage"
    headers = {"Content-Type": "application/json"}
    question = Question(
        "POST", address, headers=headers, body=body, may_be_private=True, seconds=TELEGRAM_PATIENCE_SECONDS
    )
    judge(await outgoing.ask(question), "Telegram")


@job("alert-mail", lasts=LASTS)
async def alert_mail(outgoing: Outgoing, told: Told) -> None:
    """Send one alert to one address."""
    targets, address = outgoing.targets(), told.text("to")
    server = targets.mail_server
    if server is None or address not in targets.mail_to:
        raise DeliveryRefused("This address for mail is not set any more.")
    message = make_mail(
        sender=server.sender,
        recipient=address,
        subject=told.text("subject"),
        text=told.text("text"),
        message_id=told.job_id,
        written_at=told.promised_at,
    )
    await outgoing.mail(server, address, message)


def alert_jobs(outgoing: Outgoing) -> tuple[BoundJob, ...]:
    """The kinds of job, ready to run; those that wait from an earlier run are known as well."""
    return (alert_webhook.with_tools(outgoing), alert_telegram.with_tools(outgoing), alert_mail.with_tools(outgoing))


def test_news(shop: ShopView, now: datetime) -> dict[str, Any]:
    """What a test says."""
    language = shop().language
    return {
        "type": "alert.test",
        "time": now.isoformat(timespec="milliseconds"),
        "shop": shop().name,
        "code": TEST,
        "subject": "",
        "values": {},
        "title": error_title(TEST, language),
        "advice": error_advice(TEST, language),
    }


def chat_arguments(chat: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """What the job for a chat is told."""
    return {"chat": chat, "text": _text(told)}


def mail_arguments(address: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """What the job for an address is told."""
    return {"to": address, "subject": _text(told).partition("\n")[0], "text": _text(told)}


def judge(answer: Answer, who: str) -> None:
    """Raise TryLater or DeliveryRefused unless it is a 2xx; `who` is whom it was sent to."""
    if 200 <= answer.status < 300:
        return
    if answer.status in _LATER:
        seconds = _seconds_wanted(answer)
        values = {} if seconds is None else {"seconds": seconds}
        raise ReceiverBusy(f"{who} answered {answer.status}.", status=answer.status, **values)
    raise DeliveryRefused(f"{who} answered {answer.status}.", status=answer.status)


def signature(secret: bytes, seconds: int, body: bytes) -> str:
    """The value of X-Simbridge-Signature."""
    digest = hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def _seconds_wanted(answer: Answer) -> float | None:
    """How long the server wants us to wait (RFC 9110 section 10.2.3, or as Telegram says it), an hour at most."""
    wanted: object = answer.retry_after
    try:
        said = json.loads(answer.body)
        wanted = said["parameters"]["retry_after"]
    except (ValueError, KeyError, TypeError):
        pass  # no answer of Telegram's
    try:
        seconds = float(str(wanted))
    except ValueError:
        return None
    return None if isnan(seconds) else min(max(seconds, 1.0), 3600.0)


def _text(told: Mapping[str, Any]) -> str:
    mark = "✓" if told["type"] == AlertCleared.type_name() else "⚠"
    values = ", ".join(f"{name}: {value}" for name, value in told["values"].items())
    lines = (f"{mark} {told['shop']}: {told['title']}", values or told["subject"], told["advice"])
    return "\n".join(line for line in lines if line)[:LONGEST_TEXT]
