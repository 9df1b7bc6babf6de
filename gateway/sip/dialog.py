"""Dialogs: what both ends of a call know of each other (RFC 3261 section 12)."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.sip.extensions import SUPPORTED
from gateway.sip.headers import NameAddress, Via, parse_name_address, sip_uri
from gateway.sip.message import Headers, Request, Response
from gateway.sip.transaction import new_branch
from gateway.sip.transport import Address, Flow, is_numeric
from gateway.sip.uri import SipUri

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REGISTER, SUBSCRIBE, MESSAGE, REFER, NOTIFY, PRACK"
SERVER_NAME = "simbridge"
"""Without a version (T-S15)."""


@dataclass(slots=True, kw_only=True)
class Dialog:
    """One dialog. `flow` is the way to the peer by which the dialog began."""

    call_id: str
    local: NameAddress
    """Our address with our tag: From of what we send."""
    remote: NameAddress
    """The peer's address with its tag: To of what we send."""
    target: SipUri
    """The peer's Contact."""
    routes: tuple[NameAddress, ...]
    flow: Flow
    local_number: int
    remote_number: int | None
    follows_contact: bool = False
    """True: messages go where Contact and Route say, to any host (a trunk). False: only to the flow's own host."""

    @classmethod
    def answered(cls, request: Request, tag: str, flow: Flow, *, follows_contact: bool = False) -> Dialog:
        """The dialog that our answer to an INVITE begins (RFC 3261 section 12.1.1)."""
        contacts = request.contacts
        return cls(
            call_id=request.call_id,
            local=request.recipient.with_parameter("tag", tag),
            remote=request.sender,
            target=sip_uri(contacts[0] if contacts else request.sender),
            routes=tuple(request.record_routes),
            flow=flow,
            local_number=0,
            remote_number=request.cseq.number,
            follows_contact=follows_contact,
        )

    @classmethod
    def asked(cls, request: Request, response: Response, flow: Flow, *, follows_contact: bool = False) -> Dialog:
        """The dialog that an answer to our INVITE begins (RFC 3261 section 12.1.2)."""
        contacts = response.contacts
        return cls(
            call_id=request.call_id,
            local=request.sender,
            remote=response.recipient,
            target=sip_uri(contacts[0]) if contacts else _as_sip(request),
            routes=tuple(reversed(response.record_routes)),
            flow=flow,
            local_number=request.cseq.number,
            remote_number=None,
            follows_contact=follows_contact,
        )

    @property
    def id(self) -> tuple[str, str, str]:
        """Call-ID, our tag, the peer's tag."""
        return self.call_id, self.local.tag or "", self.remote.tag or ""

    @property
    def contact(self) -> NameAddress:
        """Where the peer reaches us within this dialog."""
        return contact_at(self.flow, self.local_user, scheme=self.target.scheme)

    @property
    def local_user(self) -> str | None:
        """The user part of our own address."""
        return self.local.uri.user if isinstance(self.local.uri, SipUri) else None

    def request(self, method: str, body: bytes = b"", content_type: str = "") -> Request:
        """The next request within the dialog (RFC 3261 section 12.2.1.1)."""
        self.local_number += 1
        return self._build(method, self.local_number, body, content_type)

    def acknowledge(self, number: int, body: bytes = b"", content_type: str = "") -> Request:
        """The ACK of a 2xx to the INVITE of that number (RFC 3261 section 13.2.2.4)."""
        return self._build("ACK", number, body, content_type)

    def accepts(self, request: Request) -> bool:
        """Note the number of a request from the peer; False when it is older than what came before."""
        number = request.cseq.number
        if self.remote_number is not None and number <= self.remote_number:
            return False
        self.remote_number = number
        return True

    def refresh_target(self, message: Request | Response) -> None:
        """A re-INVITE or UPDATE may move the peer (RFC 3261 section 12.2.1.2)."""
        contacts = message.contacts
        if contacts and isinstance(contacts[0].uri, SipUri):
            self.target = contacts[0].uri

    def next_hop(self) -> Flow:
        """The way of the next message.

        A phone is only ever answered at the host it speaks from, whatever its Contact claims (T-S4).
        """
        hop = self.routes[0].uri if self.routes else self.target
        if not isinstance(hop, SipUri):
            return self.flow
        port = hop.port or 5060
        if hop.host == self.flow.remote.host or (self.follows_contact and is_numeric(hop.host)):
            address = Address(hop.host, port)
            return self.flow if address == self.flow.remote else self.flow.towards(address)
        return self.flow

    def _build(self, method: str, number: int, body: bytes, content_type: str) -> Request:
        flow = self.next_hop()
        headers = Headers()
        headers.add("Via", our_via(flow))
        headers.add("Max-Forwards", "70")
        target = self.target
        routes = self.routes
        if routes and isinstance(routes[0].uri, SipUri) and routes[0].uri.parameter("lr") is None:
            # A strict router of RFC 2543: it becomes the Request-URI (RFC 3261 section 12.2.1.1).
            routes = (*routes[1:], NameAddress(target))
            target = sip_uri(self.routes[0])
        for route in routes:
            headers.add("Route", route)
        headers.add("From", self.local)
        headers.add("To", self.remote)
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{number} {method}")
        if method in ("INVITE", "UPDATE"):
            headers.add("Contact", self.contact)
            headers.add("Allow", ALLOW)
            headers.add("Supported", SUPPORTED)
        headers.add("User-Agent", SERVER_NAME)
        if body:
            headers.add("Content-Type", content_type)
        return Request(headers, method=method, uri=target, body=body)


def contact_at(flow: Flow, user: str | None, *, scheme: str = "sip") -> NameAddress:
    """Where the peer of `flow` reaches us, by the same transport (RFC 3261 section 8.1.1.8).

    Who speaks sips on TLS is answered with sips (RFC 3261 section 12.1.1).
    """
    local = flow.local
    if scheme == "sips" and flow.transport == "TLS":
        return NameAddress(SipUri(local.host, local.port, user, scheme="sips"))
    parameters = (("transport", flow.transport.lower()),) if flow.reliable else ()
    return NameAddress(SipUri(local.host, local.port, user, parameters=parameters))


def our_via(flow: Flow) -> Via:
    """A new hop of ours, which asks to be answered where it came from (RFC 3581)."""
    local = flow.local
    return Via(flow.transport, local.host, local.port, (("branch", new_branch()), ("rport", None)))


def copy_record_route(request: Request, response: Response) -> None:
    """Responses that begin a dialog carry the request's Record-Route (RFC 3261 section 12.1.1)."""
    for value in request.headers.all("Record-Route"):
        response.headers.add("Record-Route", value)


def _as_sip(request: Request) -> SipUri:
    return (
        sip_uri(NameAddress(request.uri))
        if isinstance(request.uri, SipUri)
        else sip_uri(parse_name_address(request.headers.get("To") or ""))
    )
