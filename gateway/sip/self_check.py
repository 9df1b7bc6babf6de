"""Whether the internet reaches our SIP port, as far as we can find that out ourselves (T-S14).

Looked at when we start, when a provider sees us at another address, and once a day. Nobody outside is asked
(docs/decisions/seen-from-the-internet.md). What there is to see: an address of the internet that we listen on; and,
behind a router, whether we answer at the address that our providers see us at, on our own port: then the router hands
on what comes from outside. A router that does so for the outside alone is not found out like that; the first packet
that comes through it is told of by the guard.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable
from ipaddress import ip_address

from gateway.errors import AddressInUse
from gateway.sip.addresses import machine_addresses
from gateway.sip.dialog import SERVER_NAME, our_via
from gateway.sip.grammar import MalformedMessage
from gateway.sip.headers import NameAddress
from gateway.sip.message import Headers, Request, Response, parse_message, serialise
from gateway.sip.stranger_alerts import StrangerAlerts
from gateway.sip.stream import Begin
from gateway.sip.transaction import new_tag
from gateway.sip.transport import Address, Flow, UdpEndpoint, is_ipv6_host, is_wildcard, local_host_towards
from gateway.sip.uri import SipUri

log = logging.getLogger(__name__)

LOOK_SECONDS = 86_400.0
ASKED_TIMES = 3
ASKED_EVERY_SECONDS = 1.0


class SelfCheck:
    """Looks by itself when it is time; `look_round` is to be called every few seconds."""

    def __init__(
        self,
        bound: Callable[[], list[Address]],
        seen_at: Callable[[], frozenset[str]],
        tag: Callable[[Request], str],
        alerts: StrangerAlerts,
        *,
        begin: Begin,
    ) -> None:
        """`bound` is where we listen for datagrams, `seen_at` the hosts that providers see us at.

        `tag` is what we would put on a request's To: by that we know our own answer.
        """
        self._bound = bound
        self._seen_at = seen_at
        self._tag = tag
        self._alerts = alerts
        self._begin = begin
        self._looked_at = float("-inf")
        self._known: frozenset[str] = frozenset()

    def look_round(self) -> None:
        """Look, when a day has passed or the internet sees us elsewhere."""
        now = asyncio.get_running_loop().time()
        seen = frozenset(host for host in self._seen_at() if is_of_internet(host))
        is_due = now - self._looked_at >= LOOK_SECONDS
        if is_due or seen - self._known:
            self._looked_at, self._known = now, seen
            self._begin(self._look(seen))

    async def _look(self, seen: frozenset[str]) -> None:
        for address in self._bound():
            for host in _hosts_of(address):
                if is_of_internet(host):
                    self._alerts.is_reachable(Address(host, address.port))
            for host in seen:
                if is_ipv6_host(host) == is_ipv6_host(address.host) and await self._is_us(Address(host, address.port)):
                    self._alerts.is_reachable(Address(host, address.port))

    async def _is_us(self, there: Address) -> bool:
        """Whether it is we who answer an OPTIONS at that address."""
        heard = asyncio.Event()

        def receive(data: bytes, _flow: Flow) -> None:
            try:
                answer = parse_message(data)
            except MalformedMessage:
                return
            if (
                isinstance(answer, Response)
                and answer.call_id == asked.call_id
                and answer.recipient.tag == self._tag(asked)
            ):
                heard.set()

        endpoint = UdpEndpoint(receive)
        try:
            await endpoint.open(local_host_towards(there.host) or "0.0.0.0", 0)
        except AddressInUse as fault:
            log.debug("%s", fault)
            return False
        try:
            asked = _options(endpoint.flow_to(there), there)
            for _ in range(ASKED_TIMES):
                endpoint.send(serialise(asked), there)
                try:
                    async with asyncio.timeout(ASKED_EVERY_SECONDS):
                        await heard.wait()
                except TimeoutError:
                    continue
                return True
            return False
        finally:
            endpoint.close()


def is_of_internet(host: str) -> bool:
    """The internet knows a way to that address; neither a private network nor that of a provider (RFC 6598)."""
    address = ip_address(host.partition("%")[0])
    return address.is_global and not address.is_multicast


def _hosts_of(bound: Address) -> Iterable[str]:
    if not is_wildcard(bound.host):
        return (bound.host,)
    # A socket for IPv6 does not hear IPv4 with us: each has its own.
    return [host for host in machine_addresses() if is_ipv6_host(host) == is_ipv6_host(bound.host)]


def _options(flow: Flow, there: Address) -> Request:
    headers = Headers()
    headers.add("Via", our_via(flow))
    headers.add("Max-Forwards", "1")
    headers.add("From", NameAddress(SipUri(there.host, user=SERVER_NAME)).with_parameter("tag", new_tag()))
    headers.add("To", NameAddress(SipUri(there.host, there.port)))
    headers.add("Call-ID", secrets.token_hex(12))
    headers.add("CSeq", "1 OPTIONS")
    return Request(headers, method="OPTIONS", uri=SipUri(there.host, there.port))
