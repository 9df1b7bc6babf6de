"""MESSAGE between phones (RFC 3428)."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import GatewayError, RecipientBarred, StoreError, TextNotAllowed
from gateway.sip.instant_message import LARGEST_BODY_BYTES
from tests.fakes.sip import SipWorld
from tests.fakes.sip_asker import ask
from tests.fakes.sip_peer import Peer

TEXT = "Заказ 1001 готов".encode()
PLAIN = "Content-Type: text/plain;charset=UTF-8"


async def test_a_message_reaches_every_phone_of_the_extension() -> None:
    world = SipWorld()
    async with world.server:
        server = world.server.addresses[0]
        with Peer(server) as sender, Peer(server, "102") as desk, Peer(server, "102") as shelf:
            await desk.register()
            await shelf.register()
            asked = asyncio.create_task(ask(sender, "MESSAGE", "102", PLAIN, "X-Odd: secret", body=TEXT))
            for phone in (desk, shelf):
                message = await phone.asked("MESSAGE")
                assert message.body == TEXT
                assert message.headers.get("Content-Type") == "text/plain;charset=UTF-8"
                assert str(message.sender.uri).startswith("sip:101@")
                assert message.sender.display_name == "Phone 101"
                assert not message.contacts
                assert message.headers.get("X-Odd") is None
                phone.respond(message, 200, "OK")
            assert (await asked).status == 200


async def test_one_phone_that_takes_it_is_enough() -> None:
    world = SipWorld()
    async with world.server:
        server = world.server.addresses[0]
        with Peer(server) as sender, Peer(server, "102") as desk, Peer(server, "102") as off:
            await desk.register()
            await off.register()
            asked = asyncio.create_task(ask(sender, "MESSAGE", "102", PLAIN, body=TEXT))
            desk.respond(await desk.asked("MESSAGE"), 200, "OK")
            assert (await asked).status == 200


async def test_a_phone_that_is_silent_or_does_not_want_it() -> None:
    world = SipWorld()
    async with world.server:
        server = world.server.addresses[0]
        with Peer(server) as sender, Peer(server, "102") as desk:
            await desk.register()
            asked = asyncio.create_task(
                ask(sender, "MESSAGE", "102", "Content-Type: text/html", body=b"<b>", call_id="a")
            )
            desk.respond(await desk.asked("MESSAGE"), 415, "Unsupported Media Type")
            assert (await asked).status == 415
            asked = asyncio.create_task(ask(sender, "MESSAGE", "102", PLAIN, body=TEXT, call_id="b"))
            await desk.asked("MESSAGE")
            await asyncio.sleep(9)
            assert not sender.received
            async with asyncio.timeout(3):
                assert (await asked).status == 480


async def test_what_cannot_be_delivered_is_refused() -> None:
    world = SipWorld()
    async with world.server:
        server = world.server.addresses[0]
        with Peer(server) as sender, Peer(server, "102") as desk:
            assert (await ask(sender, "MESSAGE", "102", PLAIN, body=TEXT, call_id="a")).status == 480
            assert (await ask(sender, "MESSAGE", "999", PLAIN, body=TEXT, call_id="b")).status == 404
            await desk.register()
            long = b"x" * (LARGEST_BODY_BYTES + 1)
            assert (await ask(sender, "MESSAGE", "102", PLAIN, body=long, call_id="c")).status == 413
            image = await ask(sender, "MESSAGE", "102", "Content-Type: image/png", body=b"x", call_id="d")
            assert image.status == 415
            assert "text/plain" in (image.headers.get("Accept") or "")
            await asyncio.sleep(1)
            assert not desk.received


async def test_a_stranger_gives_nothing_on() -> None:
    world = SipWorld()
    async with world.server:
        server = world.server.addresses[0]
        with Peer(server, password="guessed") as stranger, Peer(server, "102") as desk:
            await desk.register()
            assert (await ask(stranger, "MESSAGE", "102", PLAIN, body=TEXT)).status == 401
            assert not desk.received


class Outside:
    """Keeps texts for numbers outside, or refuses them."""

    def __init__(self, fault: GatewayError | None = None) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.fault = fault

    async def send(self, extension: str, to: str, text: str) -> str:
        if self.fault is not None:
            raise self.fault
        self.sent.append((extension, to, text))
        return "m1"


async def test_a_message_to_a_number_outside_is_kept_to_be_sent() -> None:
    world = SipWorld()
    outside = Outside()
    world.server.instant_messages.outside = outside
    async with world.server:
        with Peer(world.server.addresses[0]) as sender:
            assert (await ask(sender, "MESSAGE", "+79161234567", PLAIN, body=TEXT)).status == 202
    assert outside.sent == [("101", "+79161234567", TEXT.decode())]


@pytest.mark.parametrize(
    ("fault", "status"),
    [(TextNotAllowed("no line"), 403), (RecipientBarred("not there"), 403), (StoreError("full"), 480)],
)
async def test_what_may_not_go_outside_is_refused(fault: GatewayError, status: int) -> None:
    world = SipWorld()
    world.server.instant_messages.outside = Outside(fault)
    async with world.server:
        with Peer(world.server.addresses[0]) as sender:
            assert (await ask(sender, "MESSAGE", "+79161234567", PLAIN, body=TEXT)).status == status


async def test_an_extension_that_is_none_is_not_outside_and_an_image_is_no_sms() -> None:
    world = SipWorld()
    outside = Outside()
    world.server.instant_messages.outside = outside
    async with world.server:
        with Peer(world.server.addresses[0]) as sender:
            assert (await ask(sender, "MESSAGE", "999", PLAIN, body=TEXT, call_id="a")).status == 404
            html = "Content-Type: text/html"
            assert (await ask(sender, "MESSAGE", "+79161234567", html, body=TEXT, call_id="b")).status == 415
    assert not outside.sent


async def test_an_sms_is_given_to_the_phones_of_an_extension() -> None:
    world = SipWorld()
    async with world.server:
        server = world.server.addresses[0]
        deliver = world.server.instant_messages.deliver
        assert not await deliver("102", sender="MegaFon", text="x")
        with Peer(server, "102") as desk:
            await desk.register()
            for status, taken in ((200, True), (486, False)):
                delivering = asyncio.create_task(deliver("102", sender="+79161234567", text="Еду"))
                message = await desk.asked("MESSAGE")
                assert message.body.decode() == "Еду"
                assert message.headers.get("Content-Type") == "text/plain;charset=utf-8"
                assert str(message.sender.uri).startswith("sip:+79161234567@")
                desk.respond(message, status, "So")
                assert await delivering is taken
