"""One INVITE of ours until nothing can come of it any more: what rings, what answers, and what answers too late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.sip.dialog import Dialog
from gateway.sip.extensions import rseq_of
from gateway.sip.media_setup import read_answer
from gateway.sip.media_terms import MediaTerms
from gateway.sip.message import Request, Response
from gateway.sip.renegotiation import OpenOffer
from gateway.sip.sdp import Agreement
from gateway.sip.session import Session
from gateway.sip.target import cancel_of
from gateway.sip.transaction import LONGEST_SECONDS, ClientTransaction
from gateway.sip.transport import Flow
from gateway.sip.wire import Wire, reason_of
from gateway.telephony.causes import Cause

_MOST_PLACES = 10
"""So many early dialogs, and so many answers, of one INVITE that a proxy has sent to many places."""


class InvitationUser(Protocol):
    """Who has sent the INVITE."""

    def new_session(self) -> Session:
        """A session for an early dialog."""

    def progressed(self, response: Response, agreement: Agreement | None) -> None:
        """A provisional response that says more than 100 does, and what it agrees to."""

    def answered(self, response: Response, dialog: Dialog, agreement: Agreement | None) -> bool:
        """A 2xx, which is acknowledged; `agreement` was made before it. False: it is not wanted, and gets a BYE."""

    def refused(self, response: Response) -> None:
        """The final response, when it is none of 2xx; a 408 of our own when none has come."""


@dataclass(slots=True)
class _Early:
    """A dialog before its answer (RFC 3261 section 12.1)."""

    session: Session
    sequence: int | None = None
    """The number of the last reliable response (RFC 3262)."""


class Invitation:
    """One INVITE. Until 32 s after its end a 2xx is acknowledged, and ended by BYE (RFC 3261 section 13.2.2.4)."""

    def __init__(
        self,
        wire: Wire,
        request: Request,
        flow: Flow,
        terms: MediaTerms,
        user: InvitationUser,
        *,
        follows_contact: bool,
    ) -> None:
        """`follows_contact` as for Dialog."""
        self.request = request
        self.was_heard = False
        """Somebody has answered something."""
        self._wire = wire
        self._flow = flow
        self._terms = terms
        self._user = user
        self._follows_contact = follows_contact
        self._transaction: ClientTransaction | None = None
        self._reason: str | None = None
        """Why nobody wants an answer any more; None: it is waited for."""
        self._is_cancelled = False
        self._is_final = False
        self._early: dict[str, _Early] = {}
        """By the peer's tag: one INVITE may ring in several places."""
        self._acks: dict[str, tuple[Request, Flow]] = {}

    def send(self, patience_seconds: float) -> None:
        """Send it; it is given up when nothing at all comes in that time."""
        self._transaction = self._wire.transactions.ask(
            self.request, self._flow, self._receive, patience_seconds=patience_seconds
        )

    def give_up(self, reason: str) -> None:
        """No answer is wanted any more: CANCEL, as soon as that may be sent (RFC 3261 section 9.1)."""
        if not self._is_final and self._reason is None:
            self._reason = reason
            if self.was_heard:
                self._cancel(reason)

    def forget_early(self) -> None:
        """The early dialogs are over; a late 2xx to one of them still goes on with its numbers."""
        for early in self._early.values():
            if not early.session.has_ended:
                early.session.close()

    # Inside.

    def _receive(self, response: Response) -> None:
        if response.status < 200:
            self._receive_provisional(response)
        elif response.status < 300:
            self._receive_answer(response)
        elif not self._is_final:
            self._is_final = True
            self.forget_early()
            self._user.refused(response)

    def _receive_provisional(self, response: Response) -> None:
        self.was_heard = True
        if self._is_final or self._reason is not None:  # silence was taken for the end, or an answer for unwanted
            self._cancel(self._reason or reason_of(Cause.UNREACHABLE))
            return
        if response.status == 100:
            return
        early = self._early_dialog(response)
        if early is not None and not self._is_next(early, response):
            return
        agreement = read_answer(response, self._terms)
        if early is not None and agreement is not None:
            early.session.agreement = agreement
            if rseq_of(response) is not None:  # it cannot be lost: that was the answer (RFC 3262 section 5)
                early.session.open_offer = OpenOffer.NONE
        self._user.progressed(response, agreement)

    def _early_dialog(self, response: Response) -> _Early | None:
        """The early dialog that a provisional response belongs to; one without a tag makes none."""
        tag = response.recipient.tag
        if not tag:
            return None
        if tag not in self._early and len(self._early) < _MOST_PLACES:
            session = self._user.new_session()
            session.open_offer = OpenOffer.OURS
            session.begin(self._dialog_of(response))
            self._early[tag] = _Early(session)
        return self._early.get(tag)

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

    def _receive_answer(self, response: Response) -> None:
        tag = response.recipient.tag or ""
        if tag in self._acks:  # the ACK was lost (RFC 3261 section 13.2.2.4)
            self._wire.send(*self._acks[tag])
            return
        if len(self._acks) >= _MOST_PLACES:
            return
        early = self._early.get(tag)
        dialog = self._dialog_of(response)
        if early is not None and early.session.dialog is not None:
            dialog.local_number = early.session.dialog.local_number
            dialog.remote_number = early.session.dialog.remote_number
        self._acks[tag] = (dialog.acknowledge(self.request.cseq.number), dialog.next_hop())
        self._wire.send(*self._acks[tag])
        is_wanted = not self._is_final and self._reason is None
        self._is_final = True
        agreement = None if early is None else early.session.agreement
        if not is_wanted or not self._user.answered(response, dialog, agreement):
            self._wire.ask_and_forget(dialog.request("BYE"), dialog.next_hop())

    def _dialog_of(self, response: Response) -> Dialog:
        return Dialog.asked(self.request, response, self._flow, follows_contact=self._follows_contact)

    def _cancel(self, reason: str) -> None:
        if self._is_cancelled:
            return
        self._is_cancelled = True
        self._wire.ask_and_forget(cancel_of(self.request, reason), self._flow)
        if self._transaction is not None:
            self._transaction.expect_end_within(LONGEST_SECONDS)
