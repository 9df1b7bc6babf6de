"""The registrar: which phones are where (RFC 3261 section 10).

Authentication has been done when a request comes here. A phone is rung at the address that it spoke
from, never at a third one that its Contact names (T-S4).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import format_datetime

from gateway.clock import WallClock
from gateway.errors import GatewayError
from gateway.events import PhoneRegistered, PhoneUnregistered, Publish
from gateway.sip.grammar import MalformedMessage
from gateway.sip.headers import NameAddress, parse_name_address
from gateway.sip.message import Request, Response
from gateway.sip.transaction import answer_to, new_tag
from gateway.sip.transport import Address, Flow, is_numeric
from gateway.sip.uri import SipUri, parse_host_port, parse_uri
from gateway.telephony.ledger import Bindings

log = logging.getLogger(__name__)

DEFAULT_EXPIRES_SECONDS = 3_600
SHORTEST_EXPIRES_SECONDS = 60
LONGEST_EXPIRES_SECONDS = 7_200
MOST_CONTACTS = 3


@dataclass(slots=True, kw_only=True)
class Binding:
    """One phone of an extension."""

    extension: str
    uri: SipUri
    """The Contact, which becomes the Request-URI of what we send to the phone."""
    flow: Flow
    """The way to the phone."""
    expires_at: float
    """By the loop's time."""
    user_agent: str
    call_id: str = ""
    number: int = 0
    answers_options: bool | None = None
    """Whether the phone has ever answered an OPTIONS; None: not known yet."""
    misses: int = 0
    """OPTIONS in a row that the phone left unanswered."""
    is_dead: bool = False
    """It used to answer, and does no longer: not rung until it does again."""

    @property
    def contact(self) -> str:
        """The Contact as text."""
        return str(self.uri)


class Registrar:
    """All bindings of all extensions."""

    def __init__(self, bindings: Bindings, publish: Publish, clock: WallClock) -> None:
        self._ledger = bindings
        self._publish = publish
        self._clock = clock
        self._bound: dict[str, list[Binding]] = {}
        self._expiry: asyncio.TimerHandle | None = None

    async def restore(self, flow_to: Callable[[Address], Flow | None]) -> None:
        """Take over what was bound before a restart, so that those phones ring at once."""
        now = asyncio.get_running_loop().time()
        for extension, contact, received_from, expires_at, user_agent in await self._ledger.load():
            # No longer than any phone is taken for: the clock may have been put back since.
            left = min((expires_at - self._clock()).total_seconds(), LONGEST_EXPIRES_SECONDS)
            try:
                uri = parse_uri(contact)
                host, port = parse_host_port(received_from)
            except MalformedMessage:
                log.warning("The stored contact of %s cannot be read and is dropped", extension)
                continue
            flow = flow_to(Address(host, port or 5060))
            # A connection does not outlive a restart: a phone on TCP or TLS comes again by itself.
            by_datagram = isinstance(uri, SipUri) and uri.scheme == "sip" and _transport_of(uri) == "udp"
            if left > 0 and flow is not None and isinstance(uri, SipUri) and by_datagram:
                self._bound.setdefault(extension, []).append(
                    Binding(extension=extension, uri=uri, flow=flow, expires_at=now + left, user_agent=user_agent)
                )
        self._expire()

    def look_round(self, flow_to: Callable[[Address], Flow | None]) -> None:
        """A phone that was reached by an address which is ours no more is reached by another one (X-N4)."""
        for binding in self.everything():
            if not binding.flow.is_open and not binding.flow.reliable:
                binding.flow = flow_to(binding.flow.remote) or binding.flow

    def flow_of(self, extension: str, host: str) -> Flow | None:
        """The way to a phone of an extension that has registered from that host; None: there is none now."""
        flows = [binding.flow for binding in self._bound.get(extension, ()) if binding.flow.is_open]
        return next((flow for flow in flows if flow.remote.host == host), None)

    def close(self) -> None:
        """Forget the bindings in memory; those on disk stay for the next start."""
        if self._expiry is not None:
            self._expiry.cancel()
        self._bound.clear()

    def contacts(self, extension: str) -> list[Binding]:
        """The phones of an extension that can be rung, the latest registered first."""
        now = asyncio.get_running_loop().time()
        return [each for each in self._bound.get(extension, ()) if each.expires_at > now and not each.is_dead]

    def everything(self) -> list[Binding]:
        """All bindings, the dead ones too."""
        return [binding for bindings in self._bound.values() for binding in bindings]

    def is_bound(self, extension: str, host: str) -> bool:
        """A phone of that extension is registered from that host."""
        return any(binding.flow.remote.host == host for binding in self._bound.get(extension, ()))

    def extensions_at(self, host: str) -> tuple[str, ...]:
        """Whose phones are registered from that host."""
        return tuple(sorted({each.extension for each in self.everything() if each.flow.remote.host == host}))

    def knows_source(self, address: Address) -> bool:
        """Some phone is registered from exactly there."""
        return any(binding.flow.remote == address for binding in self.everything())

    async def register(self, request: Request, extension: str, flow: Flow) -> Response:
        """Serve a REGISTER whose sender has proven to be `extension`. Returns the final response."""
        recipient = request.recipient.uri
        if not isinstance(recipient, SipUri):
            return answer_to(request, 400, "Bad Request", tag=new_tag())
        if recipient.user != extension:
            log.warning("%s tried to register as %s", extension, recipient.user)
            return answer_to(request, 403, "Forbidden", tag=new_tag())
        try:
            return await self._update(request, extension, flow)
        except MalformedMessage as fault:
            log.debug("REGISTER of %s: %s", extension, fault)
            return answer_to(request, fault.status, "Bad Request", tag=new_tag())
        except GatewayError as fault:
            log.error("The registration of %s could not be stored: %s", extension, fault)
            return answer_to(request, 500, "Server Internal Error", tag=new_tag())

    async def _update(self, request: Request, extension: str, flow: Flow) -> Response:
        values = request.headers.values("Contact")
        if "*" in values:
            if len(values) != 1 or request.expires != 0:
                raise MalformedMessage("The wildcard Contact stands alone and with Expires: 0.")
            await self._remove(extension, list(self._bound.get(extension, ())), "signed-off")
            return self._answer(request, extension)
        wanted = [(parse_name_address(value), _expires(parse_name_address(value), request)) for value in values]
        if any(0 < seconds < SHORTEST_EXPIRES_SECONDS for _, seconds in wanted):
            response = answer_to(request, 423, "Interval Too Brief", tag=new_tag())
            response.headers.add("Min-Expires", SHORTEST_EXPIRES_SECONDS)
            return response
        checked = [(_checked_contact(address, flow), seconds) for address, seconds in wanted]
        if any(uri is None for uri, _ in checked) or len(checked) > MOST_CONTACTS:
            return answer_to(request, 403, "Forbidden", tag=new_tag())
        for uri, seconds in checked:
            if uri is not None:
                await self._bind(request, extension, uri, flow, min(seconds, LONGEST_EXPIRES_SECONDS))
        return self._answer(request, extension)

    async def _bind(self, request: Request, extension: str, uri: SipUri, flow: Flow, seconds: int) -> None:
        known = next((each for each in self._bound.get(extension, ()) if _same_phone(each, uri, flow)), None)
        if known is not None and known.call_id == request.call_id and request.cseq.number <= known.number:
            raise MalformedMessage("The REGISTER is older than the last one.", status=500)  # section 10.3, step 7
        if seconds == 0:
            if known is not None:
                await self._remove(extension, [known], "signed-off")
            return
        now = asyncio.get_running_loop().time()
        binding = Binding(
            extension=extension,
            uri=uri,
            flow=_flow_to_phone(uri, flow),
            expires_at=now + seconds,
            user_agent=(request.headers.get("User-Agent") or "")[:120],
            call_id=request.call_id,
            number=request.cseq.number,
            answers_options=None if known is None else known.answers_options,
        )
        if known is not None and known.contact != binding.contact:
            await self._ledger.remove(extension, known.contact)
        expires_at = self._clock() + timedelta(seconds=seconds)
        await self._ledger.save(extension, binding.contact, str(binding.flow.remote), expires_at, binding.user_agent)
        kept = [
            each for each in self._bound.get(extension, ()) if each is not known and each.contact != binding.contact
        ]
        self._bound[extension] = [binding, *kept]
        if known is None or known.is_dead:
            self._publish(
                PhoneRegistered(
                    extension=extension,
                    contact=binding.contact,
                    user_agent=binding.user_agent,
                    expires_seconds=seconds,
                )
            )
        # One more phone than allowed takes the place of the one longest unheard of.
        await self._remove(extension, self._bound[extension][MOST_CONTACTS:], "replaced")
        self._expire()

    async def _remove(self, extension: str, bindings: list[Binding], reason: str) -> None:
        for binding in bindings:
            await self._ledger.remove(extension, binding.contact)
            self._forget(binding, reason)

    def _forget(self, binding: Binding, reason: str) -> None:
        kept = [each for each in self._bound.get(binding.extension, ()) if each is not binding]
        if kept:
            self._bound[binding.extension] = kept
        else:
            self._bound.pop(binding.extension, None)
        self._publish(PhoneUnregistered(extension=binding.extension, contact=binding.contact, reason=reason))

    def _answer(self, request: Request, extension: str) -> Response:
        response = answer_to(request, 200, "OK", tag=new_tag())
        now = asyncio.get_running_loop().time()
        for binding in self._bound.get(extension, ()):
            seconds = max(1, round(binding.expires_at - now))
            response.headers.add("Contact", NameAddress(binding.uri, "", (("expires", str(seconds)),)))
        response.headers.add("Date", format_datetime(self._clock().astimezone(UTC), usegmt=True))
        return response

    # Time.

    def _expire(self) -> None:
        """Drop what has expired, and wake again when the next one does. The store forgets them by itself."""
        loop = asyncio.get_running_loop()
        for binding in self.everything():
            if binding.expires_at <= loop.time():
                self._forget(binding, "expired")
        if self._expiry is not None:
            self._expiry.cancel()
        deadlines = [binding.expires_at for binding in self.everything()]
        self._expiry = loop.call_at(min(deadlines), self._expire) if deadlines else None

    def has_answered(self, binding: Binding) -> None:
        """The phone answered an OPTIONS."""
        binding.answers_options = True
        binding.misses = 0
        if binding.is_dead:
            binding.is_dead = False
            seconds = round(binding.expires_at - asyncio.get_running_loop().time())
            self._publish(
                PhoneRegistered(
                    extension=binding.extension,
                    contact=binding.contact,
                    user_agent=binding.user_agent,
                    expires_seconds=seconds,
                )
            )

    def has_lost(self, remote: Address) -> None:
        """The connection that a phone had opened is over: it cannot be rung until it registers anew."""
        for binding in self.everything():
            if binding.flow.reliable and binding.flow.remote == remote and not binding.is_dead:
                binding.is_dead = True
                self._publish(
                    PhoneUnregistered(extension=binding.extension, contact=binding.contact, reason="connection-lost")
                )

    def has_missed(self, binding: Binding) -> None:
        """The phone left an OPTIONS unanswered. Only one that used to answer is judged by it."""
        binding.misses += 1
        if binding.answers_options is None and binding.misses >= MOST_MISSES:
            binding.answers_options = False
        elif binding.answers_options and binding.misses == MOST_MISSES and not binding.is_dead:
            binding.is_dead = True
            self._publish(PhoneUnregistered(extension=binding.extension, contact=binding.contact, reason="dead"))


MOST_MISSES = 3
"""At one OPTIONS every 30 s a dead phone is known after 90 s (X-N8)."""


def _transport_of(uri: SipUri) -> str:
    return (uri.parameter("transport") or "udp").lower()


def _expires(address: NameAddress, request: Request) -> int:
    own = address.parameter("expires")
    if own is not None and own.isascii() and own.isdigit():
        return min(int(own[:12]), 2**32 - 1)
    return DEFAULT_EXPIRES_SECONDS if request.expires is None else request.expires


def _checked_contact(address: NameAddress, flow: Flow) -> SipUri | None:
    """The Contact, if it may be bound: the source itself, or the own address of a phone behind a NAT."""
    uri = address.uri
    if not isinstance(uri, SipUri):
        raise MalformedMessage("The Contact is no SIP URI.")
    if uri.headers:
        # Headers in a Contact would be put into our requests by a literal reader (RFC 4475 section 3.3.14).
        raise MalformedMessage("The Contact carries headers.")
    if uri.host == flow.local.host and (uri.port or 5060) == flow.local.port:
        return None
    return uri


def _flow_to_phone(uri: SipUri, flow: Flow) -> Flow:
    """The way to the phone: always its source's host; the Contact's port where the Contact names that host."""
    if flow.reliable or not is_numeric(uri.host) or uri.host != flow.remote.host:
        return flow
    port = uri.port or 5060
    return flow if port == flow.remote.port else flow.towards(Address(uri.host, port))


def _same_phone(binding: Binding, uri: SipUri, flow: Flow) -> bool:
    """The same Contact (RFC 3261 section 19.1.4, the parts that phones change aside), or the same source."""
    same_uri = (binding.uri.user, binding.uri.host, binding.uri.port or 5060) == (uri.user, uri.host, uri.port or 5060)
    return same_uri or binding.flow.remote == _flow_to_phone(uri, flow).remote
