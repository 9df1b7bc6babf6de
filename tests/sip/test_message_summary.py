"""The lamp of messages that wait: subscribed to (RFC 3842), and told to phones that have not subscribed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.clock import utc_now
from gateway.events import Event, MailboxChanged, PhoneRegistered, Published, ShopChanged
from gateway.sip.message import Request
from gateway.sip.message_summary import message_summary
from gateway.telephony.mailboxes import Counts
from gateway.telephony.queue_rules import QueueRules
from tests.fakes.mailboxes import FakeMailboxes
from tests.fakes.sip import SipWorld
from tests.fakes.sip_asker import ask
from tests.fakes.sip_peer import Peer

FIELDS = ("Event: message-summary", "Accept: application/simple-message-summary")


def world_with(boxes: FakeMailboxes) -> SipWorld:
    return SipWorld(mailboxes=boxes)


def happens(world: SipWorld, event: Event) -> None:
    world.server.message_lamps.follow(Published(1, utc_now(), event))


def left(mailbox: str) -> MailboxChanged:
    return MailboxChanged(mailbox=mailbox, unheard=0, heard=0)


async def notified(phone: Peer) -> Request:
    """The next NOTIFY, answered."""
    notify = await phone.asked("NOTIFY")
    assert notify.headers.get("Event") == "message-summary"
    assert notify.content_type == "application/simple-message-summary"
    phone.respond(notify, 200, "OK")
    return notify


def read(notify: Request) -> tuple[str, str]:
    """Whether messages wait, and how many of each kind."""
    lines = dict(line.split(": ", 1) for line in notify.body.decode().splitlines())
    return lines["Messages-Waiting"], lines["Voice-Message"]


def test_the_document_is_as_the_rfc_has_it() -> None:
    """RFC 3842 section 5.2."""
    assert message_summary("sip:101@127.0.0.1", Counts(unheard=2, heard=8)) == (
        b"Messages-Waiting: yes\r\nMessage-Account: sip:101@127.0.0.1\r\nVoice-Message: 2/8\r\n"
    )
    assert message_summary("sip:101@127.0.0.1", Counts(heard=8)).startswith(b"Messages-Waiting: no\r\n")


@pytest.mark.parametrize("wanted", ["101", "*97", ""])
async def test_a_phone_subscribes_to_its_own_lamp(wanted: str) -> None:
    boxes = FakeMailboxes(_101=(2, 8))
    world = world_with(boxes)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            if wanted:
                assert (await ask(phone, "SUBSCRIBE", wanted, *FIELDS)).status == 200
            else:
                assert (await ask(phone, "SUBSCRIBE", "101", FIELDS[0])).status == 200
            first = await notified(phone)
            assert read(first) == ("yes", "2/8")
            assert (first.headers.get("Subscription-State") or "").startswith("active;expires=")
            boxes.set("101", 0, 10)
            happens(world, left("101"))
            assert read(await notified(phone)) == ("no", "0/10")


async def test_nobody_else_s_messages_are_told() -> None:
    world = world_with(FakeMailboxes(_102=(1, 0)))
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            assert (await ask(phone, "SUBSCRIBE", "102", *FIELDS)).status == 403
            other = ask(phone, "SUBSCRIBE", "101", "Event: message-summary", "Accept: text/plain", call_id="other")
            assert (await other).status == 406


async def test_the_shop_s_boxes_are_told_to_the_phones_that_listen_to_them() -> None:
    boxes = FakeMailboxes(_101=(1, 0), queue=(2, 1))
    boxes.set("", 3, 0)
    world = world_with(boxes)
    world.shop = replace(world.shop, queue=QueueRules(message_phones=("101",)))
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await ask(phone, "SUBSCRIBE", "101", *FIELDS)
            assert read(await notified(phone)) == ("yes", "6/1")
            boxes.set("queue", 3, 1)
            happens(world, left("queue"))
            assert read(await notified(phone)) == ("yes", "7/1")


async def test_a_phone_that_has_not_subscribed_is_told_all_the_same() -> None:
    boxes = FakeMailboxes(_101=(1, 0))
    world = world_with(boxes)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.register()
            happens(world, left("101"))
            told = await notified(phone)
            assert read(told) == ("yes", "1/0")
            assert told.headers.get("Subscription-State") == "terminated;reason=noresource"
            happens(world, left("101"))
            happens(world, ShopChanged(by="anna"))
            boxes.set("101", 0, 1)
            happens(world, left("101"))
            assert read(await notified(phone)) == ("no", "0/1"), "nothing is told twice"
            contact = f"sip:101@{phone.host}:{phone.port}"
            happens(world, PhoneRegistered(extension="101", contact=contact, user_agent="", expires_seconds=300))
            assert read(await notified(phone)) == ("no", "0/1"), "who comes anew is told anew"


async def test_a_phone_that_has_subscribed_is_told_once() -> None:
    boxes = FakeMailboxes(_101=(1, 0))
    world = world_with(boxes)
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.register()
            await ask(phone, "SUBSCRIBE", "101", *FIELDS)
            await notified(phone)
            boxes.set("101", 2, 0)
            happens(world, left("101"))
            assert (await notified(phone)).headers.get("Subscription-State") != "terminated;reason=noresource"
            await asyncio.sleep(0.2)
            assert not phone.received


async def test_who_has_no_mailbox_hears_nothing_of_messages() -> None:
    world = world_with(FakeMailboxes())
    async with world.server:
        with Peer(world.server.addresses[0]) as phone:
            await phone.register()
            contact = f"sip:101@{phone.host}:{phone.port}"
            happens(world, PhoneRegistered(extension="101", contact=contact, user_agent="", expires_seconds=300))
            happens(world, left("102"))
            await asyncio.sleep(0.2)
            assert not phone.received
