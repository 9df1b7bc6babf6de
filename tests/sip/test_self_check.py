"""T-S14: our own look at whether the internet reaches the SIP port."""

from __future__ import annotations

import asyncio

import pytest

from gateway.events import AlertCleared, AlertRaised
from gateway.sip import self_check
from gateway.sip.message import Request
from gateway.sip.self_check import LOOK_SECONDS, SelfCheck, is_of_internet
from gateway.sip.stranger_alerts import REACHABLE, StrangerAlerts
from gateway.sip.transport import Address
from gateway.telephony.shop import Shop, TrunkSettings
from tests.fakes.sip import SipWorld
from tests.fakes.sip_peer import Peer
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER, Provider, accepting


def alerts_of(world: SipWorld) -> list[tuple[str, str]]:
    return [
        (type(each).__name__, each.subject) for each in world.events if isinstance(each, AlertRaised | AlertCleared)
    ]


def check_of(world: SipWorld, bound: list[Address], seen_at: set[str]) -> SelfCheck:
    """The check of that world's server, which believes to be bound, and to be seen, where the test says."""
    server = world.server
    alerts = StrangerAlerts(world.events.append)
    return SelfCheck(lambda: bound, lambda: frozenset(seen_at), server._tag, alerts, begin=server._begin)


@pytest.mark.parametrize(
    ("host", "is_outside"),
    [
        ("8.8.8.8", True),
        ("2a00:1450:4001::1", True),
        ("192.168.1.2", False),
        ("127.0.0.1", False),
        ("100.64.0.1", False),
        ("169.254.1.1", False),
        ("fd00::1", False),
        ("fe80::1%eth0", False),
        ("224.0.1.75", False),
        ("0.0.0.0", False),
    ],
)
def test_what_is_of_the_internet(host: str, is_outside: bool) -> None:
    assert is_of_internet(host) is is_outside


async def test_an_address_of_the_internet_is_told_of_for_as_long_as_it_is_there() -> None:
    world = SipWorld()  # its server does not run: it would look round for days
    bound = [Address("192.168.1.2", 5060), Address("8.8.8.8", 5060)]
    check = check_of(world, bound, set())
    for _ in range(3):
        check.look_round()
        check.look_round()
        await asyncio.sleep(LOOK_SECONDS)
    assert alerts_of(world) == [("AlertRaised", "8.8.8.8")]
    del bound[1]
    check.look_round()
    await asyncio.sleep(LOOK_SECONDS)
    assert alerts_of(world)[1:] == [("AlertCleared", "8.8.8.8")]


async def test_a_socket_for_everything_listens_on_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_check, "machine_addresses", lambda: ["192.168.1.2", "8.8.8.8", "2a00:1450:4001::1"])
    world = SipWorld()
    async with world.server:
        for bound, found in (("0.0.0.0", "8.8.8.8"), ("::", "2a00:1450:4001::1")):
            world.events.clear()
            check_of(world, [Address(bound, 5060)], set()).look_round()
            await asyncio.sleep(1)
            assert alerts_of(world) == [("AlertRaised", found)]


async def test_a_router_that_hands_on_our_port_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who answers where the provider sees us is ourselves: what is sent there from outside comes to us."""
    monkeypatch.setattr(self_check, "is_of_internet", lambda host: host == "127.0.0.9")
    world = SipWorld(host="0.0.0.0")
    async with world.server:
        (ours,) = world.server.addresses
        seen: set[str] = set()
        check = check_of(world, [Address("127.0.0.2", ours.port)], seen)
        check.look_round()
        await asyncio.sleep(5)
        assert not alerts_of(world), "no provider has told us yet where we are"
        seen.add("127.0.0.9")
        check.look_round()
        await asyncio.sleep(5)
        assert [each.code for each in world.events if isinstance(each, AlertRaised)] == [REACHABLE]
        assert not world.legs


async def test_another_program_that_answers_there_is_not_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_check, "is_of_internet", lambda host: host == "127.0.0.9")
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0], host="127.0.0.9") as router:
            router.server = Address("127.0.0.1", 9)
            router.answers_options = False
            check_of(world, [Address("127.0.0.2", router.port)], {"127.0.0.9"}).look_round()
            asked = await router.asked("OPTIONS")
            assert asked.headers.get("Max-Forwards") == "1", "no proxy hands it on"
            router.server = Address("127.0.0.1", asked.via.port or 0)
            router.respond(asked, 200, "OK")
            await asyncio.sleep(10)
    assert not alerts_of(world)


async def test_the_provider_tells_where_it_sees_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole server: what its registration has learned is where it looks."""
    monkeypatch.setattr(self_check, "is_of_internet", lambda host: host == "127.0.0.9")
    accept = accepting()

    def behind_a_router(request: Request) -> tuple[int, tuple[str, ...]] | None:
        request.headers.replace_first("Via", request.via.seen_from("127.0.0.9", request.via.port or 0))
        return accept(request)

    with Provider(behind_a_router) as provider:
        world = SipWorld(host="0.0.0.0")
        row = TrunkSettings(name="provider", host=provider.address, user=SHOP_USER, password=SHOP_PASSWORD)
        world.shop = Shop(trunks=(row,))
        async with world.server:
            await asyncio.sleep(10)
            assert world.server.trunks["provider"].is_usable
            assert [(each.code, each.subject) for each in world.events if isinstance(each, AlertRaised)] == [
                (REACHABLE, "127.0.0.9")
            ]
