"""What a modem's unsolicited lines mean, in one vocabulary for all families."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from gateway.telephony.causes import Cause


class Stage(Enum):
    """How far a GSM call is."""

    DIALLING = "dialling"
    ALERTING = "alerting"
    ACTIVE = "active"
    INCOMING = "incoming"
    OTHER = "other"
    """Held or waiting: a second call, which is left alone."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReport:
    """News of a call. What the line does not say is None; `number` is "" when the network withholds it."""

    stage: Stage
    index: int | None = None
    outgoing: bool | None = None
    number: str | None = None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class KeyReport:
    """The party pressed a key."""

    key: str


@dataclass(frozen=True, slots=True)
class MessageStored:
    """An SMS or delivery report lies in `storage` (SM, ME, MT); None: where the modem was set to."""

    storage: str | None


@dataclass(frozen=True, slots=True)
class MessageArrived:
    """An SMS that is stored nowhere: `pdu` in hex, or None where its second line did not come."""

    pdu: str | None


@dataclass(frozen=True, slots=True)
class DeliveryReported:
    """A delivery report, stored nowhere."""

    pdu: str | None


@dataclass(frozen=True, slots=True)
class StorageFull:
    """No room for SMS; the network keeps them until there is."""


@dataclass(frozen=True, slots=True)
class UssdReport:
    """`+CUSD` (27.007 section 7.15): `mode` 0 done, 1 an answer is wanted, 2 ended, 4 unsupported, 5 timed out."""

    mode: int
    text: str
    coding: int | None


@dataclass(frozen=True, slots=True)
class RegistrationReport:
    """`+CREG` or `+CEREG` status: 1 home, 5 roaming, 2 searching, 3 denied, 0 not, 4 unknown."""

    lte: bool
    status: int
    technology: int | None
    """`AcT` of 27.007 section 7.2, where it is told."""


@dataclass(frozen=True, slots=True)
class SignalReport:
    """Received power in dBm; None: unknown."""

    dbm: int | None


@dataclass(frozen=True, slots=True)
class SimReport:
    """What `+CPIN` says: READY, SIM PIN, SIM PUK, NOT INSERTED ..."""

    state: str


@dataclass(frozen=True, slots=True)
class VoicePaused:
    """The modem's voice buffer is full (True) or takes audio again."""

    paused: bool


@dataclass(frozen=True, slots=True)
class Restarted:
    """The modem has started anew by itself; everything it was told is forgotten."""


Report: TypeAlias = (
    CallReport | KeyReport | MessageStored | MessageArrived | DeliveryReported | StorageFull | UssdReport
    | RegistrationReport | SignalReport | SimReport | VoicePaused | Restarted
)  # fmt: skip
