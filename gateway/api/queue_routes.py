"""The queue: its rules, who takes calls, and the messages that callers have left."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.live_queue import LiveQueue
from gateway.api.problems import NotFound
from gateway.api.shop_seam import ShopFile
from gateway.clock import WallClock, wire_time
from gateway.telephony.mailboxes import LeftMessage, Mailboxes
from gateway.telephony.on_duty import Duty, PausedTime
from gateway.telephony.queue_rules import QueueRules

LONGEST_REASON = 40
MOST_MESSAGES = 200
"""The last ones are listed."""
PAUSES_OF = timedelta(days=1)
_RULES = frozenset(each.name for each in fields(QueueRules))


class PausedTimes(Protocol):
    """How long phones have paused."""

    def __call__(self, since: datetime, until: datetime) -> Awaitable[Sequence[PausedTime]]:
        """In that time, by their reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDesk:
    """What these routes need."""

    live: LiveQueue
    duty: Duty
    mailboxes: Mailboxes
    paused_times: PausedTimes
    clock: WallClock


class QueueRoutes:
    """The handlers."""

    def __init__(self, shop: ShopFile, desk: QueueDesk) -> None:
        self._shop = shop
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/queue", self._get_queue),
            web.patch("/api/v1/queue", self._patch_queue),
            web.post("/api/v1/queue/staff/{extension}/pause", self._post_pause),
            web.post("/api/v1/queue/staff/{extension}/resume", self._post_resume),
            web.get("/api/v1/voicemail", self._get_voicemail),
            web.post("/api/v1/voicemail/{id}/heard", self._post_heard),
        ]

    async def _get_queue(self, _request: web.Request) -> web.Response:
        return await self._answer()

    async def _patch_queue(self, request: web.Request) -> web.Response:
        changes = await bodies.json_object(request, allowed=_RULES)
        await self._shop.change_queue(changes, by=request[PRINCIPAL].name)
        return await self._answer()

    async def _answer(self) -> web.Response:
        now = self._desk.clock()
        paused = await self._desk.paused_times(now - PAUSES_OF, now)
        return _json(
            {
                "rules": asdict(self._shop.current().queue),
                "live": self._desk.live.wire(),
                "paused": [asdict(each) for each in paused],
            }
        )

    async def _post_pause(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"reason"}))
        reason = bodies.string(body, "reason", shortest=0, longest=LONGEST_REASON).strip() if "reason" in body else ""
        await self._desk.duty.pause(self._phone(request), reason, by=request[PRINCIPAL].name)
        return web.Response(status=204)

    async def _post_resume(self, request: web.Request) -> web.Response:
        await self._desk.duty.resume(self._phone(request), by=request[PRINCIPAL].name)
        return web.Response(status=204)

    def _phone(self, request: web.Request) -> str:
        extension = request.match_info["extension"]
        if self._shop.current().phone(extension) is None:
            raise NotFound("There is no such phone.")
        return extension

    async def _get_voicemail(self, _request: web.Request) -> web.Response:
        found = await self._desk.mailboxes.messages(None, limit=MOST_MESSAGES, only_unheard=False)
        return _json({"items": [_wire(each) for each in found]})

    async def _post_heard(self, request: web.Request) -> web.Response:
        if not await self._desk.mailboxes.mark_heard(request.match_info["id"], by=request[PRINCIPAL].name):
            raise NotFound("There is no such message.")
        return web.Response(status=204)


def _wire(message: LeftMessage) -> dict[str, object]:
    heard_at = wire_time(message.heard_at) if message.heard_at is not None else None
    return {**asdict(message), "left_at": wire_time(message.left_at), "heard_at": heard_at}


def _json(content: object) -> web.Response:
    return web.json_response(content, headers={"Cache-Control": "no-store"})
