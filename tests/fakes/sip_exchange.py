"""The SIP server with the exchange and its flows behind it, fake SIM lines, and phones that have whole dialogs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway import flows
from gateway.audio.frame import Frame
from gateway.sip.message import Message, Request, Response
from gateway.telephony.exchange import Exchange
from gateway.telephony.flow import find_flows
from gateway.telephony.leg import Direction
from gateway.telephony.line import LineState
from gateway.telephony.shop import LineSettings, Shop, TrunkSettings
from gateway.telephony.switchboard import Switchboard
from tests.fakes.exchange import FakeLine, FakePrompt, FakeRecordings
from tests.fakes.legs import FakeLeg
from tests.fakes.sip import SipWorld
from tests.fakes.sip_peer import Peer

OUTSIDE = "+79035550001"


@dataclass
class Phone:
    """A phone in one dialog with the gateway."""

    peer: Peer
    other: str
    call_id: str
    our_tag: str
    """The phone's own tag."""
    tag: str
    """The gateway's tag."""
    number: int = 10
    answers: list[Response] = field(default_factory=list)

    @property
    def replaces(self) -> str:
        """As it stands in a Refer-To, in escapes."""
        return f"Replaces={self.call_id}%3Bto-tag%3D{self.tag}%3Bfrom-tag%3D{self.our_tag}"

    def ask(self, method: str, *, body: bytes = b"", extra: tuple[str, ...] = ()) -> None:
        """A request within the dialog."""
        self.number += 1
        self.peer.request(
            method,
            self.other,
            call_id=self.call_id,
            number=self.number,
            to_tag=self.tag,
            from_tag=self.our_tag,
            body=body,
            extra=extra,
        )

    async def offer(self, way: str, *, method: str = "INVITE", host: str | None = None) -> Response:
        """Offer media anew: hold and resume."""
        self.ask(method, body=self.peer.media.offer(way=way, host=host))
        answer = await self.peer.response(200)
        if method == "INVITE":
            self.acknowledge(answer)
        return answer

    def acknowledge(self, answer: Response, body: bytes = b"") -> None:
        self.peer.request(
            "ACK",
            self.other,
            call_id=self.call_id,
            number=answer.cseq.number,
            to_tag=self.tag,
            from_tag=self.our_tag,
            body=body,
        )

    def refer(self, target: str, *, replaces: Phone | None = None, extra: tuple[str, ...] = ()) -> None:
        """Ask for a transfer, blind or attended."""
        question = f"?{replaces.replaces}" if replaces is not None else ""
        self.ask("REFER", extra=(f"Refer-To: <sip:{target}@127.0.0.1{question}>", *extra))

    async def reports(self) -> list[str]:
        """What the NOTIFYs said, in their order; they and a BYE are answered."""
        await asyncio.sleep(0.05)
        said = []
        for message in take(self.peer):
            if isinstance(message, Request) and message.method == "NOTIFY":
                assert (message.headers.get("Event") or "").startswith("refer")
                assert message.content_type == "message/sipfrag"
                said.append(f"{message.body.decode().strip()} {message.headers.get('Subscription-State')}")
            elif isinstance(message, Request) and message.method == "BYE":
                said.append("BYE")
        return said


def take(peer: Peer) -> list[Message]:
    """Everything that has come; requests are answered 200."""
    found = list(peer.received)
    peer.received.clear()
    for message in found:
        if isinstance(message, Request) and message.method in ("BYE", "NOTIFY", "UPDATE", "PRACK"):
            peer.respond(message, 200, "OK")
    return found


class SipExchange:
    """A gateway whose phones and providers are Python peers and whose SIM lines are fakes."""

    def __init__(self, *, extensions: tuple[str, ...] = ("101", "102", "103")) -> None:
        self.switchboard = Switchboard(drain_seconds=1)
        self.world = SipWorld(on_leg=self.switchboard.incoming, extensions=extensions)
        line = LineSettings(name="red", modem="m0", rings=extensions[:1])
        self.world.shop = Shop(phones=self.world.shop.phones, lines=(line,))
        self.line = FakeLine("red")
        self.recordings = FakeRecordings()
        self.peers: dict[str, Peer] = {}

    def connect(self) -> None:
        find_flows(flows)
        self.switchboard.connect(
            Exchange(
                shop=lambda: self.world.shop,
                lines={"red": self.line},
                phones=self.world.server.phones,
                trunks=self.world.server.trunks,
                prompts=FakePrompt,
                recordings=self.recordings,
                publish=self.world.events.append,
                calls=self.switchboard.calls,
                traces=self.world.server.traces,
            )
        )

    def add_trunk(self, port: int) -> None:
        """A provider without an account, at that port."""
        row = TrunkSettings(name="provider", host=f"127.0.0.1:{port}")
        shop = self.world.shop
        self.world.shop = Shop(phones=shop.phones, lines=shop.lines, trunks=(row,))

    def sim_calls(self) -> FakeLeg:
        """A customer calls the SIM."""
        leg = FakeLeg(direction=Direction.INCOMING, peer=OUTSIDE, called="red", line="red")
        self.line.state = LineState.BUSY
        self.switchboard.incoming(leg)
        return leg

    async def registered(self, *extensions: str) -> list[Peer]:
        for extension in extensions:
            peer = Peer(self.world.server.addresses[0], extension)
            self.peers[extension] = peer
            await peer.register(expires=3600)
        return [self.peers[extension] for extension in extensions]

    async def call(self, caller: Peer, called: str, call_id: str, *, extra: tuple[str, ...] = ()) -> Phone:
        """The phone calls, and somebody answers: `answered` is what the test does meanwhile."""
        await caller.invite(called, call_id=call_id, extra=extra)
        await caller.response(100)
        return Phone(caller, called, call_id, caller.tag, "", 2)

    async def up(self, phone: Phone) -> Phone:
        """The 200 of a call that was placed; acknowledged."""
        answer = await phone.peer.response(180, 183, 200)
        while answer.status != 200:
            answer = await phone.peer.response(180, 183, 200)
        phone.tag = answer.recipient.tag or ""
        phone.acknowledge(answer)
        phone.peer.media.use_answer(answer.body)
        phone.answers.append(answer)
        await asyncio.sleep(0.02)
        return phone

    async def answered(self, peer: Peer, tag: str = "theirs", *, extra: tuple[str, ...] = ()) -> Phone:
        """The phone is rung and answers at once."""
        invite = await peer.asked("INVITE")
        peer.respond(invite, 200, "OK", tag=tag, body=peer.media.offer())
        await peer.asked("ACK")
        peer.media.use_answer(invite.body)
        user = getattr(invite.sender.uri, "user", None) or "gateway"
        return Phone(peer, user, invite.call_id, tag, invite.sender.tag or "")

    async def talk(self, caller: Peer, callee: Peer, call_id: str, tag: str = "theirs") -> tuple[Phone, Phone]:
        """Two phones talk."""
        calling = await self.call(caller, callee.user, call_id)
        called = await self.answered(callee, tag)
        return await self.up(calling), called


@asynccontextmanager
async def sip_exchange(*, extensions: tuple[str, ...] = ("101", "102", "103")) -> AsyncIterator[SipExchange]:
    """Everything runs; in the end nothing is left."""
    exchange = SipExchange(extensions=extensions)
    exchange.connect()
    async with exchange.world.server:
        try:
            async with exchange.switchboard:
                yield exchange
            await asyncio.sleep(0.1)
            assert exchange.switchboard.calls() == []
            assert len(exchange.world.server._wire.dialogs._legs) == 0, "a dialog outlives its call"
        finally:
            for peer in exchange.peers.values():
                peer.close()


def loudness(frame: Frame) -> int:
    """The largest sample."""
    return int(abs(frame.astype(int)).max())
