"""A small SIP phone of its own, for tests and the demonstration; it shares no code with the gateway's SIP.

::

    async with SipPhone(("127.0.0.1", 0), ("127.0.0.1", 5060), "101", "secret") as phone:
        await phone.register()
        call = phone.call("2001")
        await call.answered()
        call.play(samples)
        call.press("1")
        ...
        call.hang_up()
        caller = await phone.incoming()
        caller.ring()
        caller.answer()
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from types import TracebackType
from typing import Self

from gateway.emulator import sip_digest
from gateway.emulator.g711 import Codec, codec
from gateway.emulator.media_clock import MediaClock
from gateway.emulator.sip_call import PhoneCall
from gateway.emulator.sip_endpoint import Address, ServerTransaction, SipEndpoint
from gateway.emulator.sip_message import SipMessage, address_uri, uri_host

_ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY"


class SipRefused(RuntimeError):
    """The registrar (or nobody, status 408) answered with something other than 200."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"The registrar answered {status} {reason}.")
        self.status = status


class SipPhone:
    """A phone at `bind` (port 0: any) that registers at `registrar` as `user`.

    `clock` moves its sound; without one it has a thread of its own. `algorithm` "MD5" or "SHA-256" answers only
    challenges of that kind. `codecs` are its own, best first; `ppm` makes its crystal slow.
    """

    user_agent = "Emulated phone"

    def __init__(
        self,
        bind: Address,
        registrar: Address,
        user: str,
        password: str,
        *,
        clock: MediaClock | None = None,
        codecs: tuple[str, ...] = ("PCMU", "PCMA"),
        algorithm: str | None = None,
        ppm: float = 0.0,
        name: str = "",
    ) -> None:
        self.user = user
        self.clock = clock if clock is not None else MediaClock()
        self.codecs = codecs
        self.ppm = ppm
        self.calls: list[PhoneCall] = []
        """All calls, from the first."""
        self.endpoint = SipEndpoint(self._take)
        self.is_registered = False
        self._owns_clock = clock is None
        self._bind = bind
        self._registrar = registrar
        self._password = password
        self._algorithm = algorithm
        self._name = name
        self._register_id = secrets.token_hex(12)
        self._register_tag = secrets.token_hex(6)
        self._sequence = itertools.count(1)
        self._ids = itertools.count(1)
        self._nonce_uses: dict[str, int] = {}
        self._incoming: asyncio.Queue[PhoneCall] = asyncio.Queue()
        self._refresh: asyncio.TimerHandle | None = None
        self._refreshing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.endpoint.open(self._bind)
        if self._owns_clock:
            self.clock.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_refreshing()
        for call in self.calls:
            call.close()
        self.endpoint.close()
        if self._owns_clock:
            self.clock.stop()

    @property
    def host(self) -> str:
        """Its address."""
        return self.endpoint.address[0]

    @property
    def identity(self) -> str:
        """Its address of record."""
        return f"sip:{self.user}@{self._registrar[0]}"

    @property
    def contact(self) -> str:
        """Its Contact."""
        host, port = self.endpoint.address
        return f"<sip:{self.user}@{host}:{port}>"

    async def register(self, expires_seconds: int = 300) -> int:
        """Register, and stay registered; the seconds that were granted. SipRefused when it is not 200."""
        response = await self._register(expires_seconds)
        granted = _granted(response, self.contact, expires_seconds)
        self.is_registered = True
        self._stop_refreshing()
        self._refresh = asyncio.get_running_loop().call_later(granted / 2, self._start_refreshing, expires_seconds)
        return granted

    async def unregister(self) -> None:
        """Sign off."""
        self._stop_refreshing()
        await self._register(0)
        self.is_registered = False

    def call(self, number: str) -> PhoneCall:
        """Call a number (or a whole SIP URI); returns at once."""
        uri = number if number.startswith("sip:") else f"sip:{number}@{self._registrar[0]}:{self._registrar[1]}"
        call = PhoneCall(self, self._next_id(), is_incoming=False)
        self.calls.append(call)
        call.start(uri)
        return call

    async def incoming(self) -> PhoneCall:
        """The next call that came in; it has neither rung nor been answered."""
        return await self._incoming.get()

    async def options(self) -> int:
        """Ask the registrar what it can; the status of its answer (408: none)."""
        request = self._request("OPTIONS", f"sip:{self._registrar[0]}", next(self._sequence))
        response = await self._ask(request)
        return 408 if response is None else response.status

    # What PhoneCall calls

    def decoders(self) -> dict[int, Codec]:
        """Payload types of its codecs."""
        return {codec(name).payload_type: codec(name) for name in self.codecs}

    def next_hop(self, target: str, routes: list[str]) -> Address:
        """Where a request goes: the first route, a known contact, or the registrar."""
        uri = address_uri(routes[0]) if routes else target
        host, port = uri_host(uri)
        return self._registrar if host == self._registrar[0] and ":" not in uri.partition("@")[2] else (host, port)

    def response(self, request: SipMessage, status: int, reason: str, *, tag: str | None = None) -> SipMessage:
        """A response with the headers that a request hands on (section 8.2.6)."""
        response = SipMessage(status=status, reason=reason)
        for via in request.all("via"):
            response.add("Via", via)
        to = request.first("to")
        response.add("From", request.first("from"))
        response.add("To", to if tag is None or ";tag=" in to else f"{to};tag={tag}")
        response.add("Call-ID", request.first("call-id"))
        response.add("CSeq", request.first("cseq"))
        response.add("Allow", _ALLOW)
        response.add("User-Agent", self.user_agent)
        return response

    def credentials(self, response: SipMessage, request: SipMessage) -> tuple[str, str] | None:
        """The header that answers a challenge; None when it cannot be answered."""
        proxy = response.status == 407
        challenge = sip_digest.choose(
            response.all("proxy-authenticate" if proxy else "www-authenticate"), self._algorithm
        )
        if challenge is None:
            return None
        nonce = challenge.get("nonce", "")
        self._nonce_uses[nonce] = self._nonce_uses.get(nonce, 0) + 1
        value = sip_digest.credentials(
            challenge, user=self.user, password=self._password, method=request.method, uri=request.uri,
            count=self._nonce_uses[nonce],
        )  # fmt: skip
        return ("Proxy-Authorization" if proxy else "Authorization"), value

    # Within

    def _next_id(self) -> str:
        return f"{self._name or self.user}-{next(self._ids)}"

    def _take(self, request: SipMessage, transaction: ServerTransaction | None) -> None:
        call = next((each for each in self.calls if each.matches(request)), None)
        if call is not None:
            call.take_request(request, transaction)
        elif transaction is None:
            return  # an ACK to nothing
        elif request.method == "INVITE" and ";tag=" not in request.first("to"):
            call = PhoneCall(self, self._next_id(), is_incoming=True)
            self.calls.append(call)
            call.take_invite(request, transaction)
            self._incoming.put_nowait(call)
        elif request.method == "OPTIONS":
            transaction.respond(self.response(request, 200, "OK", tag=secrets.token_hex(6)))
        elif request.method in ("BYE", "CANCEL", "INVITE"):
            status = "Call/Transaction Does Not Exist"
            transaction.respond(self.response(request, 481, status, tag=secrets.token_hex(6)))
        else:
            transaction.respond(self.response(request, 200, "OK", tag=secrets.token_hex(6)))

    def _request(self, method: str, uri: str, sequence: int) -> SipMessage:
        request = SipMessage(method=method, uri=uri)
        request.add("Max-Forwards", "70")
        request.add("From", f"<{self.identity}>;tag={self._register_tag}")
        request.add("To", f"<{self.identity}>")
        request.add("Call-ID", self._register_id)
        request.add("CSeq", f"{sequence} {method}")
        request.add("Contact", self.contact)
        request.add("User-Agent", self.user_agent)
        return request

    async def _register(self, expires_seconds: int) -> SipMessage:
        credentials: tuple[str, str] | None = None
        for is_last in (False, False, True):
            request = self._request("REGISTER", f"sip:{self._registrar[0]}", next(self._sequence))
            request.add("Expires", str(expires_seconds))
            if credentials is not None:
                request.headers.append(credentials)
            response = await self._ask(request)
            if response is None:
                raise SipRefused(408, "Request Timeout")
            if response.status == 200:
                return response
            credentials = self.credentials(response, request) if response.status in (401, 407) else None
            if credentials is None or is_last:
                raise SipRefused(response.status, response.reason)
        raise AssertionError("The last try has returned or raised.")

    async def _ask(self, request: SipMessage) -> SipMessage | None:
        final: asyncio.Future[SipMessage | None] = asyncio.get_running_loop().create_future()

        def heard(response: SipMessage | None) -> None:
            if not final.done() and (response is None or response.status >= 200):
                final.set_result(response)

        self.endpoint.ask(request, self._registrar, heard)
        return await final

    def _start_refreshing(self, expires_seconds: int) -> None:
        task = asyncio.get_running_loop().create_task(self._register_again(expires_seconds))
        self._refreshing.add(task)
        task.add_done_callback(self._refreshing.discard)

    async def _register_again(self, expires_seconds: int) -> None:
        try:
            await self.register(expires_seconds)
        except SipRefused:
            self.is_registered = False

    def _stop_refreshing(self) -> None:
        if self._refresh is not None:
            self._refresh.cancel()
            self._refresh = None
        current = asyncio.current_task()
        for task in self._refreshing:
            if task is not current:
                task.cancel()


def _granted(response: SipMessage, contact: str, asked: int) -> int:
    """How long the registrar keeps this contact (section 10.2.4)."""
    mine = address_uri(contact)
    for value in response.all("contact"):
        if address_uri(value).partition(";")[0] == mine:
            for part in value.rpartition(">")[2].split(";"):
                name, _, seconds = part.partition("=")
                if name.strip().lower() == "expires" and seconds.strip().isdecimal():
                    return int(seconds)
    expires = response.first("expires")
    return int(expires) if expires.isdecimal() else asked
