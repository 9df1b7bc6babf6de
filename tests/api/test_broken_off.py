"""What goes wrong behind the head of an answer: whoever asked sees its end, and takes no problem for a part of it."""

from __future__ import annotations

import logging

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.api.problems import answer_with_problems
from gateway.errors import StoreError

FAULTS: dict[str, Exception] = {
    "store": StoreError("The store cannot be read: disk I/O error."),
    "file": ConnectionResetError("the file became shorter while it was sent"),
    "ours": RuntimeError("a fault that nobody foresaw"),
    "lost": web.HTTPNotFound(),
}


async def breaks_off(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    if "length" in request.query:
        answer.content_length = 100
    await answer.prepare(request)
    await answer.write(b"row\n")
    raise FAULTS[request.match_info["fault"]]


@pytest.mark.real_time
async def test_an_answer_that_has_begun_is_broken_off(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    app = web.Application()
    answer_with_problems(app)
    app.add_routes([web.get("/{fault}", breaks_off)])
    async with TestServer(app) as server, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as client:
        for fault in FAULTS:
            for query in ("", "?length=known"):
                with pytest.raises(aiohttp.ClientPayloadError):
                    async with client.get(server.make_url(f"/{fault}{query}")) as answer:
                        await answer.read()
    told = [each for each in caplog.records if each.name.startswith("gateway")]
    assert [each.exc_info is not None for each in told] == [False, False, True, True], "one of ours is in the log whole"
