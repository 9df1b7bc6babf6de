"""A call that comes in: from its INVITE to its answer or refusal (the UAS side, RFC 3261 section 13.3)."""

from __future__ import annotations

import asyncio

from gateway.sip.dialog import ALLOW, SERVER_NAME, Dialog, copy_record_route
from gateway.sip.digest import DigestClient
from gateway.sip.extensions import RELIABLE, SUPPORTED
from gateway.sip.media_setup import connect_media, read_answer
from gateway.sip.media_terms import DEFAULT_TERMS, MediaTerms
from gateway.sip.message import Request, Response
from gateway.sip.reliable import ReliableResponses
from gateway.sip.renegotiation import OpenOffer, ask_again_later
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import CONTENT_TYPE, Agreement, Description, LocalDescription
from gateway.sip.session import CallEvents, Session
from gateway.sip.transaction import ServerTransaction, answer_to, new_tag
from gateway.sip.transport import Flow
from gateway.sip.wire import WayTo, Wire, decline, reason_of
from gateway.telephony.causes import CAUSES, Cause

RING_AGAIN_SECONDS = 60.0
"""Proxies give up after three minutes without a provisional response (RFC 3261 section 13.3.1.1)."""


class IncomingCall:
    """One INVITE that was let in. `offer` is None when the caller waits for ours."""

    def __init__(
        self,
        wire: Wire,
        transaction: ServerTransaction,
        port: RtpPort,
        events: CallEvents,
        *,
        offer: Description | None,
        agreement: Agreement | None,
        terms: MediaTerms = DEFAULT_TERMS,
        trusted: bool = False,
        account: DigestClient | None = None,
    ) -> None:
        """`trusted` and `account` as for Session."""
        self._wire = wire
        self._transaction = transaction
        self._port = port
        self._events = events
        self._offer = offer
        self._agreement = agreement
        self._flow = transaction.flow
        self._local = LocalDescription(self._flow.local.host, port.local.port, terms)
        self._dialog = Dialog.answered(transaction.request, new_tag(), self._flow, follows_contact=trusted)
        self._session = Session(wire, port, self._local, events, trusted=trusted, account=account)
        self._session.open_offer = OpenOffer.OURS if offer is None else OpenOffer.THEIRS
        self._is_final = False
        self._ring_timer: asyncio.TimerHandle | None = None
        self._reliable = ReliableResponses(transaction, self._was_not_heard)
        self._has_described = False
        self._is_accepting = False
        self._is_early = False
        self._session.begin(self._dialog)
        wire.dialogs.add(self._dialog, self, events.leg)

    def ring(self) -> None:
        """180, or 183 once the caller hears us."""
        if self._is_final:
            return
        if self._is_early:
            self._progress(183, "Session Progress")
        else:
            self._progress(180, "Ringing")
        self._cancel_timer()
        self._ring_timer = asyncio.get_running_loop().call_later(RING_AGAIN_SECONDS, self.ring)

    def open_early(self) -> bool:
        """183 with our answer: the caller hears us from now on. False when the INVITE brought no offer."""
        if self._is_final or self._offer is None or self._agreement is None:
            return False
        if not self._is_early:
            self._is_early = True
            connect_media(
                self._port, self._agreement, self._local, self._flow.remote.host, trusted=self._session.is_trusted
            )
            self.ring()
        return True

    def answer(self) -> None:
        """200 with our answer, or with our offer when the INVITE brought none."""
        if self._is_final:
            return
        if self._reliable.describes:  # RFC 3262 section 3: its PRACK comes first
            self._is_accepting = True
            return
        self._finish()
        response = self._response(200, "OK")
        self._session.timer.answer(self._transaction.request, response)
        if self._session.agreement is not None:  # agreed before, and changed by an UPDATE: nothing is left to be said
            self._session.use(self._session.agreement, self._flow.remote.host)
        elif self._offer is not None and self._agreement is not None:
            self._describe(response, self._local.answer(self._offer, self._agreement))
            self._agree(self._agreement)
        elif self._agreement is not None:  # agreed by a PRACK
            self._agree(self._agreement)
        else:
            self._describe(response, self._local.offer())
        self._wire.dialogs.add(self._dialog, self._session, self._events.leg)
        self._session.confirm(self._transaction.request, we_called=False)
        self._session.accept(self._transaction, response, self._acknowledged)

    def hangup(self, cause: Cause) -> None:
        """Refuse the call, or end it."""
        if self._is_final:
            self._session.hang_up(cause)
        else:
            row = CAUSES[cause]
            self._refuse(row.sip_status, row.sip_reason, cause)

    def send_key(self, key: str) -> None:
        """Press a key towards the caller."""
        self._session.send_key(key)

    def cancelled(self) -> None:
        """The caller's CANCEL has come."""
        if not self._is_final:
            self._refuse(487, "Request Terminated", Cause.CANCELLED)
            self._events.ended(Cause.CANCELLED, True)

    # Requests before the answer.

    def receive(self, transaction: ServerTransaction, flow: Flow) -> None:
        """A request within the early dialog."""
        request = transaction.request
        match request.method:
            case "BYE":
                transaction.respond(decline(request, 200, "OK"))
                self.cancelled()
            case "PRACK":
                self._receive_prack(transaction)
            case "INVITE":  # the first one is not answered yet (RFC 3261 section 14.2)
                transaction.respond(ask_again_later(request))
            case _:
                self._session.receive(transaction, flow)

    @property
    def owner(self) -> str | None:
        """The extension whose phone is the peer; None: a provider."""
        return self._session.owner

    def look_round(self, way_to: WayTo) -> None:
        """A call that is not answered yet does not outlive our address: its caller gives up."""

    def receive_ack(self, request: Request, flow: Flow) -> None:
        """There is no 2xx that it could be for."""

    def _receive_prack(self, transaction: ServerTransaction) -> None:
        """RFC 3262 section 3; it may bring the answer to an offer of ours in the response that it is for."""
        prack = transaction.request
        if not self._reliable.is_answered_by(prack):
            transaction.respond(decline(prack, 481, "Call/Transaction Does Not Exist"))
            return
        transaction.respond(decline(prack, 200, "OK"))
        has_described = bool(self._reliable.go_on().body)
        if self._offer is None and self._agreement is None and self._has_described:
            self._agreement = read_answer(prack, self._local.terms)
        if has_described and self._agreement is not None:
            self._session.open_offer = OpenOffer.NONE
        if self._is_accepting and not self._reliable.describes:
            self._is_accepting = False
            self.answer()

    def _was_not_heard(self) -> None:
        """No PRACK came: the caller is refused (RFC 3262 section 3)."""
        if not self._is_final:
            self._refuse(504, "Server Time-out", Cause.NETWORK_LOST)
            self._events.ended(Cause.NETWORK_LOST, False)

    def _progress(self, status: int, reason: str) -> None:
        """A provisional response: one that cannot be lost, when the caller knows how (RFC 3262)."""
        request = self._transaction.request
        response = self._response(status, reason)
        required = RELIABLE in request.headers.tokens("Require")
        if self._is_early and self._offer is not None and self._agreement is not None:
            self._describe(response, self._local.answer(self._offer, self._agreement))
        elif required and self._offer is None and not self._has_described:
            # The first one must bring our offer when the INVITE brought none (RFC 3262 section 5).
            self._has_described = True
            self._describe(response, self._local.offer())
        if required or RELIABLE in request.headers.tokens("Supported"):
            self._reliable.send(response)
        else:
            self._transaction.respond(response)

    def _describe(self, response: Response, body: bytes) -> None:
        response.headers.add("Content-Type", CONTENT_TYPE)
        response.body = body

    def _acknowledged(self, ack: Request) -> None:
        if self._offer is None and self._agreement is None:
            agreement = read_answer(ack, self._local.terms)
            if agreement is None:
                self._session.hang_up(Cause.NO_COMMON_CODEC)
                self._events.ended(Cause.NO_COMMON_CODEC, False)
                return
            self._agree(agreement)
        self._events.answered()

    def _agree(self, agreement: Agreement) -> None:
        self._session.open_offer = OpenOffer.NONE
        self._session.use(agreement, self._flow.remote.host)

    def _refuse(self, status: int, reason: str, cause: Cause) -> None:
        self._finish()
        response = self._response(status, reason)
        response.headers.add("Reason", reason_of(cause))
        self._transaction.respond(response)
        self._wire.dialogs.remove(self._dialog)
        self._session.close()

    def _finish(self) -> None:
        self._is_final = True
        self._reliable.stop()
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._ring_timer is not None:
            self._ring_timer.cancel()

    def _response(self, status: int, reason: str) -> Response:
        response = answer_to(self._transaction.request, status, reason, tag=self._dialog.local.tag)
        if status < 300:
            copy_record_route(self._transaction.request, response)
            response.headers.add("Contact", self._dialog.contact)
            response.headers.add("Allow", ALLOW)
            response.headers.add("Supported", SUPPORTED)
        response.headers.add("Server", SERVER_NAME)
        return response
