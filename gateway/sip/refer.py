"""REFER: a party has the other one connected elsewhere, and is told by NOTIFY what becomes of it (RFC 3515, 5589)."""

from __future__ import annotations

from collections.abc import Callable

from gateway.sip.dialog import Dialog
from gateway.sip.extensions import referral_of
from gateway.sip.grammar import MalformedMessage
from gateway.sip.transaction import ServerTransaction, answer_to
from gateway.sip.wire import Wire, decline
from gateway.telephony.causes import CAUSES, Cause
from gateway.telephony.leg import Leg
from gateway.telephony.transfer import Silent, TransferReport, TransferWish

SIPFRAG = "message/sipfrag;version=2.0"
LONGEST_SECONDS = 180
"""How long we say that a report may take; no ringing takes longer."""

OnTransfer = Callable[[TransferWish], Cause | None]


class Transfers:
    """The REFERs within one dialog."""

    def __init__(self, wire: Wire, leg: Leg, dialog: Callable[[], Dialog | None], on_transfer: OnTransfer) -> None:
        """`dialog`: None once it is over; then nothing is reported any more."""
        self._wire = wire
        self._leg = leg
        self._dialog = dialog
        self._on_transfer = on_transfer
        self._count = 0

    def receive(self, transaction: ServerTransaction) -> None:
        """One REFER: refused at once, or accepted and reported on."""
        request, dialog = transaction.request, self._dialog()
        if dialog is None:
            return
        try:
            referral = referral_of(request)
        except MalformedMessage as fault:
            transaction.respond(decline(request, fault.status, "Bad Request"))
            return
        place = None
        if referral.replaces is not None:
            place = self._wire.dialogs.leg_of(referral.replaces)
            if place is None:
                transaction.respond(decline(request, 481, "Call/Transaction Does Not Exist"))
                return
        self._count += 1
        is_silent = (request.headers.get("Refer-Sub") or "").strip().lower().startswith("false")  # RFC 4488
        event = "refer" if self._count == 1 else f"refer;id={request.cseq.number}"
        subscription = _Subscription(event, self._notify)
        report: TransferReport = Silent() if is_silent else subscription
        wish = TransferWish(by=self._leg, target=referral.target, report=report, instead_of=place)
        refusal = self._on_transfer(wish)
        if refusal is not None:
            row = CAUSES[refusal]
            transaction.respond(decline(request, row.sip_status, row.sip_reason))
            return
        response = answer_to(request, 202, "Accepted")
        response.headers.add("Contact", dialog.contact)
        if is_silent:
            response.headers.add("Refer-Sub", "false")
        transaction.respond(response)
        if not is_silent:
            subscription.begin()

    def _notify(self, event: str, state: str, line: str) -> None:
        dialog = self._dialog()
        if dialog is None:
            return
        request = dialog.request("NOTIFY", f"{line}\r\n".encode(), SIPFRAG)
        request.headers.add("Contact", dialog.contact)
        request.headers.add("Event", event)
        request.headers.add("Subscription-State", state)
        self._wire.ask_and_forget(request, dialog.next_hop())


class _Subscription:
    """The subscription that a REFER implies (RFC 3515 section 2.4.4)."""

    def __init__(self, event: str, notify: Callable[[str, str, str], None]) -> None:
        self._event = event
        self._notify = notify
        self._is_over = False

    def begin(self) -> None:
        """The first NOTIFY follows the 202 at once."""
        self._say("SIP/2.0 100 Trying")

    def rings(self) -> None:
        """The new party rings."""
        self._say("SIP/2.0 180 Ringing")

    def succeeded(self) -> None:
        """The new party has answered."""
        self._say("SIP/2.0 200 OK", is_last=True)

    def failed(self, cause: Cause) -> None:
        """It came to nothing."""
        row = CAUSES[cause]
        self._say(f"SIP/2.0 {row.sip_status} {row.sip_reason}", is_last=True)

    def _say(self, line: str, *, is_last: bool = False) -> None:
        if not self._is_over:
            self._is_over = is_last
            state = "terminated;reason=noresource" if is_last else f"active;expires={LONGEST_SECONDS}"
            self._notify(self._event, state, line)
