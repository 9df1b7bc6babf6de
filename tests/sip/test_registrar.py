"""Who may register, where he is rung, and what a stranger learns (T-S1 to T-S5, X-N8)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

import pytest

from gateway.clock import utc_now
from gateway.events import AlertCleared, AlertRaised, PhoneRegistered, PhoneUnregistered
from gateway.sip.digest import DigestServer
from gateway.sip.message import Headers, Response
from gateway.sip.registrar import LONGEST_EXPIRES_SECONDS, Registrar
from gateway.sip.transport import Address, Flow
from gateway.telephony.line import Caller
from tests.fakes.sip import MemoryBindings, SipWorld
from tests.fakes.sip_peer import Peer


async def test_a_phone_registers_refreshes_and_signs_off() -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            answer = await phone.register(expires=300)
            assert [contact.parameter("expires") for contact in answer.contacts] == ["300"]
            assert world.server.phones.is_reachable("101")
            assert list(world.bindings.rows) == [("101", f"sip:101@127.0.0.1:{phone.port}")]
            await phone.register(expires=600)
            assert len(world.bindings.rows) == 1
            await phone.register(expires=0)
    assert not world.bindings.rows
    kinds = [type(event) for event in world.events]
    assert kinds == [PhoneRegistered, PhoneUnregistered]


async def test_sha256_is_taken_too() -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            phone.request("REGISTER", "101", call_id="r", number=1)
            challenge = await phone.response(401)
            uri = f"sip:101@127.0.0.1:{world.server.addresses[0].port}"
            fields = (phone.authorization(challenge, "REGISTER", uri, algorithm="SHA-256"),)
            phone.request("REGISTER", "101", call_id="r", number=2, extra=fields)
            await phone.response(200)


async def test_a_registration_expires_by_itself() -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.register(expires=60)
            await asyncio.sleep(59)
            assert world.server.phones.is_reachable("101")
            await asyncio.sleep(2)
            assert not world.server.phones.is_reachable("101")
    assert isinstance(world.events[-1], PhoneUnregistered)
    assert world.events[-1].reason == "expired"


async def test_too_short_is_423_with_the_shortest() -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            answer = await phone.register(expires=10, status=423)
            assert answer.headers.get("Min-Expires") == "60"


async def test_the_wildcard_removes_all() -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as one, Peer(world.server.addresses[0]) as two:
            await one.register()
            await two.register()
            assert len(world.bindings.rows) == 2
            one.request("REGISTER", "101", call_id="w", number=1)
            challenge = await one.response(401)
            uri = f"sip:127.0.0.1:{world.server.addresses[0].port}"
            one.send(
                f"""REGISTER {uri} SIP/2.0
                Via: SIP/2.0/UDP 127.0.0.1:{one.port};branch=z9hG4bKwild
                From: <sip:101@127.0.0.1>;tag=a
                To: <sip:101@127.0.0.1>
                Call-ID: w
                CSeq: 2 REGISTER
                Contact: *
                Expires: 0
                {one.authorization(challenge, "REGISTER", uri)}"""
            )
            await one.response(200)
            assert not world.bindings.rows


async def test_a_fourth_phone_takes_the_place_of_the_oldest() -> None:
    world = SipWorld()
    async with world.server:
        phones = [Peer(world.server.addresses[0]) for _ in range(4)]
        for phone in phones:
            await phone.register()
        ports = {contact.rpartition(":")[2] for _, contact in world.bindings.rows}
        assert ports == {str(phone.port) for phone in phones[1:]}
        for phone in phones:
            phone.close()


async def test_another_ones_address_cannot_be_registered() -> None:
    """T-S4."""
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            phone.request("REGISTER", "102", call_id="r", number=1)
            challenge = await phone.response(401)
            uri = f"sip:102@127.0.0.1:{world.server.addresses[0].port}"
            fields = (phone.authorization(challenge, "REGISTER", uri),)
            phone.request("REGISTER", "102", call_id="r", number=2, extra=fields)
            await phone.response(403)
    assert not world.bindings.rows


async def test_a_contact_that_points_at_us_is_refused() -> None:
    """T-S4: a call to it would chase its own tail."""
    world = SipWorld()
    async with world.server:
        server = world.server.addresses[0]
        with Peer(server) as phone:
            phone.request("REGISTER", "101", call_id="r", number=1)
            challenge = await phone.response(401)
            uri = f"sip:127.0.0.1:{server.port}"
            phone.send(
                f"""REGISTER {uri} SIP/2.0
                Via: SIP/2.0/UDP 127.0.0.1:{phone.port};branch=z9hG4bKself
                From: <sip:101@127.0.0.1>;tag=a
                To: <sip:101@127.0.0.1>
                Call-ID: r
                CSeq: 2 REGISTER
                Contact: <sip:101@127.0.0.1:{server.port}>
                {phone.authorization(challenge, "REGISTER", uri)}"""
            )
            await phone.response(403)


async def test_a_phone_is_rung_where_it_spoke_from_whatever_its_contact_says() -> None:
    """T-S4: the Contact names a third address; the INVITE comes to the source."""
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone, Peer(world.server.addresses[0], "102") as victim:
            phone.request("REGISTER", "101", call_id="r", number=1)
            challenge = await phone.response(401)
            uri = f"sip:127.0.0.1:{world.server.addresses[0].port}"
            phone.send(
                f"""REGISTER {uri} SIP/2.0
                Via: SIP/2.0/UDP 192.168.77.7:5060;rport;branch=z9hG4bKnat
                From: <sip:101@127.0.0.1>;tag=a
                To: <sip:101@127.0.0.1>
                Call-ID: r
                CSeq: 2 REGISTER
                Contact: <sip:101@127.0.0.99:{victim.port}>
                {phone.authorization(challenge, "REGISTER", uri)}"""
            )
            await phone.response(200)
            leg = world.server.phones.dial("101", caller=Caller(number="102"))
            invite = await phone.asked("INVITE")
            assert str(invite.uri) == f"sip:101@127.0.0.99:{victim.port}"
            assert not victim.received
            leg.hangup()


async def test_registrations_survive_a_restart() -> None:
    bindings = MemoryBindings()
    expires_at = utc_now() + timedelta(seconds=100)
    with Peer(Address("127.0.0.1", 9)) as phone:
        bindings.rows["101", f"sip:101@127.0.0.1:{phone.port}"] = (f"127.0.0.1:{phone.port}", expires_at, "phone")
        world = SipWorld(bindings=bindings)
        async with world.server:
            world.server.phones.dial("101", caller=Caller(number="102")).hangup()
            await phone.asked("INVITE")


async def test_no_registration_lasts_for_years_because_the_clock_was_put_back() -> None:
    bindings = MemoryBindings()
    in_years = utc_now() + timedelta(days=3_650)
    bindings.rows["101", "sip:101@127.0.0.1:5070"] = ("127.0.0.1:5070", in_years, "phone")
    registrar = Registrar(bindings, lambda *_events: None, utc_now)
    await registrar.restore(lambda _address: cast("Flow", object()))
    (binding,) = registrar.everything()
    assert binding.expires_at - asyncio.get_running_loop().time() <= LONGEST_EXPIRES_SECONDS
    registrar.close()


async def test_a_stranger_cannot_tell_a_user_from_nobody() -> None:
    """T-S2: status, fields and their order are the same; also after a wrong answer to the challenge."""
    world = SipWorld()
    async with world.server:
        shapes = []
        for user in ("101", "999", "admin"):
            with Peer(world.server.addresses[0], user, password="wrong") as stranger:
                for method in ("REGISTER", "INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE"):
                    stranger.request(method, "101", call_id=f"c-{user}-{method}", number=1)
                    first = await stranger.response(401)
                    shapes.append([name for name, _ in first.headers])
        assert all(shape == shapes[0] for shape in shapes)


async def test_a_challenge_can_be_answered_once() -> None:
    """T-S5: the same credentials again are no credentials; a right answer to an old nonce is told so."""
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone, Peer(world.server.addresses[0]) as thief:
            phone.request("REGISTER", "101", call_id="r", number=1)
            challenge = await phone.response(401)
            uri = f"sip:101@127.0.0.1:{world.server.addresses[0].port}"
            fields = (phone.authorization(challenge, "REGISTER", uri),)
            phone.request("REGISTER", "101", call_id="r", number=2, extra=fields)
            await phone.response(200)
            thief.request("REGISTER", "101", call_id="r2", number=3, extra=fields)
            again = await thief.response(401)
            assert {each.get("stale") for _, each in again.challenges()} == {"true"}
            phone.request(
                "REGISTER", "101", call_id="r", number=4, extra=(phone.authorization(challenge, "REGISTER", uri, nc=2),)
            )
            await phone.response(200)
            await asyncio.sleep(61)
            phone.received.clear()
            phone.request(
                "REGISTER", "101", call_id="r", number=5, extra=(phone.authorization(challenge, "REGISTER", uri, nc=3),)
            )
            await phone.response(401)


async def test_forged_nonces_are_never_taken() -> None:
    """T-S5: nine forms that are not ours, with the right password; none is counted against the phone either."""
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            phone.request("REGISTER", "101", call_id="r", number=1)
            challenge = await phone.response(401)
            nonce = challenge.challenges()[0][1].get("nonce") or ""
            forged = [
                "",
                "x",
                nonce[:-4],
                nonce[:-1] + ("A" if nonce[-1] != "A" else "B"),
                nonce.lower(),
                nonce + "=",
                nonce * 2,
            ]
            forged += ["A" * len(nonce), "\N{SNOWMAN}"]
            uri = f"sip:101@127.0.0.1:{world.server.addresses[0].port}"
            for number, each in enumerate(forged, start=2):
                field = phone.old_authorization(each, "REGISTER", uri)
                phone.request("REGISTER", "101", call_id="r", number=number, extra=(field,))
                await phone.response(401)
            await phone.register()


def test_a_thousand_challenges_of_one_moment_are_all_different() -> None:
    digest = DigestServer(lambda: 0.0, lambda _user: None)
    nonces = set()
    for _ in range(1000):
        response = Response(Headers(), status=401, reason="Unauthorized")
        digest.challenge(response, "10.0.0.1")
        nonces.add(response.challenges()[0][1].get("nonce"))
    assert len(nonces) == 1000


async def test_guessing_is_answered_five_times_and_then_met_with_silence() -> None:
    """T-S1; the right password does not help the banned host, and the ban ends."""
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0], password="guess", host="127.0.0.7") as guesser:
            uri = f"sip:101@127.0.0.1:{world.server.addresses[0].port}"
            for number in range(100):
                guesser.request("REGISTER", "101", call_id="g", number=2 * number + 1)
                try:
                    challenge = await guesser.response(401, within=0.2)
                except TimeoutError:
                    break
                fields = (guesser.authorization(challenge, "REGISTER", uri),)
                guesser.request("REGISTER", "101", call_id="g", number=2 * number + 2, extra=fields)
                await asyncio.sleep(0.1)
                guesser.received.clear()
            assert number == 5
            with Peer(world.server.addresses[0]) as honest:
                await honest.register()
            guesser.password = honest.password
            guesser.request("REGISTER", "101", call_id="right", number=1)
            await asyncio.sleep(1)
            assert not guesser.received
            await asyncio.sleep(61)
            await guesser.register()
    told = [event for event in world.events if isinstance(event, AlertRaised | AlertCleared)]
    assert [(type(event), event.subject) for event in told] == [(AlertRaised, "127.0.0.7"), (AlertCleared, "127.0.0.7")]


async def test_a_phone_that_stops_answering_is_not_rung_until_it_does() -> None:
    """X-N8: dead within 100 s, alive again with its next answer."""
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            phone.answers_options = False
            await phone.register(expires=3600)
            phone.respond(await phone.asked("OPTIONS", within=45), 200, "OK")
            died_at = asyncio.get_running_loop().time()
            for _ in range(130):
                await asyncio.sleep(1)
                if not world.server.phones.is_reachable("101"):
                    break
            assert 60 <= asyncio.get_running_loop().time() - died_at <= 115
            phone.received.clear()
            phone.respond(await phone.asked("OPTIONS", within=45), 200, "OK")
            await asyncio.sleep(0.1)
            assert world.server.phones.is_reachable("101")
    reasons = [event.reason for event in world.events if isinstance(event, PhoneUnregistered)]
    assert reasons == ["dead"]


async def test_a_phone_that_never_answered_options_is_left_alone() -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            phone.answers_options = False
            await phone.register(expires=3600)
            await asyncio.sleep(300)
            assert world.server.phones.is_reachable("101")
            phone.received.clear()
            await asyncio.sleep(300)
            assert not phone.received


async def test_credentials_are_never_sent_to_a_phone() -> None:
    """T-S6: a phone challenges our INVITE and our BYE; it learns nothing."""
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.register()
            leg = world.server.phones.dial("101", caller=Caller(number="102"))
            invite = await phone.asked("INVITE")
            phone.respond(invite, 401, 'Unauthorized\nWWW-Authenticate: Digest realm="simbridge", nonce="x"')
            assert (await phone.asked("ACK")).headers.get("Authorization") is None
            await asyncio.sleep(2)
            assert not phone.received
            assert leg.cause is not None


async def _guess(peer: Peer, port: int, times: int, first: int = 1) -> None:
    """So many wrong passwords for 101, each in answer to a challenge."""
    for number in range(first, first + 2 * times, 2):
        peer.request("REGISTER", "101", call_id="guess", number=number)
        fields = (peer.authorization(await peer.response(401), "REGISTER", f"sip:101@127.0.0.1:{port}"),)
        peer.request("REGISTER", "101", call_id="guess", number=number + 1, extra=fields)
        await asyncio.sleep(0.1)
        peer.received.clear()


async def test_a_ban_is_listed_with_the_phones_it_shuts_out_and_ends_when_it_is_lifted() -> None:
    """A second device behind the address of a good phone has a wrong password: the owner is told of both."""
    world = SipWorld()
    async with world.server:
        address, logins = world.server.addresses[0], world.server.failed_logins
        with Peer(address, host="127.0.0.7") as phone, Peer(address, password="old", host="127.0.0.7") as broken:
            await phone.register()
            await _guess(broken, address.port, 4)
            (failed,) = logins.hosts()
            assert (failed.host, failed.failures, failed.accounts) == ("127.0.0.7", 4, ("101",))
            assert (failed.banned_until, failed.phones) == (None, ("101",))
            assert not logins.lift_ban("127.0.0.7"), "nobody is shut out yet"
            await _guess(broken, address.port, 1, first=9)
            (failed,) = logins.hosts()
            assert failed.banned_at is not None
            assert failed.banned_until is not None
            assert (failed.banned_until - failed.banned_at).total_seconds() == pytest.approx(60)
            (told,) = [event for event in world.events if isinstance(event, AlertRaised)]
            assert (told.code, told.subject) == ("phones-shut-out", "127.0.0.7")
            assert told.values == {"account": "101", "phones": "101"}
            phone.request("OPTIONS", "101", call_id="still", number=1)
            await asyncio.sleep(1)
            assert not phone.received, "the good phone is shut out with it"
            assert logins.lift_ban("127.0.0.7")
            assert not logins.lift_ban("127.0.0.7")
            await phone.register()
            assert isinstance(world.events[-1], AlertCleared) or any(
                isinstance(event, AlertCleared) and event.subject == "127.0.0.7" for event in world.events
            )
            (failed,) = logins.hosts()
            assert (failed.banned_until, failed.bans, failed.failures) == (None, 0, 5)
            await asyncio.sleep(601)
            assert logins.hosts() == []


async def test_a_phone_that_is_guessed_at_from_everywhere_is_told_of_and_opened() -> None:
    """T-S1: twenty guesses from seven addresses; then the right password is good from nowhere new."""
    world = SipWorld()
    async with world.server:
        address, logins = world.server.addresses[0], world.server.failed_logins
        for number in range(7):
            with Peer(address, password="guess", host=f"127.0.1.{number + 1}") as guesser:
                await _guess(guesser, address.port, 3)
        (guessed,) = logins.phones()
        assert (guessed.extension, guessed.failures) == ("101", 20)
        assert guessed.closed_until is not None
        assert [event.code for event in world.events if isinstance(event, AlertRaised)] == ["phone-guessed"]
        with Peer(address, host="127.0.2.1") as moved:
            moved.request("REGISTER", "101", call_id="moved", number=1)
            uri = f"sip:101@127.0.0.1:{address.port}"
            fields = (moved.authorization(await moved.response(401), "REGISTER", uri),)
            moved.request("REGISTER", "101", call_id="moved", number=2, extra=fields)
            assert await moved.response(401), "the right password, but from a new address"
            assert logins.open_phone("101")
            assert not logins.open_phone("101")
            moved.received.clear()
            await moved.register()
        assert logins.phones() == []
        assert [event.code for event in world.events if isinstance(event, AlertCleared)] == ["phone-guessed"]
