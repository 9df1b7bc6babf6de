"""Two ends of a call on a wire that loses exactly the messages the test names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.sip.digest import DigestClient
from gateway.sip.headers import NameAddress
from gateway.sip.incoming import IncomingCall
from gateway.sip.message import Request, Response, parse_message
from gateway.sip.outgoing import OutgoingCall
from gateway.sip.pacer import Pacer
from gateway.sip.port_range import PortRange
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import agree, parse_sdp
from gateway.sip.sip_leg import SipLeg
from gateway.sip.target import Target
from gateway.sip.transport import Address
from gateway.sip.uri import SipUri
from gateway.sip.wire import Wire, decline
from gateway.telephony.leg import Direction, Leg
from tests.fakes.sip import PASSWORD

OURS = Address("127.0.0.1", 5060)
THEIRS = Address("127.0.0.1", 5062)


@dataclass
class Link:
    """Carries messages between two ends, 1 ms apart; counts them and drops those in `lost`."""

    lost: frozenset[int] = frozenset()
    sent: list[bytes] = field(default_factory=list)
    receivers: dict[Address, Callable[[bytes, LinkFlow], None]] = field(default_factory=dict)

    def carry(self, data: bytes, source: Address, target: Address) -> None:
        self.sent.append(data)
        if len(self.sent) - 1 not in self.lost and target in self.receivers:
            back = LinkFlow(self, target, source)
            asyncio.get_running_loop().call_later(0.001, self.receivers[target], data, back)


@dataclass(frozen=True)
class LinkFlow:
    """A Flow of the link."""

    link: Link
    local: Address
    remote: Address
    transport: str = "UDP"
    reliable: bool = False
    is_open: bool = True

    def send(self, data: bytes) -> None:
        self.link.carry(data, self.local, self.remote)

    def towards(self, remote: Address) -> LinkFlow:
        return LinkFlow(self.link, self.local, remote)


class LinkPhone:
    """A phone with transactions and dialogs, but no guard, no registrar and no accounts."""

    def __init__(self, link: Link, on_leg: Callable[[Leg], None]) -> None:
        self.link = link
        self.wire = Wire()
        self.legs: list[SipLeg] = []
        self._on_leg = on_leg
        self._pacer = Pacer()
        link.receivers[THEIRS] = self.receive

    def call(self, user: str) -> SipLeg:
        port = RtpPort(self._pacer, PortRange(30000, 39999))
        port.open("127.0.0.1")
        leg = SipLeg(direction=Direction.OUTGOING, peer=user, called=user, port=port)
        flow = LinkFlow(self.link, THEIRS, OURS)
        account = DigestClient("101", PASSWORD)
        target = Target(uri=SipUri(*OURS, user), flow=flow, account=account)
        sender = NameAddress(SipUri(*THEIRS, "101"))
        call = OutgoingCall(self.wire, [target], sender, port, leg.events)
        leg.attach(call)
        call.start()
        self.legs.append(leg)
        return leg

    def receive(self, data: bytes, flow: LinkFlow) -> None:
        message = parse_message(data)
        if isinstance(message, Response):
            self.wire.transactions.receive_response(message)
            return
        known = self.wire.transactions.find_server(message)
        if known is not None:
            known.receive(message, flow)
            return
        user = self.wire.dialogs.find(message)
        match message.method:
            case "ACK":
                if user is not None:
                    user.receive_ack(message, flow)
            case "CANCEL":
                self._cancel(message, flow)
            case "INVITE" if user is None:
                self._ring(message, flow)
            case _:
                transaction = self.wire.transactions.serve(message, flow)
                if user is None:
                    transaction.respond(decline(message, 481, "Call/Transaction Does Not Exist"))
                else:
                    user.receive(transaction, flow)

    def _cancel(self, message: Request, flow: LinkFlow) -> None:
        cancelled = self.wire.transactions.find_cancelled(message)
        self.wire.transactions.serve(message, flow).respond(decline(message, 200 if cancelled else 481, "-", tag="t"))
        for call in self._calls:
            call.cancelled()

    def _ring(self, message: Request, flow: LinkFlow) -> None:
        transaction = self.wire.transactions.serve(message, flow)
        offer = parse_sdp(message.body)
        port = RtpPort(self._pacer, PortRange(30000, 39999))
        port.open("127.0.0.1")
        leg = SipLeg(direction=Direction.INCOMING, peer="us", called="101", port=port)
        call = IncomingCall(self.wire, transaction, port, leg.events, offer=offer, agreement=agree(offer))
        leg.attach(call)
        self._calls = [call]
        self.legs.append(leg)
        self._on_leg(leg)
