"""One party that is called: its INVITE, and those that follow when the first is challenged or finds nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from gateway.sip.dialog import Dialog
from gateway.sip.headers import NameAddress
from gateway.sip.invitation import Invitation
from gateway.sip.message import Response
from gateway.sip.sdp import Agreement, LocalDescription
from gateway.sip.session import Session
from gateway.sip.session_timer import SESSION_SECONDS, longer
from gateway.sip.target import Target, invite_to
from gateway.sip.wire import Wire
from gateway.telephony.shop import Srtp

_NO_WAY = 502
"""What the silence of a provider counts as: the way to it is broken; whom it was to ring is not known to be away."""


class AttemptUser(Protocol):
    """The call that the attempt is part of."""

    def new_session(self, attempt: Attempt) -> Session:
        """A session with the party."""

    def progressed(self, attempt: Attempt, response: Response, agreement: Agreement | None) -> None:
        """The party rings, or is heard already."""

    def answered(self, attempt: Attempt, response: Response, dialog: Dialog, agreement: Agreement | None) -> bool:
        """The party has answered; False: too late."""

    def refused(self, attempt: Attempt, response: Response, status: int) -> None:
        """The party will not answer. `status` is what that counts as."""


class Attempt:
    """One party. What it refuses for a reason that we can mend, it is asked again."""

    def __init__(
        self,
        wire: Wire,
        target: Target,
        local: LocalDescription,
        user: AttemptUser,
        *,
        sender: NameAddress,
        call_id: str,
        trusted: bool,
    ) -> None:
        """`sender` carries our tag; `trusted` as for Session."""
        self.target = target
        self.local = local
        self.is_over = False
        """It was answered or refused for good."""
        self._wire = wire
        self._sender = sender
        self._call_id = call_id
        self._user = user
        self._trusted = trusted
        self._number = 0
        self._session_seconds = SESSION_SECONDS
        self._credentials: tuple[str, str] | None = None
        self._was_challenged = False
        self._is_given_up = False
        self._body = local.offer()
        self._invitation = self._next_invitation()

    def start(self) -> None:
        """Send the INVITE."""
        self._invitation.send(self.target.patience_seconds)

    def give_up(self, reason: str) -> None:
        """No answer is wanted any more."""
        self._is_given_up = True
        if not self.is_over:
            self._invitation.give_up(reason)

    def forget_early(self) -> None:
        """What was said before the answer is over."""
        self._invitation.forget_early()

    # What the INVITE meets.

    def new_session(self) -> Session:
        """For an early dialog."""
        return self._user.new_session(self)

    def progressed(self, response: Response, agreement: Agreement | None) -> None:
        """A provisional response."""
        self._user.progressed(self, response, agreement)

    def answered(self, response: Response, dialog: Dialog, agreement: Agreement | None) -> bool:
        """The first 2xx."""
        self.is_over = True
        return self._user.answered(self, response, dialog, agreement)

    def refused(self, response: Response) -> None:
        """A final response that is no 2xx."""
        is_silent = response.status == 408 and not self._invitation.was_heard
        if not self._is_given_up and self._can_mend(response, is_silent=is_silent):
            self._invitation = self._next_invitation()
            self.start()
            return
        self.is_over = True
        self._user.refused(self, response, _NO_WAY if is_silent and self._trusted else response.status)

    def _can_mend(self, response: Response, *, is_silent: bool) -> bool:
        match response.status:
            case 401 | 407:
                return self._answer_challenge(response)
            case 422:
                return self._ask_longer(response)
            case 488:
                return self._ask_sealed()
            case 503:
                return self._ask_elsewhere()
            case _:
                return is_silent and self._ask_elsewhere()

    def _answer_challenge(self, response: Response) -> bool:
        """Ask again with credentials: once, or a second time when only the nonce was too old."""
        account = self.target.account
        stale = any((each.get("stale") or "").lower() == "true" for _, each in response.challenges())
        if account is None or (self._was_challenged and not stale):
            return False
        self._credentials = account.answer(response, "INVITE", str(self.target.uri))
        self._was_challenged = self._was_challenged or self._credentials is not None
        return self._credentials is not None

    def _ask_longer(self, response: Response) -> bool:
        """Ask again for a session that lives as long as the peer wants (RFC 4028 section 7.3)."""
        seconds = longer(response, self._session_seconds)
        self._session_seconds = seconds or self._session_seconds
        return seconds > 0

    def _ask_sealed(self) -> bool:
        """Ask again with sealed media alone: some peers demand it and do not see the keys beside plain RTP."""
        local = self.local
        if local.terms.srtp is not Srtp.PREFERRED:
            return False
        local.terms = replace(local.terms, srtp=Srtp.REQUIRED)
        self.target = replace(self.target, terms=local.terms)
        self._body = local.offer()
        self._forget_challenge()
        return True

    def _ask_elsewhere(self) -> bool:
        """Ask by another way to the same provider, which has not heard of the call yet."""
        if not self.target.spare_flows:
            return False
        flow, *left = self.target.spare_flows
        self.target = replace(self.target, flow=flow, spare_flows=tuple(left))
        self._forget_challenge()
        return True

    def _forget_challenge(self) -> None:
        self._was_challenged = False
        self._credentials = None

    def _next_invitation(self) -> Invitation:
        self._number += 1
        request = invite_to(
            self.target,
            self._sender,
            self._call_id,
            self._number,
            self._body,
            session_seconds=self._session_seconds,
            credentials=self._credentials,
        )
        return Invitation(self._wire, request, self.target.flow, self.target.terms, self, follows_contact=self._trusted)
