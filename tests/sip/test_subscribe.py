"""The busy lamps: SUBSCRIBE, NOTIFY and the documents, from the events of calls (RFC 6665, RFC 4235)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree as ET

from gateway.clock import utc_now
from gateway.events import CallEnded, Event, LegAnswered, LegEnded, LegRang, LegStarted, Published
from gateway.sip.message import Request
from gateway.sip.subscribe import LONGEST_EXPIRES_SECONDS, MOST_OF_ONE_PHONE
from gateway.telephony.shop import CourierSettings
from tests.fakes.sip import SipWorld
from tests.fakes.sip_asker import ask
from tests.fakes.sip_peer import Peer
from tests.sip.test_stream import connected

NAMES = "{urn:ietf:params:xml:ns:dialog-info}"
MOBILE = "+79161234567"
FIELDS = ("Event: dialog", "Accept: application/dialog-info+xml")


@dataclass(frozen=True)
class Lamp:
    """What a NOTIFY says."""

    version: int
    states: tuple[tuple[str | None, str], ...]
    subscription: str


def read(notify: Request) -> Lamp:
    document = ET.fromstring(notify.body.decode())  # noqa: S314  # our own document
    assert document.tag == f"{NAMES}dialog-info"
    assert document.get("state") == "full"
    states = tuple((each.get("direction"), each.findtext(f"{NAMES}state") or "") for each in document)
    return Lamp(int(document.get("version") or -1), states, notify.headers.get("Subscription-State") or "")


async def lamp(phone: Peer) -> Lamp:
    """The next NOTIFY, answered."""
    notify = await phone.asked("NOTIFY")
    assert notify.headers.get("Event") == "dialog"
    assert notify.contacts
    phone.respond(notify, 200, "OK")
    return read(notify)


def world_with_courier() -> SipWorld:
    world = SipWorld()
    world.shop = replace(world.shop, couriers=(CourierSettings(extension="2001", mobile=MOBILE),))
    return world


def happen(world: SipWorld, *events: Event) -> None:
    for event in events:
        world.server.presence.follow(Published(1, utc_now(), event))


def started(peer: str, *, leg: str = "l", direction: str = "outgoing", line: str | None = None) -> LegStarted:
    return LegStarted(call_id="c", leg_id=leg, kind="sip", direction=direction, peer=peer, line=line)


def ended(leg: str = "l") -> LegEnded:
    numbers: dict[str, Any] = {"frames_in": 0, "frames_out": 0, "lost": 0, "concealed": 0}
    return LegEnded(call_id="c", leg_id=leg, cause="hung-up", ended_by_peer=True, **numbers)


async def test_a_lamp_follows_the_calls_of_a_phone() -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            answer = await ask(phone, "SUBSCRIBE", "102", *FIELDS, "Expires: 3600")
            assert (answer.status, answer.headers.get("Expires")) == (200, str(LONGEST_EXPIRES_SECONDS))
            assert await lamp(phone) == Lamp(0, ((None, "terminated"),), f"active;expires={LONGEST_EXPIRES_SECONDS}")
            happen(world, started("102"))
            assert (await lamp(phone)).states == (("recipient", "proceeding"),)
            happen(world, LegRang(call_id="c", leg_id="l"))
            assert (await lamp(phone)).states == (("recipient", "early"),)
            happen(world, LegAnswered(call_id="c", leg_id="l"))
            assert (await lamp(phone)).states == (("recipient", "confirmed"),)
            happen(world, started("103", leg="another"))
            happen(world, ended())
            seen = await lamp(phone)
            assert (seen.version, seen.states) == (4, ((None, "terminated"),))


async def test_a_courier_rings_and_talks_by_the_mobile() -> None:
    world = world_with_courier()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            assert (await ask(phone, "SUBSCRIBE", "2001", *FIELDS)).status == 200
            await lamp(phone)
            happen(world, started(MOBILE, line="red"), LegRang(call_id="c", leg_id="l"))
            assert (await lamp(phone)).states == (("recipient", "early"),)
            end = CallEnded(call_id="c", cause="busy", ended_by="callee", talk_seconds=0.0, total_seconds=1.0)
            happen(world, end)
            assert (await lamp(phone)).states == ((None, "terminated"),)
            happen(world, started("102", leg="x"), started(MOBILE, leg="in", direction="incoming", line="red"))
            assert (await lamp(phone)).states == (("initiator", "proceeding"),)


async def test_what_changes_while_a_notify_is_under_way_is_one_more_notify() -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await ask(phone, "SUBSCRIBE", "102", *FIELDS)
            first = await phone.asked("NOTIFY")
            happen(world, started("102"), LegRang(call_id="c", leg_id="l"), LegAnswered(call_id="c", leg_id="l"))
            phone.respond(first, 200, "OK")
            seen = await lamp(phone)
            assert (seen.version, seen.states) == (1, (("recipient", "confirmed"),))
            await asyncio.sleep(5)
            assert not phone.received


async def test_a_refresh_tells_the_state_again_and_zero_ends_it() -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            answer = await ask(phone, "SUBSCRIBE", "102", *FIELDS, "Expires: 100")
            await lamp(phone)
            await asyncio.sleep(90)
            to_tag = answer.recipient.tag
            again: dict[str, Any] = {"call_id": "asked", "to_tag": to_tag, "from_tag": "asker"}
            phone.request("SUBSCRIBE", "102", number=3, extra=(*FIELDS, "Expires: 100"), **again)
            assert (await phone.response(200)).headers.get("Expires") == "100"
            assert (await lamp(phone)).subscription == "active;expires=100"
            phone.request("SUBSCRIBE", "102", number=4, extra=(*FIELDS, "Expires: 0"), **again)
            await phone.response(200)
            assert (await lamp(phone)).subscription == "terminated;reason=timeout"
            happen(world, started("102"))
            phone.request("SUBSCRIBE", "102", number=5, extra=FIELDS, **again)
            await phone.response(481)


async def test_a_subscription_that_nobody_refreshes_ends() -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await ask(phone, "SUBSCRIBE", "102", *FIELDS, "Expires: 60")
            await lamp(phone)
            await asyncio.sleep(61)
            assert (await lamp(phone)).subscription == "terminated;reason=timeout"


async def test_a_phone_that_has_gone_is_told_no_more() -> None:
    """481, and silence: either ends the subscription."""
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone, Peer(world.server.addresses[0], "103") as silent:
            await ask(phone, "SUBSCRIBE", "102", *FIELDS)
            phone.respond(await phone.asked("NOTIFY"), 481, "Call/Transaction Does Not Exist")
            await ask(silent, "SUBSCRIBE", "102", *FIELDS, call_id="silent")
            await asyncio.sleep(40)
            happen(world, started("102"))
            await asyncio.sleep(1)
            assert not phone.received
            seen = {each.body for each in silent.received if isinstance(each, Request)}
            assert len(seen) == 1


async def test_what_cannot_be_subscribed_to_is_refused() -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            state = await ask(phone, "SUBSCRIBE", "101", "Event: presence", call_id="a")
            assert (state.status, state.headers.get("Allow-Events")) == (489, "dialog, message-summary")
            assert (await ask(phone, "SUBSCRIBE", "999", *FIELDS, call_id="b")).status == 404
            brief = await ask(phone, "SUBSCRIBE", "102", *FIELDS, "Expires: 5", call_id="c")
            assert (brief.status, brief.headers.get("Min-Expires")) == (423, "60")
            other = await ask(phone, "SUBSCRIBE", "102", "Event: dialog", "Accept: application/pidf+xml", call_id="d")
            assert other.status == 406
            needs = await ask(phone, "SUBSCRIBE", "102", *FIELDS, "Require: eventlist", call_id="e")
            assert needs.status == 420


async def test_one_phone_has_so_many_lamps_and_no_more() -> None:
    world = SipWorld()
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            for count in range(MOST_OF_ONE_PHONE):
                assert (await ask(phone, "SUBSCRIBE", "102", *FIELDS, call_id=f"s{count}")).status == 200
                await lamp(phone)
            refused = await ask(phone, "SUBSCRIBE", "102", *FIELDS, call_id="one-more")
            assert (refused.status, refused.headers.get("Retry-After")) == (480, "60")


async def test_another_host_cannot_refresh_or_end_a_subscription() -> None:
    world = SipWorld()
    async with world.server:
        server = world.server.addresses[0]
        with Peer(server) as phone, Peer(server, host="127.0.0.2") as thief:
            answer = await ask(phone, "SUBSCRIBE", "102", *FIELDS)
            await lamp(phone)
            names: dict[str, Any] = {"call_id": "asked", "to_tag": answer.recipient.tag, "from_tag": "asker"}
            thief.request("SUBSCRIBE", "102", number=9, extra=(*FIELDS, "Expires: 0"), **names)
            await thief.response(401)
            happen(world, started("102"))
            assert (await lamp(phone)).states == (("recipient", "proceeding"),)


async def test_a_stopping_server_asks_its_subscribers_to_come_again() -> None:
    world = SipWorld()
    async with world.server:
        phone = Peer(world.server.addresses[0])
        await ask(phone, "SUBSCRIBE", "102", *FIELDS)
        await lamp(phone)
    with phone:
        assert read(await phone.asked("NOTIFY")).subscription == "terminated;reason=deactivated"


async def test_a_lamp_by_tcp_is_told_on_its_connection_and_ends_with_it() -> None:
    world = SipWorld()
    async with world.server:
        phone = await connected(world)
        assert (await ask(phone, "SUBSCRIBE", "102", *FIELDS)).status == 200
        first = await phone.asked("NOTIFY")
        assert first.via.transport == "TCP"
        phone.respond(first, 200, "OK")
        happen(world, started("102"))
        assert (await lamp(phone)).states == (("recipient", "proceeding"),)
        await phone.disconnect()
        phone.close()
        happen(world, LegRang(call_id="c", leg_id="l"))
        await asyncio.sleep(40)
        assert len(world.server._subscriptions) == 0
