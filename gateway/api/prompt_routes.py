"""Prompts: the worker makes them, and the calls that come next play them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.api.relay import Relay


class PromptRoutes:
    """The handlers. `changed` has the prompts read anew."""

    def __init__(self, relay: Relay, changed: Callable[[], Awaitable[None]]) -> None:
        self._relay = relay
        self._changed = changed

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        one = "/api/v1/prompts/{language}/{key}"
        return [
            web.get("/api/v1/prompts/{language}", self._relay.pass_on),
            web.get(one, self._relay.pass_on),
            web.put(one, self._change),
            web.post(one + "/say", self._change),
            web.delete(one, self._change),
        ]

    async def _change(self, request: web.Request) -> web.StreamResponse:
        response = await self._relay.answer_to(request)
        if response.status < 300:
            await self._changed()
        return response
