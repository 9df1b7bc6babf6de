"""Messages between phones: MESSAGE (RFC 3428), given on to every phone of the extension that it is for.

Authentication has been done when a request comes here. Nothing is stored: the sender learns whether some
phone has taken the message.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter

from gateway.sip.dialog import SERVER_NAME, our_via
from gateway.sip.headers import NameAddress
from gateway.sip.message import Headers, Request, Response
from gateway.sip.phones import caller_address
from gateway.sip.registrar import Binding, Registrar
from gateway.sip.transaction import ServerTransaction, new_tag
from gateway.sip.uri import SipUri
from gateway.sip.wire import Wire, decline, unsupported_extensions
from gateway.telephony.line import Caller
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
_PASSED_ON = {413: "Request Entity Too Large", 415: "Unsupported Media Type", 603: "Decline"}


class InstantMessages:
    """Gives messages on."""

    def __init__(self, wire: Wire, registrar: Registrar, shop: ShopView) -> None:
        self._wire = wire
        self._registrar = registrar
        self._shop = shop
        self._waiting: Counter[str] = Counter()

    def receive(self, transaction: ServerTransaction, user: str) -> None:
        """A MESSAGE of a phone that has proven to be `user`. It is answered when the phones have answered."""
        request = transaction.request
        tag = new_tag()
        extension = (request.uri.user or "") if isinstance(request.uri, SipUri) else ""
        refusal = self._refusal(request, user, extension, tag)
        if refusal is not None:
            transaction.respond(refusal)
            return
        sender = self._shop().phone(user)
        caller = Caller(number=user, name="" if sender is None else sender.name)
        _Delivery(self._wire, transaction, caller, tag, self._waiting).start(self._registrar.contacts(extension))

    def _refusal(self, request: Request, user: str, extension: str, tag: str) -> Response | None:
        refusal = unsupported_extensions(request)
        if refusal is not None:
            return refusal
        if not (_TEXT.fullmatch(request.content_type) or request.content_type in _TAKEN):
            response = decline(request, 415, "Unsupported Media Type", tag=tag)
            response.headers.add("Accept", "text/plain, message/cpim")
            return response
        faults = (
            (len(request.body) > LARGEST_BODY_BYTES, 413, "Request Entity Too Large"),
            (self._shop().phone(extension) is None, 404, "Not Found"),
            (not self._registrar.contacts(extension), 480, "Temporarily Unavailable"),
            (self._waiting[user] >= MOST_OF_ONE_PHONE, 480, "Temporarily Unavailable"),
        )
        for is_so, status, reason in faults:
            if is_so:
                return decline(request, status, reason, tag=tag)
        return None


class _Delivery:
    """One message on its way to all phones of an extension."""

    def __init__(
        self, wire: Wire, transaction: ServerTransaction, sender: Caller, tag: str, waiting: Counter[str]
    ) -> None:
        self._wire = wire
        self._transaction = transaction
        self._sender = sender
        self._tag = tag
        self._waiting = waiting
        self._left = 0
        self._statuses: list[int] = []
        self._is_answered = False

    def start(self, bindings: list[Binding]) -> None:
        self._waiting[self._sender.number] += 1
        self._left = len(bindings)
        for binding in bindings:
            self._wire.transactions.ask(
                self._request(binding), binding.flow, self._receive, patience_seconds=PATIENCE_SECONDS
            )

    def _request(self, binding: Binding) -> Request:
        """The message anew: nothing of the sender's header goes to the other phone but the type (T-S9)."""
        flow = binding.flow
        given = self._transaction.request
        headers = Headers()
        headers.add("Via", our_via(flow))
        headers.add("Max-Forwards", "70")
        headers.add("From", caller_address(self._sender, flow).with_parameter("tag", new_tag()))
        headers.add("To", NameAddress(binding.uri))
        headers.add("Call-ID", secrets.token_hex(12))
        headers.add("CSeq", "1 MESSAGE")
        headers.add("User-Agent", SERVER_NAME)
        headers.add("Content-Type", _media_type(given))
        return Request(headers, method="MESSAGE", uri=binding.uri, body=given.body)

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
        if self._is_answered:
            return
        self._is_answered = True
        self._waiting[self._sender.number] -= 1
        self._waiting += Counter()  # no entry for whoever waits for nothing
        self._transaction.respond(decline(self._transaction.request, status, reason, tag=self._tag))


def _media_type(request: Request) -> str:
    """What the body is, written anew: the type and the character set, and nothing else that the sender put there."""
    charset = _CHARSET.search(request.headers.get("Content-Type") or "")
    return request.content_type if charset is None else f"{request.content_type};charset={charset[1]}"
