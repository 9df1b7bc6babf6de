"""An established call: what the peer may still ask within the dialog, and how the call ends."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.sip.dialog import ALLOW, SERVER_NAME, Dialog
from gateway.sip.grammar import MalformedMessage
from gateway.sip.latch import media_host
from gateway.sip.media_terms import MediaTerms
from gateway.sip.message import Request, Response
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import CONTENT_TYPE, Agreement, LocalDescription, agree, parse_sdp
from gateway.sip.telephone_event import KEYS
from gateway.sip.transaction import LONGEST_SECONDS, T1_SECONDS, T2_SECONDS, ServerTransaction, answer_to
from gateway.sip.transport import Address, Flow
from gateway.sip.wire import Wire, decline, reason_of, unsupported_extensions
from gateway.telephony.causes import Cause

log = logging.getLogger(__name__)

SILENT_SECONDS = 30.0
"""So long without a packet the party is gone (T-F14, X-N5)."""
HELD_SECONDS = 900.0
"""So long a held call may be silent."""

_DTMF_RELAY = re.compile(r"^\s*Signal\s*=\s*([0-9*#A-D])\s*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvents:
    """What the wire tells the leg."""

    rung: Callable[[], None]
    early_media: Callable[[], None]
    answered: Callable[[], None]
    ended: Callable[[Cause, bool], None]
    """With the cause, and whether the party ended it."""
    key: Callable[[str], None]
    redirected: Callable[[str], None] = lambda _target: None
    """The party wants to be reached at another number or extension: it comes before `ended`."""


class Acceptance:
    """A 2xx to an INVITE, repeated until its ACK comes (RFC 3261 section 13.3.1.4)."""

    def __init__(
        self,
        transaction: ServerTransaction,
        response: Response,
        *,
        on_ack: Callable[[Request], None],
        on_silence: Callable[[], None],
    ) -> None:
        self.number = transaction.request.cseq.number
        self.is_waiting = True
        self._transaction = transaction
        self._response = response
        self._on_ack = on_ack
        self._on_silence = on_silence
        self._interval = T1_SECONDS
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + LONGEST_SECONDS
        transaction.respond(response)
        self._timer = loop.call_later(self._interval, self._again)

    def acknowledge(self, ack: Request) -> None:
        """The ACK is here."""
        if self.is_waiting:
            self.stop()
            self._on_ack(ack)

    def stop(self) -> None:
        """Repeat no more."""
        self.is_waiting = False
        self._timer.cancel()

    def _again(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() >= self._deadline - T1_SECONDS / 2:
            self.stop()
            self._on_silence()
            return
        self._transaction.respond(self._response)
        self._interval = min(2 * self._interval, T2_SECONDS)
        self._timer = loop.call_at(min(loop.time() + self._interval, self._deadline), self._again)


class Session:
    """One dialog with its media, from its first answer to its end."""

    def __init__(
        self, wire: Wire, port: RtpPort, local: LocalDescription, events: CallEvents, *, trusted: bool
    ) -> None:
        """`trusted`: a trunk, whose media may come from another host than its signalling."""
        self.dialog: Dialog | None = None
        self.has_ended = False
        self._wire = wire
        self._port = port
        self._local = local
        self._events = events
        self._trusted = trusted
        self._agreement: Agreement | None = None
        self._accepting: Acceptance | None = None
        self._goodbye: Cause | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._watched_since = 0.0

    # The beginning.

    def begin(self, dialog: Dialog) -> None:
        """The dialog is there; requests within it come here from now on."""
        self.dialog = dialog
        self._port.on_key = self._events.key
        self._wire.dialogs.add(dialog, self)

    def use(self, agreement: Agreement, signalling_host: str) -> None:
        """Media as agreed, from now on."""
        self._agreement = agreement
        connect_media(self._port, agreement, self._local, signalling_host, trusted=self._trusted)
        self._watch_media()

    def accept(self, transaction: ServerTransaction, response: Response, on_ack: Callable[[Request], None]) -> None:
        """Send a 2xx to an INVITE until it is acknowledged; without an ACK the call ends (section 13.3.1.4)."""
        self._accepting = Acceptance(transaction, response, on_ack=on_ack, on_silence=self._was_not_acknowledged)
        transaction.on_ack = self.receive_ack

    # The end.

    def hang_up(self, cause: Cause) -> None:
        """End the call from our side; a 2xx of ours must be acknowledged first (RFC 3261 section 15)."""
        if self.has_ended or self._goodbye is not None:
            return
        self._stop_watching()
        if self._accepting is not None and self._accepting.is_waiting:
            self._goodbye = cause
            return
        self._say_goodbye(cause)

    def close(self) -> None:
        """The dialog is over on the wire."""
        self.has_ended = True
        self._stop_watching()
        if self._accepting is not None:
            self._accepting.stop()
        if self.dialog is not None:
            self._wire.dialogs.remove(self.dialog)

    def _say_goodbye(self, cause: Cause) -> None:
        dialog = self.dialog
        if dialog is not None:
            bye = dialog.request("BYE")
            bye.headers.add("Reason", reason_of(cause))
            self._wire.ask_and_forget(bye, dialog.next_hop())
        self.close()

    def _was_not_acknowledged(self) -> None:
        log.info("The answer was never acknowledged; the call is ended")
        self._say_goodbye(self._goodbye or Cause.NETWORK_LOST)
        self._events.ended(Cause.NETWORK_LOST, False)

    # Requests from the peer.

    def receive_ack(self, request: Request, flow: Flow) -> None:
        """An ACK: by our tag, or leniently by the rest when it comes from the peer's own address."""
        accepting, dialog = self._accepting, self.dialog
        if accepting is None or dialog is None or request.cseq.number != accepting.number:
            return
        if request.sender.tag != dialog.remote.tag:
            return
        if request.recipient.tag != dialog.local.tag and flow.remote != dialog.flow.remote:
            return
        was_waiting = accepting.is_waiting
        accepting.acknowledge(request)
        if was_waiting and self._goodbye is not None and not self.has_ended:
            self._say_goodbye(self._goodbye)

    def receive(self, transaction: ServerTransaction, flow: Flow) -> None:
        """A request within the dialog."""
        request, dialog = transaction.request, self.dialog
        if dialog is None or not dialog.accepts(request):
            transaction.respond(decline(request, 500, "Server Internal Error"))
            return
        refusal = unsupported_extensions(request)
        if refusal is not None and request.method != "BYE":
            transaction.respond(refusal)
            return
        match request.method:
            case "BYE":
                transaction.respond(decline(request, 200, "OK"))
                self.close()
                self._events.ended(Cause.HUNG_UP, True)
            case "INVITE":
                self._renegotiate(transaction, flow)
            case "UPDATE":
                self._update(transaction, flow)
            case "INFO":
                self._receive_info(transaction)
            case "OPTIONS":
                response = decline(request, 200, "OK")
                response.headers.add("Allow", ALLOW)
                response.headers.add("Accept", CONTENT_TYPE)
                transaction.respond(response)
            case "SUBSCRIBE" | "NOTIFY" | "REFER" | "MESSAGE" | "PRACK" | "PUBLISH" | "REGISTER":
                transaction.respond(decline(request, 405, "Method Not Allowed"))
            case _:
                transaction.respond(decline(request, 501, "Not Implemented"))

    def _renegotiate(self, transaction: ServerTransaction, flow: Flow) -> None:
        """A re-INVITE: hold, resume, another codec, another address (RFC 3261 section 14.2)."""
        request = transaction.request
        if self._accepting is not None and self._accepting.is_waiting:
            transaction.respond(decline(request, 491, "Request Pending"))
            return
        if not request.body:
            body = self._local.offer()
            self._accept_body(transaction, body, lambda ack: self._take_late_answer(ack, flow))
            return
        answer = self._answer(transaction, flow)
        if answer is not None:
            self._accept_body(transaction, answer, lambda _ack: None)

    def _accept_body(self, transaction: ServerTransaction, body: bytes, on_ack: Callable[[Request], None]) -> None:
        if self.dialog is not None:
            self.dialog.refresh_target(transaction.request)
            self.accept(transaction, self.description_response(transaction.request, body), on_ack)

    def _update(self, transaction: ServerTransaction, flow: Flow) -> None:
        """UPDATE (RFC 3311): like a re-INVITE without an ACK; one without a body moves the Contact only."""
        if self.dialog is None:
            return
        body = b""
        if transaction.request.body:
            answer = self._answer(transaction, flow)
            if answer is None:
                return
            body = answer
        self.dialog.refresh_target(transaction.request)
        transaction.respond(self.description_response(transaction.request, body))

    def _answer(self, transaction: ServerTransaction, flow: Flow) -> bytes | None:
        """Our answer to the offer of a request; None: refused, and the call goes on as it was."""
        request = transaction.request
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
        agreement = agree(offer, self._local.terms, kept=None if self._agreement is None else self._agreement.codec)
        if agreement is None:
            transaction.respond(decline(request, 488, "Not Acceptable Here"))
            return None
        self.use(agreement, flow.remote.host)
        return self._local.answer(offer, agreement)

    def _take_late_answer(self, ack: Request, flow: Flow) -> None:
        """The answer to an offer of ours that went out in a 2xx comes in the ACK."""
        agreement = read_answer(ack, self._local.terms)
        if agreement is not None:
            self.use(agreement, flow.remote.host)

    def description_response(self, request: Request, body: bytes) -> Response:
        """A 200 within the dialog with our description."""
        response = answer_to(request, 200, "OK")
        if self.dialog is not None:
            response.headers.add("Contact", self.dialog.contact)
        response.headers.add("Allow", ALLOW)
        response.headers.add("Server", SERVER_NAME)
        if body:
            response.headers.add("Content-Type", CONTENT_TYPE)
            response.body = body
        return response

    # Keys.

    def send_key(self, key: str) -> None:
        """As a telephone event, or as INFO to a peer that takes no events."""
        if self._port.send_key(key) or self.dialog is None:
            return
        body = f"Signal={key}\r\nDuration=160\r\n".encode()
        info = self.dialog.request("INFO", body, "application/dtmf-relay")
        self._wire.ask_and_forget(info, self.dialog.next_hop())

    def _receive_info(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        text = request.body[:200].decode("utf-8", "replace")
        key = ""
        if request.content_type == "application/dtmf-relay":
            match = _DTMF_RELAY.search(text)
            key = match[1].upper() if match is not None else ""
        elif request.content_type == "application/dtmf":
            key = text.strip().upper()
        elif request.body:
            transaction.respond(decline(request, 415, "Unsupported Media Type"))
            return
        transaction.respond(decline(request, 200, "OK"))
        if len(key) == 1 and key in KEYS:
            self._events.key(key)

    # Silence.

    def _watch_media(self) -> None:
        self._watched_since = asyncio.get_running_loop().time()
        if self._watch is None and not self.has_ended:
            self._look_for_media()

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _look_for_media(self) -> None:
        loop = asyncio.get_running_loop()
        if self._accepting is not None and self._accepting.is_waiting:
            self._watched_since = loop.time()  # nobody speaks before he knows of our answer
        receives = self._agreement is None or self._agreement.way.receives
        patience = SILENT_SECONDS if receives and not (self._agreement and self._agreement.is_held) else HELD_SECONDS
        deadline = max(self._watched_since, self._port.last_heard_at or 0.0) + patience
        if deadline <= loop.time():
            log.info("Nothing was heard for %d s; the call is ended", patience)
            self._watch = None
            self.hang_up(Cause.NO_AUDIO)
            self._events.ended(Cause.NO_AUDIO, False)
            return
        self._watch = loop.call_at(min(deadline, loop.time() + SILENT_SECONDS), self._look_for_media)


def connect_media(
    port: RtpPort, agreement: Agreement, local: LocalDescription, signalling_host: str, *, trusted: bool
) -> None:
    """Let the port do what was agreed with `local` as our side, with the host that media may go to."""
    host = media_host(agreement.host, signalling_host, trusted=trusted)
    port.agree(agreement, Address(host, agreement.port), local.key)


def read_answer(message: Request | Response, terms: MediaTerms) -> Agreement | None:
    """What the description in a message agrees to; None when there is none, or nothing in common."""
    if not message.body or message.content_type != CONTENT_TYPE:
        return None
    try:
        return agree(parse_sdp(message.body), terms)
    except MalformedMessage:
        return None
