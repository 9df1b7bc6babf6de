"""What the exchange asks of the drivers: lines that carry calls, phones that ring.

The modem driver implements Line, the SIP driver Phones and Trunk; neither knows the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from gateway.telephony.leg import Leg
from gateway.telephony.numbers import Dialable

Incoming: TypeAlias = Callable[[Leg], None]
"""A driver calls this, synchronously, with each new incoming leg; it returns at once."""


class LineState(StrEnum):
    """What a person wants to know of a line."""

    READY = "ready"
    BUSY = "busy"
    SEARCHING = "searching"
    """The modem answers, but no network has taken the SIM (yet)."""
    ROAMING = "roaming"
    """In a foreign network, where the owner has not allowed calls: SMS and incoming calls only."""
    NO_SIM = "no-sim"
    LOCKED = "locked"
    STARTING = "starting"
    FAULTY = "faulty"
    """The modem misbehaves; it is being recovered."""
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, as shown to the party that is rung: a number or extension, and a name."""

    number: str
    name: str = ""


class Line(Protocol):
    """One SIM that can carry one call."""

    @property
    def name(self) -> str:
        """As in shop.toml."""

    @property
    def state(self) -> LineState:
        """READY: a call can be placed now."""

    @property
    def can_speak(self) -> bool:
        """False when the modem has no voice path; such a line still serves SMS."""

    @property
    def operator(self) -> str:
        """The network that has taken the SIM, as it calls itself; empty: none, or not known yet."""

    @property
    def signal_dbm(self) -> int | None:
        """How well the network is received; None: not known."""

    def dial(self, number: Dialable, *, call_id: str, extension: str | None) -> Leg:
        """Place a call: returns a NEW leg at once; its own task commits the budget, then sends ATD.

        `extension` is whose budget counts. Raises NoFreeLine when the state is not READY; for an emergency call
        SEARCHING and ROAMING will do.
        """


class TrunkState(StrEnum):
    """What a person wants to know of a SIP provider."""

    STARTING = "starting"
    READY = "ready"
    """Registered, or found where there is no account to register."""
    FAILED = "failed"
    """Nobody answers, or the other side has a fault; it is tried again by itself."""
    REFUSED = "refused"
    """The provider does not want this account; it is tried again after some minutes only."""


class Trunk(Protocol):
    """One SIP provider. It carries any number of calls."""

    @property
    def name(self) -> str:
        """As in shop.toml."""

    @property
    def is_usable(self) -> bool:
        """A call can be placed now, if there is room for it."""

    @property
    def has_room(self) -> bool:
        """One more call may run by it. An emergency call is placed without room, too."""

    def dial(self, number: Dialable, *, caller_id: str, call_id: str, extension: str | None) -> Leg:
        """Place a call: returns a NEW leg at once.

        The party sees `caller_id`; empty: the trunk's own number. `extension` is who pays. Raises NoFreeLine
        when the trunk is not usable, or has no room.
        """


class Phones(Protocol):
    """The SIP accounts of the shop."""

    def is_reachable(self, extension: str) -> bool:
        """Some phone is registered for the extension."""

    def dial(self, extension: str, *, caller: Caller) -> Leg:
        """Ring all contacts of the extension; one NEW leg. An unregistered one ends at once as UNREACHABLE."""
