"""The worker's answers about prompts: lists, sounds, and new ones."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from gateway.api import bodies
from gateway.worker.prompts import OwnPrompts, PromptFacts
from gateway.worker.speech import LONGEST_TEXT

MOST_QUEUES = 50
LARGEST_SOUND_BYTES = 32 * 1024 * 1024
"""A minute of 48 kHz, two channels, 24 bits is 17 MB."""


class PromptRoutes:
    """The handlers."""

    def __init__(self, prompts: OwnPrompts) -> None:
        self._prompts = prompts

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        one = "/api/v1/prompts/{language}/{key}"
        return [
            web.get("/api/v1/prompts/{language}", self._get_all),
            web.get(one, self._get_sound),
            web.put(one, self._put_sound),
            web.post(one + "/say", self._post_text),
            web.delete(one, self._delete),
        ]

    async def _get_all(self, request: web.Request) -> web.Response:
        queues = [each for each in request.query.get("queues", "").split(",") if each][:MOST_QUEUES]
        found = await asyncio.to_thread(self._prompts.all, request.match_info["language"], queues)
        return web.json_response({"items": [asdict(each) for each in found]}, headers={"Cache-Control": "no-store"})

    async def _get_sound(self, request: web.Request) -> web.StreamResponse:
        path = await asyncio.to_thread(self._prompts.path, *_named(request))
        return web.FileResponse(path, headers={"Cache-Control": "private, no-cache", "Content-Type": "audio/wav"})

    async def _put_sound(self, request: web.Request) -> web.Response:
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            size = 0
            async for piece in request.content.iter_chunked(64 * 1024):
                size += len(piece)
                if size > LARGEST_SOUND_BYTES:
                    raise web.HTTPRequestEntityTooLarge(max_size=LARGEST_SOUND_BYTES, actual_size=size)
                file.write(piece)
            file.flush()
            return _answer(await asyncio.to_thread(self._prompts.take, *_named(request), Path(file.name)))

    async def _post_text(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"text"}))
        text = bodies.prose(body, "text", shortest=1, longest=LONGEST_TEXT)
        return _answer(await asyncio.to_thread(self._prompts.say, *_named(request), text))

    async def _delete(self, request: web.Request) -> web.Response:
        return _answer(await asyncio.to_thread(self._prompts.forget, *_named(request)))


def _named(request: web.Request) -> tuple[str, str]:
    return request.match_info["language"], request.match_info["key"]


def _answer(facts: PromptFacts) -> web.Response:
    return web.json_response(asdict(facts), headers={"Cache-Control": "no-store"})
