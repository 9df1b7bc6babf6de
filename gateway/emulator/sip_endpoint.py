"""Requests and responses over UDP that arrive in spite of loss (RFC 3261 section 17, RFC 6026, RFC 3581)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeAlias, cast

from gateway.emulator.sip_message import SipMessage, parameters, parse

T1_SECONDS = 0.5
T2_SECONDS = 4.0
LIFETIME_SECONDS = 64 * T1_SECONDS

Address: TypeAlias = tuple[str, int]
OnResponse: TypeAlias = "Callable[[SipMessage | None], None]"
"""Called with each response that is not a repetition (a 2xx to INVITE: with each); None: nobody answered."""
OnRequest: TypeAlias = "Callable[[SipMessage, ServerTransaction | None], None]"


class ClientTransaction:
    """One request on its way, repeated until somebody answers."""

    def __init__(self, endpoint: SipEndpoint, request: SipMessage, address: Address, heard: OnResponse) -> None:
        self.request = request
        self._endpoint = endpoint
        self._address = address
        self._heard = heard
        self._status = 0
        self._interval = T1_SECONDS
        self._is_invite = request.method == "INVITE"
        loop = asyncio.get_running_loop()
        self._again: asyncio.TimerHandle | None = loop.call_later(T1_SECONDS, self._repeat)
        self._end = loop.call_later(LIFETIME_SECONDS, self._expire)
        endpoint.transmit(request, address)

    def take(self, response: SipMessage) -> None:
        """A response to this request has come."""
        if self._status >= 300:
            self._acknowledge(response)
            return
        if 200 <= self._status < 300 and not (self._is_invite and 200 <= response.status < 300):
            return
        self._status = response.status
        if self._is_invite or response.status >= 200:
            self._stop_repeating()
        if self._is_invite and response.status < 200:
            self._end.cancel()  # it may ring as long as it likes
        if response.status >= 200:
            self._end.cancel()
            self._end = asyncio.get_running_loop().call_later(LIFETIME_SECONDS, self.forget)
            if response.status >= 300:
                self._acknowledge(response)
        self._heard(response)

    def forget(self) -> None:
        """The end."""
        self._stop_repeating()
        self._end.cancel()
        self._endpoint.forget_client(self)

    def _acknowledge(self, response: SipMessage) -> None:
        """ACK for a final response that is not 2xx, in the same transaction (section 17.1.1.3)."""
        if not self._is_invite:
            return
        request = self.request
        ack = SipMessage(method="ACK", uri=request.uri)
        ack.add("Via", request.first("via"))
        for route in request.all("route"):
            ack.add("Route", route)
        ack.add("From", request.first("from"))
        ack.add("To", response.first("to"))
        ack.add("Call-ID", request.first("call-id"))
        ack.add("CSeq", f"{request.cseq[0]} ACK")
        ack.add("Max-Forwards", "70")
        self._endpoint.transmit(ack, self._address)

    def _repeat(self) -> None:
        self._endpoint.transmit(self.request, self._address)
        self._interval = self._interval * 2 if self._is_invite else min(self._interval * 2, T2_SECONDS)
        if not self._is_invite and self._status >= 100:
            self._interval = T2_SECONDS
        self._again = asyncio.get_running_loop().call_later(self._interval, self._repeat)

    def _stop_repeating(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def _expire(self) -> None:
        self.forget()
        self._heard(None)


class ServerTransaction:
    """One request of the other side, and our answer to it, repeated as often as needed."""

    def __init__(self, endpoint: SipEndpoint, request: SipMessage, address: Address) -> None:
        self.request = request
        self._endpoint = endpoint
        self._address = address
        self._last: SipMessage | None = None
        self._again: asyncio.TimerHandle | None = None
        self._interval = T1_SECONDS
        self._end: asyncio.TimerHandle | None = None
        self.unacknowledged: Callable[[], None] | None = None
        """Called when ACK to a 2xx has not come in 64 T1 (section 13.3.1.4)."""

    def respond(self, response: SipMessage) -> None:
        """Send a response. A final one to INVITE is repeated until ACK comes, a 2xx as well (section 13.3.1.4)."""
        if self._last is not None and self._last.status >= 200:
            return
        self._last = response
        self._endpoint.transmit(response, self._address)
        if response.status < 200:
            return
        loop = asyncio.get_running_loop()
        self._end = loop.call_later(LIFETIME_SECONDS, self._expire)
        if self.request.method == "INVITE":
            self._again = loop.call_later(T1_SECONDS, self._repeat)

    def repeated(self) -> None:
        """The request came again."""
        if self._last is not None:
            self._endpoint.transmit(self._last, self._address)

    def acknowledged(self) -> None:
        """ACK has come."""
        if self._again is not None:
            self._again.cancel()
            self._again = None

    def forget(self) -> None:
        """The end."""
        self.acknowledged()
        if self._end is not None:
            self._end.cancel()
        self._endpoint.forget_server(self)

    def _expire(self) -> None:
        is_unacknowledged = self._again is not None and self._last is not None and self._last.status < 300
        self.forget()
        if is_unacknowledged and self.unacknowledged is not None:
            self.unacknowledged()

    def _repeat(self) -> None:
        self.repeated()
        self._interval = min(self._interval * 2, T2_SECONDS)
        self._again = asyncio.get_running_loop().call_later(self._interval, self._repeat)


class SipEndpoint(asyncio.DatagramProtocol):
    """A UDP socket with its transactions. `on_request` gets each new request once (ACK to a 2xx without one)."""

    def __init__(self, on_request: OnRequest) -> None:
        self.address: Address = ("", 0)
        self.strays = 0
        """Datagrams that were no SIP message, or answers to nothing."""
        self._on_request = on_request
        self._transport: asyncio.DatagramTransport | None = None
        self._clients: dict[tuple[str, str], ClientTransaction] = {}
        self._servers: dict[tuple[str, str], ServerTransaction] = {}

    async def open(self, bind: Address) -> None:
        """Bind the socket; OSError when it cannot be had."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=bind)
        self._transport = transport
        self.address = transport.get_extra_info("sockname")[:2]

    def close(self) -> None:
        """Forget all transactions and close the socket."""
        for asked in list(self._clients.values()):
            asked.forget()
        for served in list(self._servers.values()):
            served.forget()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def ask(self, request: SipMessage, address: Address, heard: OnResponse) -> ClientTransaction:
        """Send a request in a transaction of its own; its Via is added here, unless it has one (CANCEL)."""
        if not request.first("via"):
            request.headers.insert(0, ("Via", self.new_via()))
        transaction = ClientTransaction(self, request, address, heard)
        self._clients[request.branch, request.method] = transaction
        return transaction

    def new_via(self) -> str:
        """A Via with a fresh branch."""
        host, port = self.address
        return f"SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bK{secrets.token_hex(8)}"

    def transmit(self, message: SipMessage, address: Address) -> None:
        """Put a message on the wire, as it is."""
        if self._transport is not None:
            self._transport.sendto(message.render(), address)

    def forget_client(self, transaction: ClientTransaction) -> None:
        """The transaction is over."""
        self._clients.pop((transaction.request.branch, transaction.request.method), None)

    def forget_server(self, transaction: ServerTransaction) -> None:
        """The transaction is over."""
        self._servers.pop((transaction.request.branch, transaction.request.method), None)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """See asyncio.DatagramProtocol."""
        host, port = cast("tuple[str, int]", addr)[:2]
        if not data.strip(b"\r\n\0"):
            return  # a keep-alive
        try:
            message = parse(data)
        except ValueError:
            self.strays += 1
            return
        if message.is_request:
            self._take_request(message, (host, port))
            return
        transaction = self._clients.get((message.branch, message.cseq[1]))
        if transaction is None:
            self.strays += 1
        else:
            transaction.take(message)

    def error_received(self, exc: Exception) -> None:
        """See asyncio.DatagramProtocol: a port that is closed is the same as silence."""

    def _take_request(self, request: SipMessage, address: Address) -> None:
        method = "INVITE" if request.method == "ACK" else request.method
        known = self._servers.get((request.branch, method))
        if request.method == "ACK":
            if known is not None:  # for our final response that was not 2xx
                known.acknowledged()
            else:
                self._on_request(request, None)
        elif known is not None:
            known.repeated()
        else:
            _note_source(request, address)
            transaction = ServerTransaction(self, request, address)
            self._servers[request.branch, request.method] = transaction
            self._on_request(request, transaction)


def _note_source(request: SipMessage, address: Address) -> None:
    """Write into the top Via where the request really came from (RFC 3581 section 4)."""
    for at, (name, value) in enumerate(request.headers):
        if name.lower() in ("via", "v"):
            first, comma, rest = value.partition(",")
            if "rport" in parameters(first):
                first = first.replace(";rport", f";rport={address[1]}", 1) if ";rport=" not in first else first
            request.headers[at] = (name, f"{first};received={address[0]}{comma}{rest}")
            return
