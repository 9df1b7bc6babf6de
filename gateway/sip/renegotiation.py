"""What the peer changes within a call: re-INVITE (RFC 3261 section 14.2) and UPDATE (RFC 3311)."""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.sip.dialog import ALLOW, SERVER_NAME
from gateway.sip.extensions import SUPPORTED
from gateway.sip.grammar import MalformedMessage
from gateway.sip.media_setup import read_answer
from gateway.sip.message import Request, Response
from gateway.sip.sdp import CONTENT_TYPE, agree, parse_sdp
from gateway.sip.session_timer import SHORTEST_SECONDS, too_short
from gateway.sip.transaction import ServerTransaction, answer_to
from gateway.sip.transport import Flow
from gateway.sip.wire import decline

if TYPE_CHECKING:
    from gateway.sip.session import Session


class OpenOffer(StrEnum):
    """Whose offer waits for its answer: there may be but one at a time (RFC 3264 section 4)."""

    NONE = "none"
    OURS = "ours"
    THEIRS = "theirs"


class Renegotiation:
    """Hold, resume, another codec, another address: as the peer wants, or refused, and the call goes on as it was."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def reinvite(self, transaction: ServerTransaction, flow: Flow) -> None:
        """An INVITE within the dialog."""
        request, session = transaction.request, self._session
        if session.is_answering or session.is_early or session.open_offer is OpenOffer.OURS:
            transaction.respond(decline(request, 491, "Request Pending"))
            return
        if too_short(request):
            transaction.respond(_interval_too_small(request))
            return
        if not request.body:
            session.open_offer = OpenOffer.OURS
            self._accept(transaction, session.current_offer(), lambda ack: self._take_late_answer(ack, flow))
            return
        answer = self._answer(transaction, flow)
        if answer is not None:
            self._accept(transaction, answer, lambda _ack: None)

    def update(self, transaction: ServerTransaction, flow: Flow) -> None:
        """An UPDATE: like a re-INVITE without an ACK; one without a body moves the Contact only.

        That one comes before the last one is answered (section 5.2) cannot be: each is answered at once.
        """
        request, session = transaction.request, self._session
        body = b""
        if too_short(request):
            transaction.respond(_interval_too_small(request))
            return
        if request.body:
            if session.open_offer is OpenOffer.OURS:
                transaction.respond(decline(request, 491, "Request Pending"))
                return
            if session.open_offer is OpenOffer.THEIRS:
                transaction.respond(ask_again_later(request))
                return
            answer = self._answer(transaction, flow)
            if answer is None:
                return
            body = answer
        if session.dialog is not None:
            session.dialog.refresh_target(request)
        transaction.respond(self._description(request, body))

    # Inside.

    def _accept(self, transaction: ServerTransaction, body: bytes, on_ack: Callable[[Request], None]) -> None:
        if self._session.dialog is not None:
            self._session.dialog.refresh_target(transaction.request)
            self._session.accept(transaction, self._description(transaction.request, body), on_ack)

    def _answer(self, transaction: ServerTransaction, flow: Flow) -> bytes | None:
        """Our answer to the offer of a request; None: it is refused."""
        request, session = transaction.request, self._session
        if request.content_type != CONTENT_TYPE:
            response = decline(request, 415, "Unsupported Media Type")
            response.headers.add("Accept", CONTENT_TYPE)
            transaction.respond(response)
            return None
        try:
            offer = parse_sdp(request.body)
        except MalformedMessage as fault:
            transaction.respond(decline(request, fault.status, "Bad Request"))
            return None
        kept = None if session.agreement is None else session.agreement.codec
        agreement = agree(offer, session.local.terms, kept=kept)
        if agreement is None or session.opens(agreement):
            transaction.respond(decline(request, 488, "Not Acceptable Here"))
            return None
        session.use(agreement, flow.remote.host)
        return session.local.answer(offer, agreement)

    def _take_late_answer(self, ack: Request, flow: Flow) -> None:
        """The answer to an offer of ours that went out in a 2xx comes in the ACK."""
        self._session.use_answer(read_answer(ack, self._session.local.terms), flow.remote.host)

    def _description(self, request: Request, body: bytes) -> Response:
        """A 200 within the dialog with our description."""
        session = self._session
        response = answer_to(request, 200, "OK")
        if session.dialog is not None:
            response.headers.add("Contact", session.dialog.contact)
        response.headers.add("Allow", ALLOW)
        response.headers.add("Supported", SUPPORTED)
        response.headers.add("Server", SERVER_NAME)
        session.timer.answer(request, response)
        if body:
            response.headers.add("Content-Type", CONTENT_TYPE)
            response.body = body
        return response


def ask_again_later(request: Request) -> Response:
    """500 with a Retry-After by chance: something of the peer's is not answered yet (RFC 3311 5.2, RFC 3261 14.2)."""
    response = decline(request, 500, "Server Internal Error")
    response.headers.add("Retry-After", random.randint(0, 10))  # noqa: S311  # parts two peers, keeps no secret
    return response


def _interval_too_small(request: Request) -> Response:
    response = decline(request, 422, "Session Interval Too Small")
    response.headers.add("Min-SE", SHORTEST_SECONDS)
    return response
