"""A call that goes out: one INVITE to each contact at once, the first to answer wins (RFC 3261 section 13.2)."""

from __future__ import annotations

import secrets

from gateway.sip.attempt import Attempt
from gateway.sip.dialog import Dialog
from gateway.sip.headers import NameAddress
from gateway.sip.media_setup import connect_media, read_answer
from gateway.sip.message import Response
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import Agreement, LocalDescription
from gateway.sip.session import CallEvents, Session
from gateway.sip.target import Target
from gateway.sip.transaction import new_tag
from gateway.sip.uri import SipUri
from gateway.sip.wire import Wire, reason_of
from gateway.telephony.causes import Cause, cause_of_sip_status

_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
"""RFC 3326 section 2: the phone shows no missed call."""


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
        self._attempts: list[Attempt] = []
        self._session: Session | None = None
        self._is_over = False
        self._statuses: list[int] = []
        self._redirected_to = ""
        self._early_attempt: Attempt | None = None

    def start(self) -> None:
        """Send the INVITEs."""
        call_id = secrets.token_hex(12)
        for number, target in enumerate(self._targets):
            local = LocalDescription(target.flow.local.host, self._port.local.port, target.terms)
            sender = (target.sender or self._caller).with_parameter("tag", new_tag())
            name = f"{call_id}-{number}"
            self._wire.dialogs.on_leg(self._events.leg.id, name)
            self._attempts.append(
                Attempt(self._wire, target, local, self, sender=sender, call_id=name, trusted=self._trusted)
            )
        for attempt in tuple(self._attempts):
            attempt.start()

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
        self._give_up_others(None, _ELSEWHERE if cause is Cause.ANSWERED_ELSEWHERE else reason_of(cause))

    def send_key(self, key: str) -> None:
        """Press a key towards the party."""
        if self._session is not None:
            self._session.send_key(key)

    # What the attempts meet.

    def new_session(self, attempt: Attempt) -> Session:
        """A session with the party of one attempt."""
        account = attempt.target.account
        return Session(self._wire, self._port, attempt.local, self._events, trusted=self._trusted, account=account)

    def progressed(self, attempt: Attempt, response: Response, agreement: Agreement | None) -> None:
        """It rings, or is heard before its answer: the first one that is."""
        if agreement is not None and self._early_attempt in (None, attempt):
            self._early_attempt = attempt
            host = attempt.target.flow.remote.host
            connect_media(self._port, agreement, attempt.local, host, trusted=self._trusted)
            self._events.early_media()
        elif response.status in (180, 181, 182, 183):
            self._events.rung()

    def answered(self, attempt: Attempt, response: Response, dialog: Dialog, agreement: Agreement | None) -> bool:
        """The first one that answers is the call; False: another one was quicker."""
        if self._is_over or self._session is not None:
            return False
        agreement = read_answer(response, attempt.target.terms) or agreement
        self._forget_early()
        session = self._session = self.new_session(attempt)
        session.begin(dialog)
        self._give_up_others(attempt, _ELSEWHERE)
        if agreement is None:
            self._is_over = True
            session.hang_up(Cause.NO_COMMON_CODEC)
            self._events.ended(Cause.NO_COMMON_CODEC, False)
            return True
        session.use(agreement, attempt.target.flow.remote.host)
        session.confirm(response, we_called=True)
        session.timer.take_answer(response)
        self._events.answered()
        return True

    def refused(self, attempt: Attempt, response: Response, status: int) -> None:
        """The call is over when nobody is left, or when somebody refuses for everybody (6xx)."""
        self._statuses.append(status)
        self._redirected_to = self._redirected_to or _redirected_to(response)
        if self._is_over or self._session is not None:
            return
        if response.status >= 600:
            self._give_up_others(attempt, reason_of(Cause.REJECTED))
        elif not all(each.is_over for each in self._attempts):
            return
        self._is_over = True
        if self._redirected_to:
            self._events.redirected(self._redirected_to)
        self._events.ended(cause_of_sip_status(min(self._statuses, key=_weight)), True)

    def _forget_early(self) -> None:
        for attempt in self._attempts:
            attempt.forget_early()

    def _give_up_others(self, winner: Attempt | None, reason: str) -> None:
        for attempt in self._attempts:
            if attempt is not winner:
                attempt.give_up(reason)


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
