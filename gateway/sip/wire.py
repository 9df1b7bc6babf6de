"""What every call needs of the rest of the driver: its transactions, and the table of dialogs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from gateway.sip.dialog import ALLOW, SERVER_NAME, Dialog
from gateway.sip.extensions import UNDERSTOOD, Replaces
from gateway.sip.message import Request, Response, serialise
from gateway.sip.transaction import ServerTransaction, Transactions, answer_to
from gateway.sip.transport import Flow
from gateway.telephony.causes import CAUSES, Cause
from gateway.telephony.leg import Leg

WayTo: TypeAlias = Callable[[Flow, str | None], Flow | None]
"""The way to the peer of a flow as it is now: to the phone of an extension, or (None) to a provider. None: no way."""


class DialogUser(Protocol):
    """Who serves what the peer sends within a dialog."""

    @property
    def owner(self) -> str | None:
        """The extension whose phone is the peer; None: a provider."""

    def look_round(self, way_to: WayTo) -> None:
        """Our own address, or the way to the peer, may be another one by now (X-N4)."""

    def receive(self, transaction: ServerTransaction, flow: Flow) -> None:
        """A new request within the dialog, but no ACK."""

    def receive_ack(self, request: Request, flow: Flow) -> None:
        """An ACK of a 2xx."""


class Dialogs:
    """Dialogs by their names, and those waiting for an ACK by the names that even a wrong ACK carries."""

    def __init__(self) -> None:
        self._users: dict[tuple[str, str, str], DialogUser] = {}
        self._dialogs: dict[tuple[str, str, str], Dialog] = {}
        self._by_peer: dict[tuple[str, str], DialogUser] = {}
        self._legs: dict[tuple[str, str, str], Leg] = {}
        self._lamps: dict[str, tuple[str, str, str]] = {}
        """By the leg's id: names that stand for it on the documents of lamps."""
        self.on_leg: Callable[[str, str], None] = _nobody_looks
        """Called with the id of each leg and a Call-ID that its messages have."""

    def __len__(self) -> int:
        return len(self._users)

    def look_round(self, way_to: WayTo) -> None:
        """As for DialogUser, for every dialog."""
        for user in tuple(self._users.values()):
            user.look_round(way_to)

    def add(self, dialog: Dialog, user: DialogUser, leg: Leg | None = None) -> None:
        """From now on `user` serves the dialog, which carries `leg` when it is a call."""
        self._users[dialog.id] = user
        self._dialogs[dialog.id] = dialog
        if leg is not None:
            self._legs[dialog.id] = leg
            self.on_leg(leg.id, dialog.call_id)
        self._by_peer[dialog.call_id, dialog.remote.tag or ""] = user

    def remove(self, dialog: Dialog) -> None:
        """The dialog is over; idempotent."""
        user = self._users.pop(dialog.id, None)
        self._dialogs.pop(dialog.id, None)
        leg = self._legs.pop(dialog.id, None)
        if leg is not None and leg.id in self._lamps and leg not in self._legs.values():
            del self._lamps[leg.id]
        key = (dialog.call_id, dialog.remote.tag or "")
        if user is not None and self._by_peer.get(key) is user:
            del self._by_peer[key]

    def find(self, request: Request) -> DialogUser | None:
        """Who serves the dialog that a request names (RFC 3261 section 12.2.2)."""
        return self._users.get(_names_of(request))

    def dialog_of(self, request: Request) -> Dialog | None:
        """The dialog that a request names."""
        return self._dialogs.get(_names_of(request))

    def leg_of(self, replaces: Replaces) -> Leg | None:
        """The leg of the dialog with those names (RFC 3891 section 3).

        Who learned of it by a lamp names it as the phone that rings would: the tags stand the other way round.
        """
        either_way = [
            (replaces.call_id, first, second)
            for first, second in ((replaces.to_tag, replaces.from_tag), (replaces.from_tag, replaces.to_tag))
        ]
        for leg in (self._legs.get(names) for names in either_way):
            if leg is not None:
                return leg
        shown = next((leg_id for leg_id, names in self._lamps.items() if names in either_way), None)
        return next((leg for leg in self._legs.values() if leg.id == shown), None)

    def shown_names(self, leg_id: str) -> tuple[str, str, str] | None:
        """A Call-ID and two tags that stand for a leg where phones see it by a lamp; None: no dialog carries it.

        By them its place can be asked for. They are not those of its dialog, by which anybody could hang it up.
        """
        if not any(leg.id == leg_id for leg in self._legs.values()):
            return None
        return self._lamps.setdefault(leg_id, (secrets.token_hex(12), secrets.token_hex(8), secrets.token_hex(8)))

    def find_by_peer(self, request: Request) -> DialogUser | None:
        """The dialog with that Call-ID and the peer's tag, whatever tag of ours the request gives.

        For an ACK with a To tag of its own making (docs/decisions/lenient-ack.md), and for the same
        INVITE that comes twice by different ways (RFC 3261 section 8.2.2.2).
        """
        return self._by_peer.get((request.call_id, request.sender.tag or ""))


def _names_of(request: Request) -> tuple[str, str, str]:
    return request.call_id, request.recipient.tag or "", request.sender.tag or ""


@dataclass(slots=True)
class Wire:
    """The signalling that all calls share."""

    transactions: Transactions = field(default_factory=Transactions)
    dialogs: Dialogs = field(default_factory=Dialogs)

    def ask_and_forget(self, request: Request, flow: Flow) -> None:
        """Send a request whose answer changes nothing (BYE, CANCEL); it is repeated until answered.

        A challenge to it is not answered: credentials go nowhere but to a registrar or trunk (T-S6).
        """
        self.transactions.ask(request, flow, _ignore)

    def send(self, request: Request, flow: Flow) -> None:
        """Send an ACK: it has no transaction."""
        flow.send(serialise(request))


def decline(request: Request, status: int, reason: str, *, tag: str | None = None) -> Response:
    """A final response that says what we could do instead."""
    response = answer_to(request, status, reason, tag=tag)
    if status in (405, 501):
        response.headers.add("Allow", ALLOW)
    response.headers.add("Server", SERVER_NAME)
    return response


def unsupported_extensions(request: Request) -> Response | None:
    """420 when the request needs an extension that we do not have (RFC 3261 section 8.2.2.3)."""
    required = request.headers.tokens("Require") | request.headers.tokens("Proxy-Require")
    required -= UNDERSTOOD
    if not required:
        return None
    response = decline(request, 420, "Bad Extension")
    response.headers.add("Unsupported", ", ".join(sorted(required)))
    return response


def reason_of(cause: Cause) -> str:
    """The Reason header for a cause (RFC 3326)."""
    return f"Q.850;cause={CAUSES[cause].q850}"


def _nobody_looks(_leg_id: str, _call_id: str) -> None:
    """Nobody follows the ladders."""


def _ignore(_response: Response) -> None:
    return
