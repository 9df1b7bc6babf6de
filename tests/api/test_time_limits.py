"""An answer begins in time, or is an error; one that has begun is sent to its end."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.api import time_limits
from gateway.api.problems import answer_with_problems
from gateway.api.time_limits import limit_times

pytestmark = pytest.mark.real_time

LIMIT_SECONDS = 0.2


async def says_nothing(_request: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


async def takes_its_time(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(3):
        await asyncio.sleep(LIMIT_SECONDS)
        await answer.write(b"row\n")
    await answer.write_eof()
    return answer


async def says_all_at_once(_request: web.Request) -> web.Response:
    return web.Response(text="all")


async def test_only_the_beginning_of_an_answer_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limits, "LONGEST_REQUEST_SECONDS", LIMIT_SECONDS)
    app = web.Application()
    answer_with_problems(app)
    limit_times(app)
    app.add_routes([
        web.get("/silent", says_nothing), web.get("/table", takes_its_time), web.get("/text", says_all_at_once),
    ])  # fmt: skip
    async with TestServer(app) as server, aiohttp.ClientSession() as client:
        async with client.get(server.make_url("/table")) as answer:
            assert await answer.text() == "row\n" * 3
        async with client.get(server.make_url("/text")) as answer:
            assert await answer.text() == "all"
        async with client.get(server.make_url("/silent")) as answer:
            assert answer.status == 503
            assert (await answer.json())["code"] == "try-later"
