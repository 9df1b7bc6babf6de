"""A call that goes out: one INVITE to each contact at once, the first to answer wins (RFC 3261 section 13.2)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace

from gateway.sip.dialog import ALLOW, SERVER_NAME, Dialog, contact_at, our_via
from gateway.sip.digest import DigestClient
from gateway.sip.extensions import SUPPORTED, rseq_of
from gateway.sip.headers import NameAddress
from gateway.sip.media_terms import DEFAULT_TERMS, MediaTerms
from gateway.sip.message import Headers, Request, Response
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import CONTENT_TYPE, Agreement, LocalDescription
from gateway.sip.session import CallEvents, Session, connect_media, read_answer
from gateway.sip.session_timer import SESSION_SECONDS, SHORTEST_SECONDS, longer
from gateway.sip.transaction import LONGEST_SECONDS, ClientTransaction, new_tag
from gateway.sip.transport import Flow
from gateway.sip.uri import SipUri
from gateway.sip.wire import Wire, reason_of
from gateway.telephony.causes import Cause, cause_of_sip_status
from gateway.telephony.shop import Srtp

_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
"""RFC 3326 section 2: the phone shows no missed call."""
_NO_WAY = 502
"""What the silence of a provider counts as: the way to it is broken; whom it was to ring is not known to be away."""
_MOST_EARLY = 10
"""Of one INVITE that a proxy has sent to many places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom one INVITE goes to. `account` answers challenges: a trunk or PBX of ours, never a phone."""

    uri: SipUri
    flow: Flow
    account: DigestClient | None = None
    sender: NameAddress | None = None
    """From, when the other side wants it in a form of its own."""
    contact_user: str | None = None
    """The user part of our Contact, where it is not that of From: the account at a provider."""
    fields: tuple[tuple[str, str], ...] = ()
    """More header fields of the INVITE."""
    spare_flows: tuple[Flow, ...] = ()
    """Other ways to the same provider, for when the first is silent or has no room (RFC 3263 section 4.3)."""
    patience_seconds: float = LONGEST_SECONDS
    """So long may nothing at all come in answer."""
    terms: MediaTerms = DEFAULT_TERMS


@dataclass(slots=True)
class _Early:
    """A dialog before its answer (RFC 3261 section 12.1)."""

    session: Session
    agreement: Agreement | None = None
    sequence: int | None = None
    """The number of the last reliable response (RFC 3262)."""


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """One INVITE and what became of it."""

    target: Target
    local: LocalDescription
    request: Request
    transaction: ClientTransaction | None = None
    was_heard: bool = False
    wants_cancel: str = ""
    """The Reason of a CANCEL that waits for a provisional response (RFC 3261 section 9.1)."""
    is_over: bool = False
    was_challenged: bool = False
    session_seconds: int = SESSION_SECONDS
    early: dict[str, _Early] = field(default_factory=dict)
    """The early dialogs, by the peer's tag: one INVITE may ring in several places."""
    acks: dict[str, tuple[Request, Flow]] = field(default_factory=dict)


class OutgoingCall:
    """All attempts of one call, and in the end one session or none."""

    def __init__(
        self,
        wire: Wire,
        targets: list[Target],
        caller: NameAddress,
        port: RtpPort,
        events: CallEvents,
        *,
        trusted: bool = False,
    ) -> None:
        self._wire = wire
        self._targets = targets
        self._caller = caller
        self._port = port
        self._events = events
        self._trusted = trusted
        self._attempts: list[_Attempt] = []
        self._session: Session | None = None
        self._is_over = False
        self._statuses: list[int] = []
        self._redirected_to = ""
        self._early_attempt: _Attempt | None = None

    def start(self) -> None:
        """Send the INVITEs."""
        call_id = secrets.token_hex(12)
        for target in self._targets:
            local = LocalDescription(target.flow.local.host, self._port.local.port, target.terms)
            sender = (target.sender or self._caller).with_parameter("tag", new_tag())
            name = f"{call_id}-{len(self._attempts)}"
            request = _invite(target, sender, name, 1, local.offer(), session_seconds=SESSION_SECONDS)
            self._attempts.append(_Attempt(target=target, local=local, request=request))
        for attempt in tuple(self._attempts):
            self._ask(attempt)

    def ring(self) -> None:
        """Nothing: it is the other end that rings."""

    def open_early(self) -> bool:
        """False: it is the other end that speaks before its answer."""
        return False

    def answer(self) -> None:
        """Nothing: it is the other end that answers."""

    def hangup(self, cause: Cause) -> None:
        """CANCEL what rings, or BYE what talks."""
        self._is_over = True
        if self._session is not None:
            self._session.hang_up(cause)
        self._forget_early()
        self._cancel_others(None, _ELSEWHERE if cause is Cause.ANSWERED_ELSEWHERE else reason_of(cause))

    def send_key(self, key: str) -> None:
        """Press a key towards the party."""
        if self._session is not None:
            self._session.send_key(key)

    # Attempts.

    def _ask(self, attempt: _Attempt) -> None:
        attempt.transaction = self._wire.transactions.ask(
            attempt.request,
            attempt.target.flow,
            lambda response: self._receive(attempt, response),
            patience_seconds=attempt.target.patience_seconds,
        )

    def _receive(self, attempt: _Attempt, response: Response) -> None:
        if response.status < 200:
            self._receive_provisional(attempt, response)
        elif response.status < 300:
            self._receive_answer(attempt, response)
        elif not attempt.is_over:
            self._receive_refusal(attempt, response)

    def _receive_provisional(self, attempt: _Attempt, response: Response) -> None:
        attempt.was_heard = True
        if attempt.wants_cancel:
            self._cancel(attempt, attempt.wants_cancel)
            return
        if self._is_over or self._session is not None or response.status == 100:
            return
        early = self._early_dialog(attempt, response)
        if early is not None and not self._is_next(early, response):
            return
        agreement = read_answer(response, attempt.target.terms)
        if early is not None and agreement is not None:
            early.agreement = agreement
        if agreement is not None and self._early_attempt in (None, attempt):
            self._early_attempt = attempt
            host = attempt.target.flow.remote.host
            connect_media(self._port, agreement, attempt.local, host, trusted=self._trusted)
            self._events.early_media()
        elif response.status in (180, 181, 182, 183):
            self._events.rung()

    def _early_dialog(self, attempt: _Attempt, response: Response) -> _Early | None:
        """The early dialog that a provisional response belongs to; one without a tag makes none."""
        tag = response.recipient.tag
        if not tag:
            return None
        if tag not in attempt.early and len(attempt.early) < _MOST_EARLY:
            session = self._new_session(attempt)
            session.begin(self._new_dialog(attempt, response))
            attempt.early[tag] = _Early(session)
        return attempt.early.get(tag)

    def _is_next(self, early: _Early, response: Response) -> bool:
        """Acknowledge a reliable response (RFC 3262 section 4); False: it came before, or before its turn."""
        sequence, dialog = rseq_of(response), early.session.dialog
        if sequence is None or dialog is None:
            return True
        if early.sequence is not None and sequence != early.sequence + 1:
            return False
        early.sequence = sequence
        prack = dialog.request("PRACK")
        prack.headers.add("RAck", f"{sequence} {response.cseq.number} {response.cseq.method}")
        self._wire.ask_and_forget(prack, dialog.next_hop())
        return True

    def _receive_answer(self, attempt: _Attempt, response: Response) -> None:
        tag = response.recipient.tag or ""
        if tag in attempt.acks:  # the ACK was lost (RFC 3261 section 13.2.2.4)
            self._wire.send(*attempt.acks[tag])
            return
        attempt.is_over = True
        early = attempt.early.get(tag)
        dialog = self._new_dialog(attempt, response)
        if early is not None and early.session.dialog is not None:
            dialog.local_number = early.session.dialog.local_number
            dialog.remote_number = early.session.dialog.remote_number
        attempt.acks[tag] = (dialog.acknowledge(attempt.request.cseq.number), dialog.next_hop())
        self._wire.send(*attempt.acks[tag])
        if self._is_over or self._session is not None:
            # Too late: hung up by us meanwhile, or another phone was quicker.
            self._wire.ask_and_forget(dialog.request("BYE"), dialog.next_hop())
            return
        agreement = read_answer(response, attempt.target.terms)
        if agreement is None and early is not None:
            agreement = early.agreement
        self._forget_early()
        session = self._new_session(attempt)
        session.begin(dialog)
        self._session = session
        self._cancel_others(attempt, _ELSEWHERE)
        if agreement is None:
            self._is_over = True
            session.hang_up(Cause.NO_COMMON_CODEC)
            self._events.ended(Cause.NO_COMMON_CODEC, False)
            return
        session.use(agreement, attempt.target.flow.remote.host)
        session.confirm(response, we_called=True)
        session.timer.take_answer(response)
        self._events.answered()

    def _new_session(self, attempt: _Attempt) -> Session:
        account = attempt.target.account
        return Session(self._wire, self._port, attempt.local, self._events, trusted=self._trusted, account=account)

    def _new_dialog(self, attempt: _Attempt, response: Response) -> Dialog:
        return Dialog.asked(attempt.request, response, attempt.target.flow, follows_contact=self._trusted)

    def _forget_early(self) -> None:
        """They are over; a late 2xx to one of them still goes on with its numbers."""
        for attempt in self._attempts:
            for early in attempt.early.values():
                if not early.session.has_ended:
                    early.session.close()

    def _receive_refusal(self, attempt: _Attempt, response: Response) -> None:
        if response.status in (401, 407) and self._answer_challenge(attempt, response):
            return
        if response.status == 422 and self._ask_longer(attempt, response):
            return
        if response.status == 488 and self._ask_sealed(attempt):
            return
        is_silent = response.status == 408 and not attempt.was_heard
        if (is_silent or response.status == 503) and self._ask_elsewhere(attempt):
            return
        attempt.is_over = True
        for early in attempt.early.values():
            early.session.close()
        attempt.early.clear()
        self._statuses.append(_NO_WAY if is_silent and self._trusted else response.status)
        self._redirected_to = self._redirected_to or _redirected_to(response)
        if self._is_over or self._session is not None:
            return
        if response.status >= 600:
            self._cancel_others(attempt, reason_of(Cause.REJECTED))
        elif not all(each.is_over for each in self._attempts):
            return
        self._is_over = True
        if self._redirected_to:
            self._events.redirected(self._redirected_to)
        self._events.ended(cause_of_sip_status(min(self._statuses, key=_weight)), True)

    def _answer_challenge(self, attempt: _Attempt, response: Response) -> bool:
        """Ask again with credentials: once, or a second time when only the nonce was too old."""
        account = attempt.target.account
        stale = any((each.get("stale") or "").lower() == "true" for _, each in response.challenges())
        if account is None or self._is_over or (attempt.was_challenged and not stale):
            return False
        credentials = account.answer(response, "INVITE", str(attempt.request.uri))
        if credentials is None:
            return False
        attempt.was_challenged = True
        self._ask_again(attempt, credentials)
        return True

    def _ask_elsewhere(self, attempt: _Attempt) -> bool:
        """Ask by another way to the same provider, which has not heard of the call yet."""
        if not attempt.target.spare_flows or self._is_over:
            return False
        flow, *left = attempt.target.spare_flows
        attempt.target = replace(attempt.target, flow=flow, spare_flows=tuple(left))
        attempt.was_challenged = False
        self._ask_again(attempt, None)
        return True

    def _ask_sealed(self, attempt: _Attempt) -> bool:
        """Ask again with sealed media alone: some peers demand it and do not see the keys beside plain RTP."""
        local = attempt.local
        if local.terms.srtp is not Srtp.PREFERRED or self._is_over:
            return False
        local.terms = replace(local.terms, srtp=Srtp.REQUIRED)
        attempt.target = replace(attempt.target, terms=local.terms)
        attempt.request.body = local.offer()
        attempt.was_challenged = False
        self._ask_again(attempt, None)
        return True

    def _ask_longer(self, attempt: _Attempt, response: Response) -> bool:
        """Ask again for a session that lives as long as the peer wants (RFC 4028 section 7.3)."""
        seconds = longer(response, attempt.session_seconds)
        if not seconds or self._is_over:
            return False
        attempt.session_seconds = seconds
        fields = ((name, attempt.request.headers.get(name)) for name in ("Authorization", "Proxy-Authorization"))
        self._ask_again(attempt, next(((name, value) for name, value in fields if value is not None), None))
        return True

    def _ask_again(self, attempt: _Attempt, credentials: tuple[str, str] | None) -> None:
        old = attempt.request
        number = old.cseq.number + 1
        attempt.request = _invite(
            attempt.target,
            old.sender,
            old.call_id,
            number,
            old.body,
            session_seconds=attempt.session_seconds,
            credentials=credentials,
        )
        attempt.was_heard = False
        self._ask(attempt)

    # Giving up.

    def _cancel_others(self, winner: _Attempt | None, reason: str) -> None:
        for attempt in self._attempts:
            if attempt is not winner and not attempt.is_over:
                attempt.wants_cancel = reason
                if attempt.was_heard:
                    self._cancel(attempt, reason)

    def _cancel(self, attempt: _Attempt, reason: str) -> None:
        """RFC 3261 section 9.1; a 2xx that crosses it is acknowledged and ended by BYE."""
        attempt.wants_cancel = ""
        invite = attempt.request
        headers = Headers([("Via", invite.headers.values("Via")[0])])
        for route in invite.headers.all("Route"):
            headers.add("Route", route)
        for name in ("Max-Forwards", "From", "To", "Call-ID"):
            headers.add(name, invite.headers.get(name) or "")
        headers.add("CSeq", f"{invite.cseq.number} CANCEL")
        headers.add("Reason", reason)
        self._wire.ask_and_forget(Request(headers, method="CANCEL", uri=invite.uri), attempt.target.flow)
        if attempt.transaction is not None:
            attempt.transaction.expect_end_within(LONGEST_SECONDS)


def _invite(
    target: Target,
    sender: NameAddress,
    call_id: str,
    number: int,
    body: bytes,
    *,
    session_seconds: int,
    credentials: tuple[str, str] | None = None,
) -> Request:
    headers = Headers()
    headers.add("Via", our_via(target.flow))
    headers.add("Max-Forwards", "70")
    headers.add("From", sender)
    headers.add("To", NameAddress(SipUri(target.uri.host, target.uri.port, target.uri.user)))
    headers.add("Call-ID", call_id)
    headers.add("CSeq", f"{number} INVITE")
    user = target.contact_user or (sender.uri.user if isinstance(sender.uri, SipUri) else None)
    headers.add("Contact", contact_at(target.flow, user, scheme=target.uri.scheme))
    for name, value in target.fields:
        headers.add(name, value)
    if credentials is not None:
        headers.add(*credentials)
    headers.add("Allow", ALLOW)
    headers.add("Supported", SUPPORTED)
    headers.add("Session-Expires", session_seconds)
    headers.add("Min-SE", max(SHORTEST_SECONDS, session_seconds if session_seconds > SESSION_SECONDS else 0))
    headers.add("User-Agent", SERVER_NAME)
    headers.add("Content-Type", CONTENT_TYPE)
    return Request(headers, method="INVITE", uri=target.uri, body=body)


def _redirected_to(response: Response) -> str:
    """Whom a 3xx names: the user part of its first Contact, as if it were dialled; its host is nobody's business."""
    if not 300 <= response.status < 400 or not response.contacts:
        return ""
    uri = response.contacts[0].uri
    return (uri.user or "") if isinstance(uri, SipUri) else ""


def _weight(status: int) -> tuple[int, int]:
    """Which of several refusals tells most of why nobody answered (RFC 3261 section 16.7, step 6, adapted)."""
    if status >= 600:
        return 0, status
    if status == 486:
        return 1, status
    if status in (408, 487) or status >= 500:
        return 3, status
    return 2, status
