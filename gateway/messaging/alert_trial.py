"""A test of one way of alerts, at once and before somebody's eyes: what each place has answered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.errors import GatewayError
from gateway.ids import new_id
from gateway.jobs import Job, Told
from gateway.messaging.alert_news import (
    Outgoing,
    alert_mail,
    alert_telegram,
    alert_webhook,
    chat_arguments,
    mail_arguments,
    test_news,
)
from gateway.messaging.outside import ServerAway
from gateway.telephony.alert_ways import AlertWay
from gateway.telephony.shop import ShopView

PATIENCE_SECONDS = 20.0
"""For each place, all at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of a test at one place."""

    place: str
    """The chat, the address for mail, or the host of the webhook."""
    code: str | None = None
    """Of the fault; None: it was delivered."""
    problem: str | None = None
    """The fault's own sentence."""


class AlertTrial:
    """Tries a way as an alert would take it; nothing is stored, and nothing tried again."""

    def __init__(self, outgoing: Outgoing, shop: ShopView) -> None:
        self._outgoing = outgoing
        self._shop = shop

    async def try_out(self, way: AlertWay) -> list[Tried]:
        """What each place of the way has answered; none: alerts do not take it. An SMS is never sent for a test."""
        tries = list(self._tries(way))
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._tried(place, kind, told)) for place, kind, told in tries]
        return [task.result() for task in running]

    def _tries(self, way: AlertWay) -> Iterator[tuple[str, Job[Outgoing], dict[str, Any]]]:
        targets, told = self._outgoing.targets(), test_news(self._shop, self._outgoing.clock())
        match way:
            case AlertWay.WEBHOOK:
                if targets.webhook is not None:
                    yield targets.webhook.partition("//")[2].partition("/")[0], alert_webhook, told
            case AlertWay.TELEGRAM:
                for chat in targets.telegram_chats:
                    yield chat, alert_telegram, chat_arguments(chat, told)
            case AlertWay.MAIL:
                for address in targets.mail_to:
                    yield address, alert_mail, mail_arguments(address, told)
            case AlertWay.SMS:
                return

    async def _tried(self, place: str, kind: Job[Outgoing], arguments: dict[str, Any]) -> Tried:
        told = Told(job_id=new_id(), kind=kind.name, arguments=arguments, attempt=1, promised_at=self._outgoing.clock())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await kind.function(self._outgoing, told)
        except GatewayError as fault:
            return Tried(place=place, code=fault.code, problem=str(fault))
        except TimeoutError:
            return Tried(
                place=place, code=ServerAway.code, problem=f"Nobody has answered within {PATIENCE_SECONDS:g} seconds."
            )
        return Tried(place=place)
