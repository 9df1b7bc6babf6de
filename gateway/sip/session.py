"""An established call: what the peer may still ask within the dialog, and how the call ends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from gateway.errors import AddressInUse
from gateway.sip.acceptance import Acceptance
from gateway.sip.dialog import ALLOW, Dialog
from gateway.sip.digest import DigestClient
from gateway.sip.media_setup import connect_media, read_answer
from gateway.sip.message import Request, Response
from gateway.sip.refer import Transfers
from gateway.sip.refresher import Refresher
from gateway.sip.renegotiation import OpenOffer, Renegotiation
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import CONTENT_TYPE, Agreement, LocalDescription, Way
from gateway.sip.session_timer import SessionTimer
from gateway.sip.silence import SilenceWatch
from gateway.sip.telephone_event import key_of_info
from gateway.sip.transaction import ServerTransaction
from gateway.sip.transport import Flow, is_wildcard
from gateway.sip.wire import WayTo, Wire, decline, reason_of, unsupported_extensions
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg
from gateway.telephony.transfer import TransferWish

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvents:
    """What the wire tells the leg."""

    leg: Leg
    rung: Callable[[], None]
    early_media: Callable[[], None]
    answered: Callable[[], None]
    ended: Callable[[Cause, bool], None]
    """With the cause, and whether the party ended it."""
    key: Callable[[str], None]
    held: Callable[[bool, bool], None]
    """Whether the party has put us on hold, and whether it plays something of its own meanwhile."""
    transfer: Callable[[TransferWish], Cause | None]
    """The party wants the other one connected elsewhere: None when it will be tried, else why not."""
    redirected: Callable[[str], None] = lambda _target: None
    """The party wants to be reached at another number or extension: it comes before `ended`."""


class Session:
    """One dialog with its media, from its first answer to its end."""

    def __init__(
        self,
        wire: Wire,
        port: RtpPort,
        local: LocalDescription,
        events: CallEvents,
        *,
        trusted: bool,
        account: DigestClient | None = None,
    ) -> None:
        """`trusted`: a trunk, whose media may come from another host than its signalling; `account` is ours there."""
        self.dialog: Dialog | None = None
        self.has_ended = False
        self.wire = wire
        self.timer = SessionTimer(self._refresh, self._expire)
        self._port = port
        self.local = local
        """Our side of the description."""
        self._events = events
        self.is_trusted = trusted
        self.agreement: Agreement | None = None
        """What is spoken now."""
        self._accepting: Acceptance | None = None
        self._goodbye: Cause | None = None
        self.is_early = True
        """Nobody has answered yet."""
        self.open_offer = OpenOffer.NONE
        """Whose offer waits for its answer."""
        self._refresher = Refresher(self, account, self._lose)
        self._renegotiation = Renegotiation(self)
        self._transfers = Transfers(wire, events.leg, self._living_dialog, events.transfer)
        self._silence = SilenceWatch(port, is_excused=lambda: self.is_answering, on_silence=self._fall_silent)

    @property
    def is_answering(self) -> bool:
        """A 2xx of ours waits for its ACK."""
        return self._accepting is not None and self._accepting.is_waiting

    # The beginning.

    def begin(self, dialog: Dialog) -> None:
        """The dialog is there; requests within it come here from now on."""
        self.dialog = dialog
        self.wire.dialogs.add(dialog, self, self._events.leg)

    def confirm(self, message: Request | Response, *, we_called: bool) -> None:
        """The call is answered: `message` is the peer's INVITE, or its answer to ours."""
        self.is_early = False
        self._port.tell_keys(self._events.key)
        self._refresher.learn(message, we_called=we_called)
        if self.agreement is not None:
            self._silence.begin(self.agreement)

    def use(self, agreement: Agreement, signalling_host: str) -> None:
        """Media as agreed, from now on."""
        self.agreement = agreement
        connect_media(self._port, agreement, self.local, signalling_host, trusted=self.is_trusted)
        if not self.is_early:
            self._silence.begin(agreement)
        self._events.held(agreement.is_held, self.is_trusted and agreement.way.receives)

    def current_offer(self) -> bytes:
        """An offer that changes nothing: it holds nobody, and goes on with what is."""
        return self.local.offer(Way.BOTH if self.agreement is None else self.agreement.way)

    def take_answer(self, response: Response) -> None:
        """The answer to an offer of ours within the call."""
        if self.dialog is not None:
            self.use_answer(read_answer(response, self.local.terms), self.dialog.flow.remote.host)

    def use_answer(self, agreement: Agreement | None, signalling_host: str) -> None:
        """What the peer has answered to an offer of ours within the call, if it may be used."""
        self.open_offer = OpenOffer.NONE
        if agreement is not None and not self.opens(agreement):
            self.use(agreement, signalling_host)

    def opens(self, agreement: Agreement) -> bool:
        """It would send in the clear what is sealed now: nobody may ask for that in mid-call."""
        return self.agreement is not None and self.agreement.crypto is not None and agreement.crypto is None

    def accept(self, transaction: ServerTransaction, response: Response, on_ack: Callable[[Request], None]) -> None:
        """Send a 2xx to an INVITE until it is acknowledged; without an ACK the call ends (section 13.3.1.4)."""
        self._accepting = Acceptance(transaction, response, on_ack=on_ack, on_silence=self._was_not_acknowledged)
        transaction.on_ack = self.receive_ack

    @property
    def owner(self) -> str | None:
        """The extension whose phone is the peer; None: a provider."""
        leg = self._events.leg
        return leg.peer if leg.line is None else None

    def look_round(self, way_to: WayTo) -> None:
        """Go on at our new address, when that is another one now, and tell the peer (X-N4)."""
        dialog = self.dialog
        if dialog is None or self.is_early or self._goodbye is not None:
            return
        if not dialog.flow.is_open:
            dialog.flow = way_to(dialog.flow, self.owner) or dialog.flow
        host = dialog.flow.local.host
        if not dialog.flow.is_open or host == self.local.host or is_wildcard(host):
            return  # as it was; or between two addresses, and the next one is awaited
        self._port.close()
        try:
            self._port.open(host)
        except AddressInUse as fault:
            log.error("A call cannot go on at %s yet: %s", host, fault)
            return
        self.local.host, self.local.port = self._port.local
        if self.agreement is not None:
            connect_media(self._port, self.agreement, self.local, dialog.flow.remote.host, trusted=self.is_trusted)
        log.info("A call with %s goes on at %s.", dialog.flow.remote, host)
        self._refresher.tell_of_move()

    # The end.

    def hang_up(self, cause: Cause) -> None:
        """End the call from our side; a 2xx of ours must be acknowledged first (RFC 3261 section 15)."""
        if self.has_ended or self._goodbye is not None:
            return
        self._silence.stop()
        if self.is_answering:
            self._goodbye = cause
            return
        self._say_goodbye(cause)

    def close(self) -> None:
        """The dialog is over on the wire."""
        self.has_ended = True
        self._silence.stop()
        self.timer.stop()
        self._refresher.stop()
        if self._accepting is not None:
            self._accepting.stop()
        if self.dialog is not None:
            self.wire.dialogs.remove(self.dialog)

    def _say_goodbye(self, cause: Cause) -> None:
        dialog = self.dialog
        if dialog is not None:
            bye = dialog.request("BYE")
            bye.headers.add("Reason", reason_of(cause))
            self.wire.ask_and_forget(bye, dialog.next_hop())
        self.close()

    def _was_not_acknowledged(self) -> None:
        log.info("The answer was never acknowledged; the call is ended")
        self._say_goodbye(self._goodbye or Cause.NETWORK_LOST)
        self._events.ended(Cause.NETWORK_LOST, False)

    def _fall_silent(self) -> None:
        self.hang_up(Cause.NO_AUDIO)
        self._events.ended(Cause.NO_AUDIO, False)

    def _living_dialog(self) -> Dialog | None:
        return None if self.has_ended or self._goodbye is not None else self.dialog

    # The session timer.

    def _refresh(self) -> None:
        self._refresher.start()

    def _expire(self) -> None:
        log.info("The session was not refreshed; the call is ended")
        self._lose()

    def _lose(self) -> None:
        self.hang_up(Cause.NETWORK_LOST)
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
                self._renegotiation.reinvite(transaction, flow)
            case "UPDATE":
                self._renegotiation.update(transaction, flow)
            case "INFO":
                self._receive_info(transaction)
            case "OPTIONS":
                response = decline(request, 200, "OK")
                response.headers.add("Allow", ALLOW)
                response.headers.add("Accept", CONTENT_TYPE)
                transaction.respond(response)
            case "REFER":
                self._transfers.receive(transaction)
            case "PRACK":  # for no response that waits for one
                transaction.respond(decline(request, 481, "Call/Transaction Does Not Exist"))
            case "SUBSCRIBE" | "NOTIFY" | "MESSAGE" | "PUBLISH" | "REGISTER":
                transaction.respond(decline(request, 405, "Method Not Allowed"))
            case _:
                transaction.respond(decline(request, 501, "Not Implemented"))

    # Keys.

    def send_key(self, key: str) -> None:
        """As a telephone event, or as INFO to a peer that takes no events."""
        if self._port.send_key(key) or self.dialog is None:
            return
        body = f"Signal={key}\r\nDuration=160\r\n".encode()
        info = self.dialog.request("INFO", body, "application/dtmf-relay")
        self.wire.ask_and_forget(info, self.dialog.next_hop())

    def _receive_info(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        key = key_of_info(request.content_type or "", request.body)
        if key is None and request.body:
            transaction.respond(decline(request, 415, "Unsupported Media Type"))
            return
        transaction.respond(decline(request, 200, "OK"))
        if key and not self._port.has_heard_keys:  # else the phone tells each key twice
            self._events.key(key)
