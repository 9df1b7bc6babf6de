"""INVITEs that were let in, and the legs that they become."""

from __future__ import annotations

import logging
from collections.abc import Callable

from gateway.errors import AddressInUse
from gateway.sip.admission import admit
from gateway.sip.incoming import IncomingCall
from gateway.sip.media_terms import phone_terms, trunk_terms
from gateway.sip.message import Request, Response
from gateway.sip.pacer import Pacer
from gateway.sip.port_range import PortRange
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sip_leg import SipLeg
from gateway.sip.transaction import ServerTransaction
from gateway.sip.transport import Flow
from gateway.sip.trunk import SipTrunk
from gateway.sip.tunnel import TRANSPORT
from gateway.sip.wire import Wire, decline
from gateway.telephony.leg import Direction
from gateway.telephony.line import Incoming
from gateway.telephony.shop import ShopView

log = logging.getLogger(__name__)


class Arrivals:
    """The calls that come and have not ended yet."""

    def __init__(
        self,
        wire: Wire,
        shop: ShopView,
        incoming: Incoming,
        tag: Callable[[Request], str],
        *,
        pacer: Pacer,
        ports: PortRange,
    ) -> None:
        """`incoming` gets each new leg; `tag` gives the To tag of a refusal."""
        self._wire = wire
        self._shop = shop
        self._incoming = incoming
        self._tag = tag
        self._pacer = pacer
        self._ports = ports
        self._calls: dict[ServerTransaction, IncomingCall] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def take_from_phone(self, transaction: ServerTransaction, flow: Flow, user: str) -> None:
        """An INVITE of a phone that has proven to be `user`."""
        phone = self._shop().phone(user)
        self._take(transaction, flow, peer=user, name="" if phone is None else phone.name, trunk=None)

    def take_from_trunk(self, transaction: ServerTransaction, flow: Flow, trunk: SipTrunk) -> None:
        """An INVITE of a provider."""
        number, name = trunk.caller_of(transaction.request)
        self._take(transaction, flow, peer=number, name=name, trunk=trunk)

    def cancel(self, transaction: ServerTransaction) -> None:
        """The INVITE of that transaction was cancelled; nothing happens when it is answered already."""
        call = self._calls.get(transaction)
        if call is not None:
            call.cancelled()

    def _take(
        self, transaction: ServerTransaction, flow: Flow, *, peer: str, name: str, trunk: SipTrunk | None
    ) -> None:
        request = transaction.request
        transaction.respond(decline(request, 100, "Trying"))
        is_browser = flow.transport == TRANSPORT
        is_secure = is_browser or flow.transport == "TLS"
        phone = self._shop().phone(peer)
        terms = phone_terms(phone, is_browser=is_browser) if trunk is None else trunk_terms(trunk.settings)
        admitted = admit(request, self._wire.dialogs, self._tag(request), terms, is_secure=is_secure)
        if isinstance(admitted, Response):
            transaction.respond(admitted)
            return
        port = RtpPort(self._pacer, self._ports)
        try:
            port.open(flow.local.host)
        except AddressInUse as fault:
            log.error("A call of %s is refused: %s", peer, fault)
            transaction.respond(decline(request, 503, "Service Unavailable", tag=self._tag(request)))
            return
        called, line = (admitted.called, None) if trunk is None else (trunk.number, trunk.name)
        leg = SipLeg(direction=Direction.INCOMING, peer=peer, called=called, port=port, line=line)
        leg.display_name = name
        leg.replaces = admitted.replaces if trunk is None else None
        call = IncomingCall(
            self._wire,
            transaction,
            port,
            leg.events,
            offer=admitted.offer,
            agreement=admitted.agreement,
            terms=terms,
            trusted=trunk is not None,
            account=None if trunk is None else trunk.account,
        )
        leg.attach(call)
        self._calls[transaction] = call
        leg.on_change(lambda leg: self._forget(transaction) if leg.cause is not None else None)
        if trunk is not None:
            trunk.carry(leg)
        self._incoming(leg)

    def _forget(self, transaction: ServerTransaction) -> None:
        self._calls.pop(transaction, None)
