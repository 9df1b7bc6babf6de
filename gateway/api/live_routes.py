"""What is known at once: health, the snapshot, the event stream, and commands to the exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL, require_principal
from gateway.api.contract import contract
from gateway.api.problems import NotFound, NotSignedIn, TooManyStreams
from gateway.api.seams import LiveView
from gateway.api.shop_seam import ShopFile
from gateway.api.stream import KEEP_ALIVE_SECONDS, EventStream
from gateway.clock import wire_time
from gateway.messages import pick_language, words
from gateway.telephony.promised import PromisedCall

_LISTS = ("lines", "modems", "couriers", "phones", "alerts")


class LiveRoutes:
    """The handlers."""

    def __init__(
        self,
        *,
        live: LiveView,
        stream: EventStream,
        shop: ShopFile,
        is_ready: Callable[[], bool],
        boot: str,
        promised: Callable[[], Sequence[PromisedCall]],
        is_emulated: Callable[[], bool],
    ) -> None:
        self._live = live
        self._stream = stream
        self._shop = shop
        self._is_ready = is_ready
        self._boot = boot
        self._promised = promised
        self._is_emulated = is_emulated

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/health", self._get_health),
            web.get("/api/v1/openapi.json", self._get_contract),
            web.get("/api/v1/words", self._get_words),
            web.get("/api/v1/snapshot", self._get_snapshot),
            web.get("/api/v1/stream", self._get_stream, allow_head=False),
            *(web.get(f"/api/v1/{name}", self._get_list) for name in _LISTS),
            web.post("/api/v1/calls/{id}/hangup", self._post_hangup),
            web.post("/api/v1/alerts/{id}/acknowledge", self._post_acknowledge),
            web.get("/api/v1/shop", self._get_shop),
            web.put("/api/v1/shop", self._put_shop),
        ]

    async def _get_health(self, _request: web.Request) -> web.Response:
        if self._is_ready():
            return web.json_response({"status": "ready"})
        return web.json_response({"status": "starting"}, status=503)

    async def _get_contract(self, _request: web.Request) -> web.Response:
        return web.json_response(contract())

    async def _get_words(self, request: web.Request) -> web.Response:
        language = pick_language(request.headers.get("Accept-Language", ""))
        return web.json_response(words(language), headers={"Content-Language": language})

    async def _get_snapshot(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                **self._live.snapshot(),
                "boot": self._boot,
                "ready": self._is_ready(),
                "emulated": self._is_emulated(),
                "promised": self._promises(),
            },
            headers={"Cache-Control": "no-store"},
        )

    def _promises(self) -> dict[str, object]:
        """How many call-backs are promised, and when the first of them is due."""
        open_ones = self._promised()
        return {
            "waiting": len(open_ones),
            "due_at": wire_time(min(each.due_at for each in open_ones)) if open_ones else None,
        }

    async def _get_list(self, request: web.Request) -> web.Response:
        name = request.path.rpartition("/")[2]
        return web.json_response({"items": self._live.snapshot()[name]}, headers={"Cache-Control": "no-store"})

    async def _get_stream(self, request: web.Request) -> web.StreamResponse:
        if self._stream.is_full:
            raise TooManyStreams("The audience is full.")
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        checked_until = loop.time() + KEEP_ALIVE_SECONDS
        messages = self._stream.messages(
            last_event_id=request.headers.get("Last-Event-ID"), boot=request.query.get("boot")
        )
        try:
            async for message in messages:
                if loop.time() >= checked_until:  # a session that has ended, or a revoked token, hears nothing more
                    await require_principal(request)
                    checked_until = loop.time() + KEEP_ALIVE_SECONDS
                await response.write(message)
        except (ConnectionResetError, NotSignedIn):
            pass  # the listener is gone, or nobody any more: this is how a stream ends
        finally:
            await messages.aclose()
        return response

    async def _post_hangup(self, request: web.Request) -> web.Response:
        if not self._live.hang_up(request.match_info["id"]):
            raise NotFound("There is no such call now.")
        return web.Response(status=202)

    async def _post_acknowledge(self, request: web.Request) -> web.Response:
        if not self._live.acknowledge(request.match_info["id"], request[PRINCIPAL].name):
            raise NotFound("There is no such alert now.")
        return web.Response(status=204)

    async def _get_shop(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=(await self._shop.export_text()).encode(),
            headers={"Content-Type": "application/toml", "Cache-Control": "no-store"},
        )

    async def _put_shop(self, request: web.Request) -> web.Response:
        text = await bodies.text(request, media_type="application/toml")
        changed = await self._shop.import_text(text, by=request[PRINCIPAL].name)
        return web.json_response({"changed": changed})
