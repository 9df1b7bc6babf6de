"""Messages of phones: MESSAGE (RFC 3428), given on to every phone of the extension that it is for.

Authentication has been done when a request comes here. Between phones nothing is stored: the sender learns whether
some phone has taken the message. One for a number outside is an SMS, and 202 says that it is kept to be sent.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from gateway.errors import GatewayError
from gateway.sip.dialog import SERVER_NAME, our_via
from gateway.sip.headers import NameAddress
from gateway.sip.message import Headers, Request, Response
from gateway.sip.phones import caller_address
from gateway.sip.registrar import Binding, Registrar
from gateway.sip.transaction import ServerTransaction, new_tag
from gateway.sip.uri import SipUri
from gateway.sip.wire import Wire, decline, unsupported_extensions
from gateway.telephony.line import Caller
from gateway.telephony.messages import TextMessages
from gateway.telephony.shop import ShopView

LARGEST_BODY_BYTES = 1_300
"""RFC 3428 section 8: what needs more than one datagram does not belong into a MESSAGE."""
PATIENCE_SECONDS = 10.0
"""So long a phone may take; the sender gives up after 32."""
MOST_OF_ONE_PHONE = 20
"""Messages of one sender that wait for an answer."""

_TAKEN = frozenset({"application/im-iscomposing+xml", "message/cpim", "message/imdn+xml"})
_TEXT = re.compile(r"text/[a-z0-9.+-]{1,60}")
_CHARSET = re.compile(r"charset=\"?([A-Za-z0-9_-]{1,20})", re.IGNORECASE)
_SHORTEST_OUTSIDE = 9
"""An extension has 8 digits at most."""
_REFUSALS = {
    "text-not-allowed": (403, "Forbidden"),
    "recipient-barred": (403, "Forbidden"),
    "pdu-invalid": (488, "Not Acceptable Here"),
    "sms-limit": (480, "Temporarily Unavailable"),
}
_PASSED_ON = {413: "Request Entity Too Large", 415: "Unsupported Media Type", 603: "Decline"}


class InstantMessages:
    """Gives messages on. Implements telephony.messages.PhoneTexts."""

    def __init__(
        self,
        wire: Wire,
        registrar: Registrar,
        shop: ShopView,
        begin: Callable[[Coroutine[object, object, None]], object],
    ) -> None:
        self._wire = wire
        self._registrar = registrar
        self._shop = shop
        self._begin = begin
        self._waiting: Counter[str] = Counter()
        self.outside: TextMessages | None = None
        """Where messages to numbers outside go; None: nowhere."""

    async def deliver(self, extension: str, *, sender: str, text: str) -> bool:
        """Give a text to the phones of the extension; True when one has taken it, False when none did now."""
        bindings = self._registrar.contacts(extension)
        if not bindings:
            return False
        taken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def note(status: int, _reason: str) -> None:
            if not taken.done():  # whoever waited may be gone
                taken.set_result(status < 300)

        given = _Given(body=text.encode("utf-8", "replace"), content_type="text/plain;charset=utf-8")
        _Delivery(self._wire, given, Caller(number=sender), note).start(bindings)
        return await taken

    def receive(self, transaction: ServerTransaction, user: str) -> None:
        """A MESSAGE of a phone that has proven to be `user`. It is answered when the phones have answered."""
        request = transaction.request
        tag = new_tag()
        extension = (request.uri.user or "") if isinstance(request.uri, SipUri) else ""
        is_outside = self._is_outside(extension)
        refusal = self._refusal(request, user, extension, tag, is_outside=is_outside)
        if refusal is not None:
            transaction.respond(refusal)
            return
        if is_outside and self.outside is not None:
            self._waiting[user] += 1
            self._begin(self._send_outside(transaction, user, extension, tag, self.outside))
            return
        sender = self._shop().phone(user)
        caller = Caller(number=user, name="" if sender is None else sender.name)

        def answer(status: int, reason: str) -> None:
            self._is_done(user)
            transaction.respond(decline(request, status, reason, tag=tag))

        self._waiting[user] += 1
        given = _Given(body=request.body, content_type=_media_type(request))
        _Delivery(self._wire, given, caller, answer).start(self._registrar.contacts(extension))

    async def _send_outside(
        self, transaction: ServerTransaction, user: str, to: str, tag: str, outside: TextMessages
    ) -> None:
        """Answer once the text is kept; what may not be sent is refused with the reason."""
        request = transaction.request
        try:
            await outside.send(user, to, request.body.decode("utf-8", "replace"))
        except GatewayError as fault:
            status, reason = _REFUSALS.get(fault.code, (480, "Temporarily Unavailable"))
        else:
            status, reason = 202, "Accepted"
        finally:
            self._is_done(user)
        transaction.respond(decline(request, status, reason, tag=tag))

    def _is_outside(self, user: str) -> bool:
        return self.outside is not None and self._shop().phone(user) is None and len(user) >= _SHORTEST_OUTSIDE

    def _is_done(self, user: str) -> None:
        self._waiting[user] -= 1
        self._waiting += Counter()  # no entry for whoever waits for nothing

    def _refusal(self, request: Request, user: str, extension: str, tag: str, *, is_outside: bool) -> Response | None:
        refusal = unsupported_extensions(request)
        if refusal is not None:
            return refusal
        if not (_TEXT.fullmatch(request.content_type) or request.content_type in _TAKEN):
            response = decline(request, 415, "Unsupported Media Type", tag=tag)
            response.headers.add("Accept", "text/plain, message/cpim")
            return response
        if is_outside and request.content_type != "text/plain":
            return decline(request, 415, "Unsupported Media Type", tag=tag)
        faults = (
            (len(request.body) > LARGEST_BODY_BYTES, 413, "Request Entity Too Large"),
            (not is_outside and self._shop().phone(extension) is None, 404, "Not Found"),
            (not is_outside and not self._registrar.contacts(extension), 480, "Temporarily Unavailable"),
            (self._waiting[user] >= MOST_OF_ONE_PHONE, 480, "Temporarily Unavailable"),
        )
        for is_so, status, reason in faults:
            if is_so:
                return decline(request, status, reason, tag=tag)
        return None


@dataclass(frozen=True, slots=True)
class _Given:
    """What a message holds."""

    body: bytes
    content_type: str


class _Delivery:
    """One message on its way to all phones of an extension; `answer` is told the status and reason, once."""

    def __init__(self, wire: Wire, given: _Given, sender: Caller, answer: Callable[[int, str], None]) -> None:
        self._wire = wire
        self._given = given
        self._sender = sender
        self._tell = answer
        self._left = 0
        self._statuses: list[int] = []
        self._is_answered = False

    def start(self, bindings: list[Binding]) -> None:
        self._left = len(bindings)
        for binding in bindings:
            self._wire.transactions.ask(
                self._request(binding), binding.flow, self._receive, patience_seconds=PATIENCE_SECONDS
            )

    def _request(self, binding: Binding) -> Request:
        """The message anew: nothing of the sender's header goes to the other phone but the type (T-S9)."""
        flow = binding.flow
        headers = Headers()
        headers.add("Via", our_via(flow))
        headers.add("Max-Forwards", "70")
        headers.add("From", caller_address(self._sender, flow).with_parameter("tag", new_tag()))
        headers.add("To", NameAddress(binding.uri))
        headers.add("Call-ID", secrets.token_hex(12))
        headers.add("CSeq", "1 MESSAGE")
        headers.add("User-Agent", SERVER_NAME)
        headers.add("Content-Type", self._given.content_type)
        return Request(headers, method="MESSAGE", uri=binding.uri, body=self._given.body)

    def _receive(self, response: Response) -> None:
        if response.status < 200:
            return
        self._left -= 1
        self._statuses.append(response.status)
        if response.status < 300:
            self._answer(200, "OK")
        elif self._left == 0:
            status = next((each for each in self._statuses if each in _PASSED_ON), 480)
            self._answer(status, _PASSED_ON.get(status, "Temporarily Unavailable"))

    def _answer(self, status: int, reason: str) -> None:
        if not self._is_answered:
            self._is_answered = True
            self._tell(status, reason)


def _media_type(request: Request) -> str:
    """What the body is, written anew: the type and the character set, and nothing else that the sender put there."""
    charset = _CHARSET.search(request.headers.get("Content-Type") or "")
    return request.content_type if charset is None else f"{request.content_type};charset={charset[1]}"
