"""Delivers what happened to a program of the owner's: a POST of JSON, signed as alerts are (messaging.alert_news)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.clock import WallClock, wire_time
from gateway.errors import GatewayError
from gateway.ids import new_id
from gateway.jobs import BoundJob, Told, job
from gateway.messaging.alert_news import DeliveryRefused, judge, signature
from gateway.messaging.alert_trial import Tried
from gateway.messaging.outside import Ask, Question
from gateway.telephony.event_hooks import EventHook, EventHooksView
from gateway.telephony.shop import ShopView

KIND = "event-webhook"
LASTS = timedelta(days=3)
"""A program may be away over a weekend."""
PATIENCE_SECONDS = 10.0
TEST = "webhook.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPost:
    """What a delivery needs."""

    hooks: EventHooksView
    ask: Ask
    clock: WallClock
    shop: ShopView

    @property
    def job(self) -> BoundJob:
        """The kind of job, ready to run; one that waits from an earlier run is known as well."""
        return event_webhook.with_tools(self)

    async def try_out(self, hook_id: str) -> Tried | None:
        """What a program answers to a test, now; nothing is stored. None: there is no such program."""
        hook = self.find(hook_id)
        if hook is None:
            return None
        now = self.clock()
        event = {"type": TEST, "time": wire_time(now)}
        told = Told(
            job_id=new_id(),
            kind=KIND,
            arguments={"hook": hook_id, "event": event | {"shop": self.shop().name, "data": {}}},
            attempt=1,
            promised_at=now,
        )
        place = hook.url.partition("//")[2].partition("/")[0]
        try:
            await self.deliver(hook, told)
        except GatewayError as fault:
            return Tried(place=place, code=fault.code, problem=str(fault))
        return Tried(place=place)

    def find(self, hook_id: str) -> EventHook | None:
        """The program of that id."""
        return next((hook for hook in self.hooks() if hook.id == hook_id), None)

    async def deliver(self, hook: EventHook, told: Told) -> None:
        """Send it once. Raises TryLater, or another GatewayError where it makes no sense to try again."""
        event: dict[str, Any] = told.arguments["event"]
        body = json.dumps({"id": told.job_id, **event}, ensure_ascii=False, separators=(",", ":")).encode()
        seconds = int(self.clock().timestamp())
        headers = {
            "Content-Type": "application/json",
            "X-Simbridge-Event": str(event["type"]),
            "X-Simbridge-Delivery": told.job_id,
            "X-Simbridge-Attempt": str(told.attempt),
            "X-Simbridge-Signature": signature((hook.secret or "").encode(), seconds, body),
        }
        question = Question(
            "POST", hook.url, headers=headers, body=body, may_be_private=hook.of_file, seconds=PATIENCE_SECONDS
        )
        judge(await self.ask(question), "The program")


@job(KIND, lasts=LASTS)
async def event_webhook(post: EventPost, told: Told) -> None:
    """Deliver one event to one program; a 2xx is success."""
    hook = post.find(told.text("hook"))
    if hook is None:
        raise DeliveryRefused("This program is not told of anything any more.")
    await post.deliver(hook, told)
