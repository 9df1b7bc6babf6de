"""What became of the alerts that were sent out: the delivery log. And another try of whatever was sent out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from aiohttp import web

from gateway.api.problems import NotFound, NotNow
from gateway.clock import wire_time

_KINDS = {"alert-webhook": "webhook", "alert-telegram": "telegram", "alert-mail": "mail"}
EVENT_KIND = "event-webhook"
"""Of what programs are told that is no alert; it has a log of its own, and is tried again as alerts are."""


class Delivery(Protocol):
    """A stored job that delivers something."""

    @property
    def id(self) -> str:
        """What the receiver knows it by."""

    @property
    def kind(self) -> str:
        """The name of the job."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the job was told."""

    @property
    def state(self) -> str:
        """waiting, running, done, failed, expired or unknown."""

    @property
    def attempts(self) -> int:
        """How often it was tried."""

    @property
    def last_error(self) -> str | None:
        """Why the last try came to nothing."""

    @property
    def created_at(self) -> datetime:
        """When the alert was."""

    @property
    def due_at(self) -> datetime:
        """When it is tried next, while it waits."""

    @property
    def finished_at(self) -> datetime | None:
        """When it was over."""


DeliveryLog: TypeAlias = Callable[[Sequence[str]], Awaitable[Sequence[Delivery]]]
"""The last deliveries of those kinds, the newest first."""


async def no_deliveries(_kinds: Sequence[str]) -> Sequence[Delivery]:
    """Nothing is sent out."""
    return ()


def nowhere() -> int:
    """Nobody would get a test."""
    return 0


Retry: TypeAlias = Callable[[str, Sequence[str]], Awaitable[bool | None]]
"""Have a delivery of those kinds tried again, at once; False: it runs, or has arrived, None: there is none."""


async def no_retry(_delivery_id: str, _kinds: Sequence[str]) -> bool | None:
    """There is no delivery."""
    return None


class DeliveryRoutes:
    """The handlers. `test` has a test delivered to everywhere, and tells to how many places that is."""

    def __init__(self, log: DeliveryLog, test: Callable[[], int], retry: Retry) -> None:
        self._log = log
        self._test = test
        self._retry = retry

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/deliveries", self._get_deliveries),
            web.post("/api/v1/deliveries/test", self._post_test),
            web.post("/api/v1/deliveries/{id}/retry", self._post_retry),
        ]

    async def _get_deliveries(self, request: web.Request) -> web.Response:
        del request
        items = [delivery_wire(each) | {"to": _KINDS[each.kind]} for each in await self._log(tuple(_KINDS))]
        return web.json_response({"items": items}, headers={"Cache-Control": "no-store"})

    async def _post_test(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"places": self._test()}, status=202)

    async def _post_retry(self, request: web.Request) -> web.Response:
        match await self._retry(request.match_info["id"], (*_KINDS, EVENT_KIND)):
            case None:
                raise NotFound("There is no such delivery.")
            case False:
                raise NotNow("The delivery is under way, or has arrived.")
        return web.Response(status=202)


def delivery_wire(delivery: Delivery) -> dict[str, object]:
    """What is told of every delivery."""
    return {
        "id": delivery.id,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "error": delivery.last_error,
        "created_at": wire_time(delivery.created_at),
        "next_at": wire_time(delivery.due_at) if delivery.state == "waiting" else None,
        "finished_at": wire_time(delivery.finished_at) if delivery.finished_at is not None else None,
    }
