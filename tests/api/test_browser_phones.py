"""Being a phone in a browser: its messages, whose they are, and when it is over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.api.served import Served, serving

REGISTER = b"REGISTER sip:x.invalid SIP/2.0\r\n\r\n"


@asynccontextmanager
async def reading(served: Served, extension: str = "101") -> AsyncIterator[aiohttp.ClientResponse]:
    headers = {"Authorization": f"Bearer {served.token}", "X-Forwarded-For": "192.168.1.30"}
    async with served.client.get(served.url(f"/api/v1/phones/{extension}/browser"), headers=headers) as answer:
        yield answer


async def told(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """The next that is said; what keeps the stream alive is passed over."""
    while True:
        line = await answer.content.readline()
        assert line, "the stream is over"
        if line.startswith(b"data:"):
            found: dict[str, Any] = json.loads(line[5:])
            return found


async def say(served: Served, tunnel: str, data: bytes = REGISTER) -> int:
    status, _ = await served.ask(
        "POST", f"/api/v1/browser-phones/{tunnel}", data=data, headers={"Content-Type": "message/sip"}
    )
    return status


@pytest.mark.real_time
async def test_messages_go_both_ways_until_the_page_is_gone() -> None:
    async with serving() as served:
        await served.set_up()
        async with reading(served) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            tunnel = (await told(answer))["tunnel"]
            assert served.browsers.noted == [("101", "anna", "192.168.1.30")]
            assert await say(served, tunnel) == 204
            assert served.browsers.said == [REGISTER]
            flow = served.browsers.flows[0]
            assert (flow.remote.host, flow.transport, flow.reliable) == ("192.168.1.30", "WSS", True)
            flow.send("SIP/2.0 200 Да\r\n\r\n".encode())
            assert await told(answer) == {"sip": "SIP/2.0 200 Да\r\n\r\n"}
        async with asyncio.timeout(15):
            await served.browsers.has_lost.wait()
        assert not flow.is_open
        assert served.browsers.lost == [flow.remote]
        assert await say(served, tunnel) == 404


@pytest.mark.real_time
async def test_what_is_refused() -> None:
    async with serving() as served:
        await served.set_up()
        async with reading(served, "999") as answer:
            assert answer.status == 404
        assert await say(served, "none") == 404
        async with reading(served) as answer:
            tunnel = (await told(answer))["tunnel"]
            assert await say(served, tunnel, b"x" * 65_536) == 400
            assert await say(served, tunnel, b"\xff") == 400
            assert served.browsers.said == []
            opened = [served.browsers.tunnels.open("101", "192.168.1.31", "somebody else") for _ in range(15)]
            async with reading(served) as one_too_many:
                assert one_too_many.status == 503
            assert await say(served, opened[0].id) == 404  # it is somebody else's
