"""sipp watches a lamp, and writes to another phone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.clock import utc_now
from gateway.events import LegStarted, Published
from tests.fakes.sip import SipWorld
from tests.fakes.sip_peer import Peer
from tests.interop.programs import errors, sipp, until

pytestmark = [pytest.mark.interop, pytest.mark.real_time]


async def test_sipp_sees_that_a_phone_rings(tmp_path: Path) -> None:
    world = SipWorld()
    async with world.server:
        server = world.server.addresses[0]
        watching = asyncio.ensure_future(sipp((server.host, server.port), "lamp", tmp_path))
        await until(lambda: len(world.server._subscriptions) == 1, 15)
        await asyncio.sleep(0.5)
        event = LegStarted(call_id="c", leg_id="l", kind="sip", direction="outgoing", peer="102", line=None)
        world.server.presence.follow(Published(1, utc_now(), event))
        assert await watching == 0, errors(tmp_path)
        assert len(world.server._subscriptions) == 0


async def test_sipp_writes_to_a_phone(tmp_path: Path) -> None:
    world = SipWorld()
    async with world.server:
        server = world.server.addresses[0]
        with Peer(server, "102") as desk:
            await desk.register()
            writing = asyncio.ensure_future(sipp((server.host, server.port), "message", tmp_path))
            message = await desk.asked("MESSAGE", within=15)
            desk.respond(message, 200, "OK")
            assert await writing == 0, errors(tmp_path)
            assert message.body == b"The parcel is here."
