"""sipp and baresip as phones that hold, transfer and pick up; the other ends are Python peers that hear it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.audio.frame import SILENCE
from gateway.audio.g711 import Law, encode
from gateway.sip.message import Request
from tests.fakes.sip_exchange import Phone, SipExchange, sip_exchange
from tests.fakes.sip_peer import Peer
from tests.interop.programs import baresip, errors, sipp, until

pytestmark = [pytest.mark.interop, pytest.mark.real_time]

FRAME = SILENCE + 1_000
SPOKEN = encode(FRAME, Law.ULAW)
QUIET = encode(SILENCE, Law.ULAW)


async def heard_within(listener: Peer, speaker: Peer, seconds: float = 4.0) -> bool:
    """The one speaks until the other hears it."""

    def hears() -> bool:
        speaker.media.send_frame(FRAME)
        return any(heard.payload == SPOKEN for heard in listener.media.heard[-5:])

    listener.media.heard.clear()
    return await until(hears, seconds)


async def music_within(listener: Peer, seconds: float = 4.0) -> bool:
    listener.media.heard.clear()
    return await until(
        lambda: len([each for each in listener.media.heard if each.payload not in (QUIET, SPOKEN)]) > 10, seconds
    )


async def reaches(peer: Peer, tag: str) -> Phone:
    """The phone is rung by a program that takes its time, and answers."""
    invite = await peer.asked("INVITE", within=10)
    peer.respond(invite, 200, "OK", tag=tag, body=peer.media.offer("0 96"))
    await peer.asked("ACK")
    peer.media.use_answer(invite.body)
    return Phone(peer, "101", invite.call_id, tag, invite.sender.tag or "")


async def is_hung_up(peer: Peer, within: float = 8.0) -> bool:
    bye: Request = await peer.asked("BYE", within=within)
    peer.respond(bye, 200, "OK")
    return True


def address(x: SipExchange) -> tuple[str, int]:
    server = x.world.server.addresses[0]
    return server.host, server.port


async def test_sipp_holds_and_resumes_by_invite_and_update(tmp_path: Path) -> None:
    async with sip_exchange() as x:
        (store,) = await x.registered("102")
        playing = asyncio.ensure_future(sipp(address(x), "hold_and_resume", tmp_path))
        await reaches(store, "held")
        assert await music_within(store)
        assert await playing == 0, errors(tmp_path)
        assert await is_hung_up(store)


async def test_sipp_transfers_blindly(tmp_path: Path) -> None:
    async with sip_exchange() as x:
        store, boss = await x.registered("102", "103")
        keys = {"refer_to": "<sip:103@127.0.0.1>"}
        playing = asyncio.ensure_future(sipp(address(x), "hold_and_refer", tmp_path, keys=keys))
        await reaches(store, "held")
        await reaches(boss, "new")
        assert await playing == 0, errors(tmp_path)
        assert await heard_within(store, boss)
        assert await heard_within(boss, store)


async def test_sipp_transfers_after_a_consultation(tmp_path: Path) -> None:
    """The consultation is the same phone's second call, which a Python peer of that extension makes."""
    async with sip_exchange() as x:
        store, boss = await x.registered("102", "103")
        with Peer(x.world.server.addresses[0], "101") as second_line:
            asking = await x.call(second_line, "103", "ask")
            await reaches(boss, "new")
            await x.up(asking)
            keys = {"refer_to": f"<sip:103@127.0.0.1?{asking.replaces}>"}
            playing = asyncio.ensure_future(sipp(address(x), "hold_and_refer", tmp_path, keys=keys))
            await reaches(store, "held")
            assert await playing == 0, errors(tmp_path)
            assert await is_hung_up(second_line)
            assert await heard_within(store, boss)
            assert await heard_within(boss, store)


async def test_baresip_holds_resumes_and_transfers(tmp_path: Path) -> None:
    async with sip_exchange() as x, baresip(address(x), tmp_path) as phone:
        store, boss = await x.registered("102", "103")
        assert await until(lambda: x.world.server.phones.is_reachable("101")), (tmp_path / "log").read_text()
        await phone.command("dial", f"102@127.0.0.1:{address(x)[1]}")
        await reaches(store, "held")
        assert await heard_within(store, store), "it says what it hears"
        await phone.command("hold")
        assert await music_within(store), (tmp_path / "log").read_text()
        await phone.command("resume")
        leg = x.world.legs[0]
        assert await until(lambda: not leg.on_hold)
        sent = leg.port.counters.frames_out

        def is_sent_on() -> bool:  # this baresip, 1.0.0, plays it, but does not start its own microphone again
            store.media.send_frame(FRAME)
            return leg.port.counters.frames_out > sent + 10

        assert await until(is_sent_on)
        await phone.command("transfer", "103")
        await reaches(boss, "new")
        assert await heard_within(store, boss)
        assert await heard_within(boss, store)
        assert await until(lambda: "established" in (tmp_path / "log").read_text())


async def test_baresip_is_transferred_and_picks_up(tmp_path: Path) -> None:
    async with sip_exchange() as x, baresip(address(x), tmp_path, user="103") as phone:
        desk, store = await x.registered("101", "102")
        assert await until(lambda: x.world.server.phones.is_reachable("103")), (tmp_path / "log").read_text()
        first, _ = await x.talk(desk, store, "one")
        first.refer("103")
        assert await until(lambda: len(x.switchboard.calls()[0].legs) == 3)
        assert await heard_within(store, store), "baresip answers by itself, and says what it hears"
        await phone.command("hangup")
        assert await is_hung_up(store)
        await x.call(store, "101", "two")
        await phone.command("dial", f"**101@127.0.0.1:{address(x)[1]}")
        picked = await store.response(180, 200, within=8)
        while picked.status != 200:
            picked = await store.response(180, 200, within=8)
        store.ack("101", picked)
        store.media.use_answer(picked.body)
        assert await heard_within(store, store)
