"""Registration at a provider: granted, refreshed, refused, and through outages without a storm (X-N1 to X-N3)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.events import AlertCleared, AlertRaised, TrunkChanged
from gateway.sip.message import Request, Response, parse_message
from gateway.sip.registrar_answers import granted_seconds
from gateway.sip.uri import SipUri
from gateway.telephony.shop import Shop, TrunkSettings
from tests.fakes.sip import SipWorld
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER, Provider, Script, accepting, challenge, is_right


def trunk_at(provider: Provider, name: str = "provider", user: str = SHOP_USER) -> TrunkSettings:
    return TrunkSettings(name=name, host=provider.address, user=user, password=SHOP_PASSWORD, number="+74951234567")


@asynccontextmanager
async def registering(script: Script, *, answers_options: bool = True) -> AsyncIterator[tuple[SipWorld, Provider]]:
    with Provider(script, answers_options=answers_options) as provider:
        world = SipWorld()
        world.shop = Shop(phones=world.shop.phones, trunks=(trunk_at(provider),))
        async with world.server:
            yield world, provider


def states(world: SipWorld) -> list[tuple[str, str | None]]:
    return [(each.state, each.reason) for each in world.events if isinstance(each, TrunkChanged)]


async def test_it_registers_and_refreshes_at_nine_tenths_of_what_was_granted() -> None:
    async with registering(accepting(100)) as (world, provider):
        await asyncio.sleep(1)
        assert world.server.trunks["provider"].is_usable
        assert states(world) == [("ready", None)]
        first, second = provider.registers
        assert first.request.headers.get("Authorization") is None
        assert is_right(second.request)
        assert str(second.request.uri) == f"sip:{provider.address}"
        assert str(second.request.sender.uri) == f"sip:{SHOP_USER}@{provider.address}"
        assert second.request.contacts[0].uri == SipUri(*world.server.addresses[0], SHOP_USER)
        await asyncio.sleep(300)
        starts = [each.at for each in provider.registers if each.request.headers.get("Authorization") is None]
        assert [later - sooner for sooner, later in itertools.pairwise(starts)] == pytest.approx([90, 90, 90], abs=0.5)
        assert len({each.request.call_id for each in provider.registers}) == 1
        assert states(world) == [("ready", None)]


async def test_several_challenges_of_registrar_and_proxy_are_answered_together() -> None:
    def script(request: Request) -> tuple[int, tuple[str, ...]]:
        if not is_right(request, "proxy", realm="outer", name="Proxy-Authorization"):
            return 407, (challenge("proxy", realm="outer", field_name="Proxy"),)
        if not is_right(request):
            return 401, ('WWW-Authenticate: Digest realm="provider", nonce="x", algorithm=UNKNOWN-1', challenge())
        return 200, ("Expires: 300",)

    async with registering(script) as (world, provider):
        await asyncio.sleep(1)
        assert states(world) == [("ready", None)]
        assert len(provider.registers) == 3


async def test_a_stale_nonce_is_answered_once_more() -> None:
    def script(request: Request) -> tuple[int, tuple[str, ...]]:
        if is_right(request, "two"):
            return 200, ("Expires: 300",)
        return 401, (challenge("two", stale=True) if is_right(request) else challenge(),)

    async with registering(script) as (world, provider):
        await asyncio.sleep(1)
        assert states(world) == [("ready", None)]
        assert len(provider.registers) == 3


async def test_a_wrong_password_ends_after_two_tries_and_waits() -> None:
    """X-N3: a loop of 401 is no loop of ours."""
    async with registering(lambda request: (401, (challenge(),))) as (world, provider):
        await asyncio.sleep(300)
        assert len(provider.registers) == 2
        assert states(world) == [("refused", "wrong-password")]


async def test_a_lost_answer_is_no_wrong_password() -> None:
    """A registrar that counts nonces and remembers no transaction calls our repetition a second use."""
    granted: list[str] = []

    def script(request: Request) -> tuple[int, tuple[str, ...]] | None:
        for nonce in ("one", "two"):
            if is_right(request, nonce) and nonce not in granted:
                granted.append(nonce)
                return None if nonce == "one" else (200, ("Expires: 300",))
        return 401, (challenge("two" if granted else "one"),)

    async with registering(script) as (world, provider):
        await asyncio.sleep(5)
        assert granted == ["one", "two"]
        assert states(world) == [("ready", None)]
        assert len(provider.registers) == 3


async def test_always_stale_is_no_loop_either() -> None:
    async with registering(lambda request: (401, (challenge(stale=True),))) as (world, provider):
        await asyncio.sleep(59)
        assert len(provider.registers) == 3
        assert states(world) == [("failed", "status-401")], "the password is right, says the registrar"
        await asyncio.sleep(240)
        assert len(provider.registers) <= 15


async def test_403_stops_alerts_and_is_tried_again_after_ten_minutes() -> None:
    """X-N3."""
    status = 403

    def script(request: Request) -> tuple[int, tuple[str, ...]]:
        return status, ()

    async with registering(script) as (world, provider):
        await asyncio.sleep(590)
        assert len(provider.registers) == 1
        assert states(world) == [("refused", "forbidden")]
        (alert,) = [each for each in world.events if isinstance(each, AlertRaised)]
        assert (alert.code, alert.subject) == ("trunk-refused", "provider")
        assert not world.server.trunks["provider"].is_usable
        status = 200
        await asyncio.sleep(45)
        assert len(provider.registers) == 2
        assert states(world)[-1] == ("ready", None)
        assert [each.subject for each in world.events if isinstance(each, AlertCleared)] == ["provider"]


async def test_423_raises_what_is_asked_for() -> None:
    def script(request: Request) -> tuple[int, tuple[str, ...]]:
        return (200, ()) if (request.expires or 0) >= 1800 else (423, ("Min-Expires: 1800",))

    async with registering(script) as (world, provider):
        await asyncio.sleep(3)
        assert [each.request.expires for each in provider.registers] == [300, 1800]
        assert states(world) == [("ready", None)]
        await asyncio.sleep(1800 * 0.9)
        assert [each.request.expires for each in provider.registers] == [300, 1800, 1800]


async def test_423_that_asks_for_nonsense_is_a_failure() -> None:
    async with registering(lambda request: (423, ("Min-Expires: 10",))) as (world, provider):
        await asyncio.sleep(10)
        assert states(world) == [("failed", "status-423")]
        assert len(provider.registers) <= 6


@pytest.mark.parametrize("value", ["120", "120 (in the night)", "120;duration=3600"])
async def test_retry_after_is_honoured(value: str) -> None:
    async with registering(lambda request: (503, (f"Retry-After: {value}",))) as (world, provider):
        await asyncio.sleep(119)
        assert len(provider.registers) == 1
        await asyncio.sleep(3)
        assert len(provider.registers) == 2
        assert states(world) == [("failed", "status-503")]


async def test_the_back_off_grows_to_a_minute_and_is_never_a_storm() -> None:
    async with registering(lambda request: (500, ())) as (_, provider):
        await asyncio.sleep(1200)
        times = [each.at for each in provider.registers]
        gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
        assert min(gaps) >= 1
        assert max(gaps) <= 60.5
        assert gaps[0] < 3
        assert gaps[-1] >= 30
        assert 20 <= len(times) <= 60


async def test_what_cannot_be_understood_is_a_failure_and_tried_again() -> None:
    async with registering(lambda request: (401, ("WWW-Authenticate: Digest realm",))) as (world, provider):
        await asyncio.sleep(30)
        assert states(world)[0][0] in ("failed", "refused")
        assert len(provider.registers) >= 1


async def test_an_outage_is_noticed_and_its_end_at_once() -> None:
    """X-N1: a registrar that answers OPTIONS is registered at within 5 s of its return."""
    is_up = True
    grant = accepting(300)

    async with registering(lambda request: grant(request) if is_up else None) as (world, provider):
        await asyncio.sleep(20)
        assert states(world) == [("ready", None)]
        for outage in (40, 200, 3000):
            is_up = provider.answers_options = False
            await asyncio.sleep(outage)
            assert states(world)[-1] == ("failed", "no-answer")
            assert not world.server.trunks["provider"].is_usable
            is_up = provider.answers_options = True
            back_at = asyncio.get_running_loop().time()
            await asyncio.sleep(5)
            assert states(world)[-1] == ("ready", None), f"not back 5 s after an outage of {outage} s"
            attempts = [each.at for each in provider.registers if each.at >= back_at]
            assert len(attempts) <= 4
            await asyncio.sleep(20)


async def test_a_registrar_that_answers_no_options_is_come_back_to_as_well() -> None:
    is_up = True
    grant = accepting(100)
    registering_ = registering(lambda request: grant(request) if is_up else None, answers_options=False)
    async with registering_ as (world, _):
        await asyncio.sleep(5)
        assert states(world) == [("ready", None)]
        is_up = False
        await asyncio.sleep(600)
        assert states(world)[-1] == ("failed", "no-answer")
        is_up = True
        await asyncio.sleep(61)
        assert states(world)[-1] == ("ready", None)


async def test_many_accounts_at_one_registrar_are_one_attempt_a_second() -> None:
    with Provider(accepting()) as provider:
        world = SipWorld()
        trunks = tuple(trunk_at(provider, f"t{index}") for index in range(20))
        world.shop = Shop(phones=world.shop.phones, trunks=trunks)
        async with world.server:
            await asyncio.sleep(25)
            assert all(trunk.is_usable for trunk in world.server.trunks.values())
        times = sorted(each.at for each in provider.registers if each.request.headers.get("Authorization") is None)
        assert len(times) == 20
        assert min(later - sooner for sooner, later in itertools.pairwise(times)) >= 0.999


async def test_an_edit_of_the_shop_is_followed() -> None:
    async with registering(accepting()) as (world, provider):
        await asyncio.sleep(3)
        kept = world.server.trunks["provider"]
        world.shop = Shop(trunks=(trunk_at(provider, "second"), trunk_at(provider)))
        await asyncio.sleep(5)
        assert list(world.server.trunks) == ["second", "provider"]
        assert world.server.trunks["provider"] is kept, "what was not edited goes on"
        assert world.server.trunks["second"].is_usable
        world.shop = Shop(trunks=(TrunkSettings(name="odd", host="odd-"),))
        await asyncio.sleep(5)
        assert list(world.server.trunks) == []
        count = len(provider.registers)
        await asyncio.sleep(600)
        assert len(provider.registers) == count


async def test_behind_a_nat_the_contact_is_what_the_registrar_sees() -> None:
    """RFC 3581: learned from the answer to the first REGISTER, used in the second; a new address is taken over."""
    seen = "203.0.113.7;rport=1024"

    def changed(request: Request) -> Request:
        request.headers.replace_first("Via", f"{request.via};received={seen}".replace(";rport;", ";"))
        return request

    class Natted(Provider):
        def respond(
            self, request: Request, status: int, reason: str = "-", *, extra: tuple[str, ...] = (), body: bytes = b""
        ) -> None:
            super().respond(changed(request), status, reason, extra=extra, body=body)

    with Natted(accepting(100)) as provider:
        world = SipWorld()
        world.shop = Shop(trunks=(trunk_at(provider),))
        async with world.server:
            await asyncio.sleep(2)
            contacts = [str(each.request.contacts[0].uri) for each in provider.registers]
            assert contacts == [f"sip:shop@{world.server.addresses[0]}", "sip:shop@203.0.113.7:1024"]
            seen = "203.0.113.7;rport=2048"
            await asyncio.sleep(90)
            contacts = [str(each.request.contacts[0].uri) for each in provider.registers]
            assert contacts[2:] == ["sip:shop@203.0.113.7:1024", "sip:shop@203.0.113.7:2048"]
            starts = [each.at for each in provider.registers]
            assert starts[2] - starts[1] == pytest.approx(90, abs=1), "what was granted to that Contact counts"
            assert states(world) == [("ready", None)]


def test_what_a_registrar_grants() -> None:
    ours = SipUri("10.0.0.2", 5060, "shop")

    def answer(*fields: str) -> Response:
        head = (
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n"
        )
        text = head + "Call-ID: c\r\nCSeq: 1 REGISTER\r\n" + "".join(f"{each}\r\n" for each in fields) + "\r\n"
        message = parse_message(text.encode())
        assert isinstance(message, Response)
        return message

    both = "Contact: <sip:shop@10.0.0.9>;expires=40, <sip:shop@10.0.0.2:5060>;expires=70"
    assert granted_seconds(answer(both, "Expires: 90"), ours, 300) == 70
    assert granted_seconds(answer("Contact: <sip:shop@198.51.100.7:1024>;expires=60"), ours, 300) == 60
    assert granted_seconds(answer("Contact: <sip:shop@10.0.0.2>", "Expires: 90"), ours, 300) == 90
    assert granted_seconds(answer(), ours, 300) == 300
    assert granted_seconds(answer("Contact: <sip:shop@10.0.0.2>;expires=0"), ours, 300) == 0
