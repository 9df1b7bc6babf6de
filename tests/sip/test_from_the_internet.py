"""T-S14: nobody on the internet is answered but providers, and where the owner allows phones to be."""

from __future__ import annotations

import asyncio

import pytest

from gateway.events import AlertCleared, AlertRaised, Event
from gateway.sip.stranger_alerts import FOREIGN_SECONDS, FROM_INTERNET, StrangerAlerts
from gateway.sip.transport import Address
from tests.fakes.sip import SipWorld
from tests.fakes.sip_lossy import Link, LinkFlow

OPTIONS = (
    b"OPTIONS sip:101@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKx\r\n"
    b"From: <sip:a@h>;tag=1\r\nTo: <sip:101@127.0.0.1>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n"
)


@pytest.mark.parametrize(
    ("allow", "host", "is_heard"),
    [
        ((), "10.1.2.3", True),
        ((), "198.51.100.7", False),
        (("198.51.100.0/24",), "198.51.100.7", True),
        (("198.51.100.0/24",), "198.51.101.7", False),
        (("198.51.100.0/24", "2001:db8::/32"), "2001:db8::7", True),
        (("198.51.100.0/24",), "2001:db8::7", False),
    ],
)
async def test_who_is_answered_at_all(allow: tuple[str, ...], host: str, is_heard: bool) -> None:
    world = SipWorld()
    world.server = world.new_server(allow=allow)
    async with world.server:
        link = Link()
        world.server.receive(OPTIONS, LinkFlow(link, world.server.addresses[0], Address(host, 5060)))
        assert bool(link.sent) == is_heard, "silence, not a refusal"
        assert bool([each for each in world.events if isinstance(each, AlertRaised)]) != is_heard


async def test_the_owner_is_told_once_a_day() -> None:
    events: list[Event] = []
    alerts = StrangerAlerts(events.append)
    for number in range(500):
        alerts.has_ignored(f"198.51.100.{number % 250}")
        await asyncio.sleep(10)
    assert [(type(each), each.subject) for each in events if isinstance(each, AlertRaised)] == [(AlertRaised, "sip")]
    await asyncio.sleep(FOREIGN_SECONDS)
    assert [each.code for each in events if isinstance(each, AlertCleared)] == [FROM_INTERNET]
    alerts.has_ignored("198.51.100.7")
    assert len(events) == 3
    alerts.close()
