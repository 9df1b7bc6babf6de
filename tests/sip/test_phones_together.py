"""Phones around a call, with the real exchange between them: lamps, codes, forwarding, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from xml.etree import ElementTree as ET

from gateway import flows
from gateway.events import EventBus
from gateway.sip.message import Request, Response
from gateway.telephony.causes import Cause
from gateway.telephony.exchange import Exchange
from gateway.telephony.flow import find_flows
from gateway.telephony.forwarding import PhoneChange
from gateway.telephony.shop import CourierSettings, LineSettings
from gateway.telephony.switchboard import Switchboard
from tests.fakes.exchange import FakeLine, FakePrompt, FakeRecordings
from tests.fakes.sip import SipWorld
from tests.fakes.sip_asker import ask
from tests.fakes.sip_peer import Peer

MOBILE = "+79161234567"


class Floor:
    """A server with its exchange, a SIM line of fakes, and phones."""

    def __init__(self) -> None:
        self.world = SipWorld()
        self.world.shop = replace(
            self.world.shop,
            lines=(LineSettings(name="red", modem="m0"),),
            couriers=(CourierSettings(extension="2001", mobile=MOBILE, lines=("red",)),),
        )
        self.line = FakeLine("red")
        self.phones: dict[str, Peer] = {}

    async def change_phone(self, extension: str, change: PhoneChange) -> None:
        shop = self.world.shop
        phones = tuple(change.applied(each) if each.extension == extension else each for each in shop.phones)
        self.world.shop = replace(shop, phones=phones)

    async def watch(self, watcher: str, extension: str, documents: list[ET.Element] | None = None) -> list[str]:
        """Subscribe; the states that the lamp shows from now on appear in the list."""
        phone = self.phones[watcher]
        answer = await ask(phone, "SUBSCRIBE", extension, "Event: dialog", call_id=f"lamp-{extension}")
        assert answer.status == 200
        return _Lamp(phone, [] if documents is None else documents).states


class _Lamp:
    """Answers each NOTIFY of a phone, and keeps what it says."""

    def __init__(self, phone: Peer, documents: list[ET.Element]) -> None:
        self.states: list[str] = []
        self._documents = documents
        self._phone = phone
        self._seen: set[str | None] = set()
        self._take, phone.take = phone.take, self._notice  # type: ignore[method-assign]  # a phone that is a lamp
        self._look()

    def _notice(self, data: bytes) -> None:
        self._take(data)
        self._look()

    def _look(self) -> None:
        for message in tuple(self._phone.received):
            if isinstance(message, Request) and message.method == "NOTIFY":
                self._phone.received = [each for each in self._phone.received if each is not message]
                self._phone.respond(message, 200, "OK")
                name = "{urn:ietf:params:xml:ns:dialog-info}"
                document = ET.fromstring(message.body.decode())  # noqa: S314  # our own document
                if document.get("version") not in self._seen:  # no repetition
                    self._seen.add(document.get("version"))
                    self._documents.append(document)
                    self.states += [each.text or "" for each in document.iter(f"{name}state")]


@asynccontextmanager
async def floor() -> AsyncIterator[Floor]:
    find_flows(flows)
    here = Floor()
    bus = EventBus()
    bus.subscribe(here.world.server.presence.follow)
    switchboard = Switchboard(drain_seconds=1)
    here.world.on_leg = switchboard.incoming
    switchboard.connect(
        Exchange(
            shop=lambda: here.world.shop,
            lines={"red": here.line},
            phones=here.world.server.phones,
            prompts=FakePrompt,
            recordings=FakeRecordings(),
            publish=bus.publish,
            change_phone=here.change_phone,
            calls=switchboard.calls,
        )
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(here.world.server)
        stack.push_async_callback(asyncio.sleep, 1)
        await stack.enter_async_context(switchboard)
        for extension in ("101", "102", "103"):
            here.phones[extension] = stack.enter_context(Peer(here.world.server.addresses[0], extension))
            await here.phones[extension].register()
        yield here


async def hang_up(phone: Peer, user: str, answer: Response, number: int = 10) -> None:
    phone.request("BYE", user, call_id=answer.call_id, number=number, to_tag=answer.recipient.tag)
    await phone.response(200)


async def test_a_lamp_shows_ringing_talking_and_nothing() -> None:
    async with floor() as here:
        caller, callee = here.phones["101"], here.phones["102"]
        states = await here.watch("103", "102")
        await caller.invite("102")
        await caller.response(100)
        invite = await callee.asked("INVITE")
        callee.respond(invite, 180, "Ringing")
        await caller.response(180)
        await asyncio.sleep(0.5)
        callee.respond(invite, 200, "OK", body=callee.media.offer(formats="0"))
        await callee.asked("ACK")
        answer = await caller.response(200)
        caller.ack("102", answer)
        await asyncio.sleep(0.5)
        await hang_up(caller, "102", answer)
        callee.respond(await callee.asked("BYE"), 200, "OK")
        await asyncio.sleep(0.5)
        assert states == ["terminated", "proceeding", "early", "confirmed", "terminated"]


async def test_a_lamp_shows_a_courier_whose_mobile_rings() -> None:
    async with floor() as here:
        states = await here.watch("103", "2001")
        await here.phones["101"].invite("2001")
        await here.phones["101"].response(100)
        await here.phones["101"].response(180)
        await asyncio.sleep(0.1)
        here.line.legs[0].rings()
        await asyncio.sleep(0.1)
        here.line.legs[0].hangs_up(Cause.BUSY)
        refusal = await here.phones["101"].response(486)
        here.phones["101"].ack("2001", refusal)
        await asyncio.sleep(0.5)
        assert states == ["terminated", "proceeding", "early", "terminated"]


async def test_what_rings_is_picked_up_by_its_lamp_and_by_nothing_else_of_it() -> None:
    """INVITE with Replaces (RFC 3891), with the names that the document shows; a BYE with them does nothing."""
    async with floor() as here:
        caller, callee, other = here.phones["101"], here.phones["102"], here.phones["103"]
        documents: list[ET.Element] = []
        await here.watch("103", "102", documents)
        await caller.invite("102")
        await caller.response(100)
        invite = await callee.asked("INVITE")
        callee.respond(invite, 180, "Ringing")
        await caller.response(180)
        await asyncio.sleep(0.5)
        (dialog,) = documents[-1]
        call_id, local, remote = (dialog.get(name) or "" for name in ("call-id", "local-tag", "remote-tag"))
        assert call_id != invite.call_id
        other.request("BYE", "102", call_id=call_id, number=1, to_tag=remote, from_tag=local)
        await other.response(481)
        replaces = f"Replaces: {call_id};to-tag={remote};from-tag={local};early-only"
        await other.invite("102", call_id="pick", extra=(replaces,))
        await other.response(100)
        answer = await other.response(200)
        other.ack("102", answer)
        callee.respond(await callee.asked("CANCEL"), 200, "OK")
        callee.respond(invite, 487, "Request Terminated")
        await callee.asked("ACK")
        talking = await caller.response(200)
        caller.ack("102", talking)
        await asyncio.sleep(0.5)
        assert documents[-1][0].get("call-id") is None
        await hang_up(caller, "102", talking)
        other.respond(await other.asked("BYE"), 200, "OK")


async def test_a_code_is_answered_and_the_next_caller_hears_busy() -> None:
    async with floor() as here:
        phone, caller = here.phones["102"], here.phones["101"]
        answer = await phone.call("*78")
        await asyncio.sleep(2)
        phone.respond(await phone.asked("BYE"), 200, "OK")
        await caller.invite("102", call_id="next")
        await caller.response(100)
        refusal = await caller.response(486)
        caller.ack("102", refusal)
        assert answer.status == 200
        assert "INVITE" not in {each.cseq.method for each in phone.received}, "nobody rings there"


async def test_a_phone_that_answers_302_sends_the_call_to_the_courier() -> None:
    async with floor() as here:
        caller, callee = here.phones["101"], here.phones["102"]
        await caller.invite("102")
        await caller.response(100)
        invite = await callee.asked("INVITE")
        callee.send(
            f"""SIP/2.0 302 Moved Temporarily
            Via: {invite.headers.get("Via")}
            From: {invite.headers.get("From")}
            To: {invite.headers.get("To")};tag=moved
            Call-ID: {invite.call_id}
            CSeq: {invite.headers.get("CSeq")}
            Contact: <sip:2001@10.9.9.9>"""
        )
        await callee.asked("ACK")
        await asyncio.sleep(0.2)
        assert here.line.dialled == [(MOBILE, "2001")]
        here.line.legs[0].hangs_up(Cause.NO_ANSWER)
        await caller.response(180)
        refusal = await caller.response(480)
        caller.ack("102", refusal)
