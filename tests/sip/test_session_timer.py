"""Session timers on both sides of a call, and requests of ours that meet one of the peer's (RFC 4028, RFC 3261 14)."""

from __future__ import annotations

import asyncio

import pytest

from gateway.sip.message import Request, Response
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.shop import Shop, TrunkSettings
from tests.fakes.numbers import dialable
from tests.fakes.sip_exchange import Phone, SipExchange, sip_exchange, take
from tests.fakes.sip_peer import Peer

ALLOW = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE"


async def speak(x: SipExchange, seconds: float) -> None:
    """Let time go by in which everybody is heard: silence shall not be what ends the call."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        for peer in x.peers.values():
            if peer.media.remote is not None:
                peer.media.send(b"\xff" * 160)
        await asyncio.sleep(min(20, max(0.0, end - asyncio.get_running_loop().time())))


async def timed_call(x: SipExchange, *extra: str) -> tuple[Phone, Response]:
    """101 calls 102 with these fields; its 200."""
    desk, store = await x.registered("101", "102")
    calling = await x.call(desk, "102", "timed", extra=extra)
    await x.answered(store)
    await x.up(calling)
    return calling, calling.answers[0]


async def test_who_asks_for_less_than_a_minute_and_a_half_is_told_how_long_it_must_be() -> None:
    async with sip_exchange() as x:
        (desk,) = await x.registered("101")
        await desk.invite("102", call_id="short", extra=("Supported: timer", "Session-Expires: 60"))
        await desk.response(100)
        answer = await desk.response(422)
        assert answer.headers.get("Min-SE") == "90"
        desk.ack("102", answer)


@pytest.mark.parametrize(
    ("fields", "agreed", "required"),
    [
        (("Supported: timer", "Session-Expires: 120"), "120;refresher=uac", "timer"),
        (("Supported: timer", "x: 120;refresher=uas"), "120;refresher=uas", None),
        (("Session-Expires: 120",), "120;refresher=uas", None),
        (("Session-Expires: 60",), "90;refresher=uas", None),
        (("Supported: timer",), None, None),
        (("Session-Expires: soon",), None, None),
    ],
)
async def test_what_is_agreed(fields: tuple[str, ...], agreed: str | None, required: str | None) -> None:
    async with sip_exchange() as x:
        calling, answer = await timed_call(x, *fields)
        assert answer.headers.get("Session-Expires") == agreed
        assert answer.headers.get("Require") == required
        calling.ask("BYE")
        await calling.peer.response(200)


async def test_a_session_that_the_phone_does_not_refresh_is_over() -> None:
    """A little before its time, so that the phone does not wait in vain (section 10)."""
    async with sip_exchange() as x:
        calling, _ = await timed_call(x, "Supported: timer", "Session-Expires: 120")
        await speak(x, 80)
        assert len(x.switchboard.calls()) == 1
        await speak(x, 12)
        assert x.switchboard.calls() == []
        requests = [message.method for message in take(calling.peer) if isinstance(message, Request)]
        assert requests[0] == "BYE"


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_the_phone_refreshes_and_the_session_lives(method: str) -> None:
    async with sip_exchange() as x:
        calling, _ = await timed_call(x, "Supported: timer", "Session-Expires: 120")
        for _ in range(2):
            await speak(x, 60)
            body = calling.peer.media.offer() if method == "INVITE" else b""
            calling.ask(method, body=body, extra=("Supported: timer", "Session-Expires: 120;refresher=uac"))
            answer = await calling.peer.response(200)
            assert answer.headers.get("Session-Expires") == "120;refresher=uac"
            if method == "INVITE":
                calling.acknowledge(answer)
        assert len(x.switchboard.calls()) == 1


async def test_a_refresh_that_asks_for_too_little_is_refused() -> None:
    async with sip_exchange() as x:
        calling, _ = await timed_call(x, "Supported: timer", "Session-Expires: 120")
        calling.ask("UPDATE", extra=("Supported: timer", "Session-Expires: 30"))
        assert (await calling.peer.response(422)).headers.get("Min-SE") == "90"


async def test_we_refresh_by_update_where_the_phone_knows_it() -> None:
    async with sip_exchange() as x:
        calling, _ = await timed_call(x, ALLOW, "Supported: timer", "Session-Expires: 200;refresher=uas")
        for _ in range(2):
            await speak(x, 99)
            assert not calling.peer.received
            await speak(x, 2)
            update = await calling.peer.asked("UPDATE")
            assert update.headers.get("Session-Expires") == "200;refresher=uac"
            assert update.body == b""
            calling.peer.respond(update, 200, "OK", extra=("Session-Expires: 200;refresher=uac", "Require: timer"))
            calling.peer.received.clear()  # it was repeated before this answer
        assert len(x.switchboard.calls()) == 1


async def test_we_refresh_by_invite_where_the_phone_knows_no_update() -> None:
    async with sip_exchange() as x:
        calling, _ = await timed_call(x, "Allow: INVITE, ACK, BYE", "Supported: timer", "x: 200;refresher=uas")
        phone = calling.peer
        await speak(x, 101)
        invite = await phone.asked("INVITE")
        assert b"a=sendrecv" in invite.body
        phone.respond(invite, 200, "OK", body=phone.media.offer(), extra=("Session-Expires: 200;refresher=uac",))
        ack = await phone.asked("ACK")
        assert ack.cseq.number == invite.cseq.number
        phone.respond(invite, 200, "OK", body=phone.media.offer(), extra=("Session-Expires: 200;refresher=uac",))
        assert (await phone.next()).cseq.number == ack.cseq.number, "its ACK was lost: it comes again"
        await speak(x, 120)
        phone.respond(await phone.asked("INVITE"), 481, "Call/Transaction Does Not Exist")
        await phone.asked("ACK")
        assert (await phone.asked("BYE")).method == "BYE"
        await asyncio.sleep(0.1)
        assert x.switchboard.calls() == [], "the phone knows the call no more"


async def test_an_update_that_the_phone_refuses_after_all_becomes_an_invite() -> None:
    async with sip_exchange() as x:
        calling, _ = await timed_call(x, ALLOW, "Supported: timer", "x: 200;refresher=uas")
        await speak(x, 101)
        calling.peer.respond(await calling.peer.asked("UPDATE"), 405, "Method Not Allowed")
        assert (await calling.peer.asked("INVITE")).body


async def test_a_refresh_that_is_too_short_for_the_phone_is_asked_again() -> None:
    async with sip_exchange() as x:
        calling, _ = await timed_call(x, ALLOW, "Supported: timer", "x: 200;refresher=uas")
        await speak(x, 101)
        phone = calling.peer
        phone.respond(await phone.asked("UPDATE"), 422, "Session Interval Too Small", extra=("Min-SE: 600",))
        update = await phone.asked("UPDATE")
        assert update.headers.get("Session-Expires") == "600;refresher=uac"
        phone.respond(update, 200, "OK", extra=("Session-Expires: 600;refresher=uac",))
        await speak(x, 110)
        assert not phone.received


@pytest.mark.parametrize("answer", [None, (500, "Server Internal Error")])
async def test_nobody_answers_our_refresh_and_the_session_ends(answer: tuple[int, str] | None) -> None:
    async with sip_exchange() as x:
        calling, _ = await timed_call(x, ALLOW, "Supported: timer", "x: 200;refresher=uas")
        end = asyncio.get_running_loop().time() + 175
        while asyncio.get_running_loop().time() < end:
            await speak(x, 5)
            for message in calling.peer.received:
                if answer is not None and isinstance(message, Request) and message.method == "UPDATE":
                    calling.peer.respond(message, *answer)
            calling.peer.received.clear()
        assert x.switchboard.calls() == []


# Calls that we place.


async def we_call(x: SipExchange, *fields: str) -> tuple[Phone, Request]:
    """102 is rung for 101 and answers with these fields."""
    desk, store = await x.registered("101", "102")
    calling = await x.call(desk, "102", "placed")
    invite = await store.asked("INVITE")
    assert invite.headers.get("Session-Expires") == "1800"
    assert {"timer", "100rel", "replaces"} <= invite.headers.tokens("Supported")
    store.respond(invite, 200, "OK", body=store.media.offer(), extra=fields)
    await store.asked("ACK")
    store.media.use_answer(invite.body)
    await x.up(calling)
    called = Phone(store, "101", invite.call_id, "theirs", invite.sender.tag or "")
    return called, invite


async def test_the_callee_wants_a_longer_session_than_we_asked_for() -> None:
    async with sip_exchange() as x:
        desk, store = await x.registered("101", "102")
        await x.call(desk, "102", "placed")
        first = await store.asked("INVITE")
        store.respond(first, 422, "Session Interval Too Small", extra=("Min-SE: 3600",))
        await store.asked("ACK")
        second = await store.asked("INVITE")
        assert second.headers.get("Session-Expires") == "3600"
        assert second.headers.get("Min-SE") == "3600"
        assert (second.call_id, second.cseq.number) == (first.call_id, first.cseq.number + 1)
        store.respond(second, 422, "Session Interval Too Small", extra=("Min-SE: 3600",))
        await store.asked("ACK")
        await desk.response(180)
        assert (await desk.response(603, 480, 500)).status, "a peer that cannot be pleased is no loop"


@pytest.mark.parametrize("refresher", ["uac", "uas"])
async def test_the_callee_says_who_refreshes(refresher: str) -> None:
    async with sip_exchange() as x:
        called, _ = await we_call(x, ALLOW, f"Session-Expires: 220;refresher={refresher}", "Require: timer")
        await speak(x, 111)
        if refresher == "uac":
            called.peer.respond(await called.peer.asked("UPDATE"), 200, "OK", extra=("x: 220;refresher=uac",))
        else:
            assert not called.peer.received
            called.ask("UPDATE", extra=("Supported: timer", "x: 220;refresher=uac"))
            await called.peer.response(200)
        await speak(x, 85)
        assert len(x.switchboard.calls()) == 1
        await speak(x, 110)
        assert x.switchboard.calls() == []


# Glare.


async def ours_under_way(x: SipExchange, *, we_called: bool) -> tuple[Phone, Request]:
    """An INVITE of ours within the call waits for its answer."""
    no_update = "Allow: INVITE, ACK, BYE"
    if we_called:
        phone, _ = await we_call(x, no_update, "Session-Expires: 200;refresher=uac", "Require: timer")
    else:
        phone, _ = await timed_call(x, no_update, "Supported: timer", "x: 200;refresher=uas")
    await speak(x, 101)
    return phone, await phone.peer.asked("INVITE")


@pytest.mark.parametrize(("we_called", "earliest", "latest"), [(True, 2.1, 4.0), (False, 0.0, 2.0)])
async def test_two_invites_that_meet_both_wait(we_called: bool, earliest: float, latest: float) -> None:
    async with sip_exchange() as x:
        phone, ours = await ours_under_way(x, we_called=we_called)
        phone.ask("INVITE", body=phone.peer.media.offer(way="sendonly"))
        refused = await phone.peer.response(491)
        phone.acknowledge(refused)
        phone.ask("UPDATE", body=phone.peer.media.offer(way="sendonly"))
        await phone.peer.response(491)
        phone.peer.respond(ours, 491, "Request Pending")
        await phone.peer.asked("ACK")
        met = asyncio.get_running_loop().time()
        again = await phone.peer.asked("INVITE", within=6)
        assert earliest - 0.01 <= asyncio.get_running_loop().time() - met <= latest + 0.1
        assert again.cseq.number == ours.cseq.number + 1
        phone.peer.respond(again, 200, "OK", body=phone.peer.media.offer(), extra=("x: 200;refresher=uac",))
        await phone.peer.asked("ACK")
        assert len(x.switchboard.calls()) == 1


async def test_a_hold_that_is_refused_for_glare_succeeds_later() -> None:
    async with sip_exchange() as x:
        phone, ours = await ours_under_way(x, we_called=False)
        phone.ask("INVITE", body=phone.peer.media.offer(way="sendonly"))
        phone.acknowledge(await phone.peer.response(491))
        phone.peer.respond(ours, 200, "OK", body=phone.peer.media.offer(), extra=("x: 200;refresher=uac",))
        await phone.peer.asked("ACK")
        assert b"a=recvonly" in (await phone.offer("sendonly")).body


async def test_a_call_that_is_hung_up_during_our_invite_ends() -> None:
    async with sip_exchange() as x:
        phone, ours = await ours_under_way(x, we_called=False)
        phone.ask("BYE")
        await phone.peer.response(200)
        phone.peer.respond(ours, 200, "OK", body=phone.peer.media.offer())
        assert (await phone.peer.asked("ACK")).cseq.number == ours.cseq.number
        await asyncio.sleep(0.1)
        assert x.switchboard.calls() == []


async def test_a_provider_that_challenges_within_the_call_is_answered_once() -> None:
    """T-S6: credentials go where the call began with them, and nowhere else."""
    async with sip_exchange() as x:
        with Peer(x.world.server.addresses[0], "provider") as provider:
            row = TrunkSettings(name="p", host=f"127.0.0.1:{provider.port}", user="shop", password="secret")
            x.world.shop = Shop(phones=x.world.shop.phones, trunks=(row,))
            await asyncio.sleep(3)
            register = await provider.asked("REGISTER")
            provider.respond(register, 200, "OK", extra=("Expires: 3600",))
            await asyncio.sleep(0.5)
            provider.received.clear()
            trunk = x.world.server.trunks["p"]
            leg = trunk.dial(dialable("+79035550001"), caller_id="", call_id="c", extension="101")
            invite = await provider.asked("INVITE")
            fields = ("Allow: INVITE, ACK, BYE", "Session-Expires: 100;refresher=uac")
            provider.respond(invite, 200, "OK", body=provider.media.offer(), extra=fields)
            await provider.asked("ACK")
            provider.media.use_answer(invite.body)
            assert leg.state is LegState.UP
            for _ in range(2):
                await asyncio.sleep(20)
                provider.media.send(b"\xff" * 160)
            again = await provider.asked("INVITE", within=35)
            challenge = ('Proxy-Authenticate: Digest realm="p", nonce="abc", algorithm=MD5',)
            provider.respond(again, 407, "Proxy Authentication Required", extra=challenge)
            await provider.asked("ACK")
            third = await provider.asked("INVITE")
            assert "Proxy-Authorization" in dict(third.headers)
            provider.respond(third, 407, "Proxy Authentication Required", extra=challenge)
            await provider.asked("ACK")
            await asyncio.sleep(2)
            assert not provider.received
            leg.hangup(Cause.HUNG_UP)
            assert "Proxy-Authorization" not in dict((await provider.asked("BYE")).headers)


async def test_a_provider_that_has_called_us_may_challenge_a_refresh_too() -> None:
    async with sip_exchange() as x:
        with Peer(x.world.server.addresses[0], "shop") as provider:
            row = TrunkSettings(name="p", host=f"127.0.0.1:{provider.port}", user="shop", password="secret")
            x.world.shop = Shop(phones=x.world.shop.phones, trunks=(row,))
            (desk,) = await x.registered("101")
            await asyncio.sleep(3)
            provider.respond(await provider.asked("REGISTER"), 200, "OK", extra=("Expires: 3600",))
            await asyncio.sleep(0.5)
            provider.received.clear()
            body = provider.media.offer()
            fields = (ALLOW, "Supported: timer", "Session-Expires: 100;refresher=uas")
            provider.request("INVITE", "shop", call_id="in", number=1, body=body, extra=fields)
            await x.answered(desk)
            answer = await provider.response(100, 180, 200)
            while answer.status != 200:
                answer = await provider.response(180, 200)
            provider.ack("shop", answer)
            for _ in range(2):
                await asyncio.sleep(20)
                provider.media.use_answer(answer.body)
                provider.media.send(b"\xff" * 160)
                desk.media.send(b"\xff" * 160)
            update = await provider.asked("UPDATE", within=15)
            challenge = ('WWW-Authenticate: Digest realm="p", nonce="abc", algorithm=MD5',)
            provider.respond(update, 401, "Unauthorized", extra=challenge)
            again = await provider.asked("UPDATE")
            assert "Authorization" in dict(again.headers)
            provider.respond(again, 200, "OK", extra=("Session-Expires: 100;refresher=uac",))
