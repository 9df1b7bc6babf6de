"""Why a leg or a call ended: one table for the GSM and SIP worlds.

Sources: ITU-T Q.850 and 3GPP TS 24.008 annex H (cause numbers), RFC 3261 section 21 and RFC 3398
section 7 (status codes), Huawei MU509 AT manual (`^CEND`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why it ended. The value is stable: it is stored, shown and sent to other programs."""

    HUNG_UP = "hung-up"
    """A party put down the phone after the talk: the ordinary end of an answered call."""
    CANCELLED = "cancelled"
    """The caller gave up before anybody answered."""
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    """The phone is switched off, out of coverage or not registered."""
    NO_SUCH_NUMBER = "no-such-number"
    NUMBER_BARRED = "number-barred"
    """Our number policy, or the network, forbids it."""
    BUDGET_SPENT = "budget-spent"
    TOO_MANY_CALLS = "too-many-calls"
    """Of one extension in a minute (T-F2)."""
    NIGHT_LOCK = "night-lock"
    """Nobody may call outside at this hour (T-F2)."""
    NO_FREE_LINE = "no-free-line"
    CONGESTION = "congestion"
    """The network or the other side has no room now."""
    NO_COMMON_CODEC = "no-common-codec"
    UNAUTHORISED = "unauthorised"
    MODEM_LOST = "modem-lost"
    NETWORK_LOST = "network-lost"
    """The radio, or the way to the SIP peer, broke in mid-call."""
    NO_AUDIO = "no-audio"
    """Nothing was heard from a party for so long that the call was ended."""
    TOO_LONG = "too-long"
    ANSWERED_ELSEWHERE = "answered-elsewhere"
    TRANSFERRED = "transferred"
    SHUTDOWN = "shutdown"
    FAULT = "fault"
    """Something broke on our side; the log says what."""


@dataclass(frozen=True, slots=True)
class CauseRow:
    """How one cause is said in the other worlds."""

    q850: int
    sip_status: int
    sip_reason: str


CAUSES: dict[Cause, CauseRow] = {
    Cause.HUNG_UP: CauseRow(16, 480, "Temporarily Unavailable"),
    Cause.CANCELLED: CauseRow(16, 487, "Request Terminated"),
    Cause.BUSY: CauseRow(17, 486, "Busy Here"),
    Cause.NO_ANSWER: CauseRow(19, 480, "Temporarily Unavailable"),
    Cause.REJECTED: CauseRow(21, 603, "Decline"),
    Cause.UNREACHABLE: CauseRow(20, 480, "Temporarily Unavailable"),
    Cause.NO_SUCH_NUMBER: CauseRow(1, 404, "Not Found"),
    Cause.NUMBER_BARRED: CauseRow(63, 403, "Forbidden"),
    Cause.BUDGET_SPENT: CauseRow(63, 403, "Forbidden"),
    Cause.TOO_MANY_CALLS: CauseRow(63, 403, "Forbidden"),
    Cause.NIGHT_LOCK: CauseRow(63, 403, "Forbidden"),
    Cause.NO_FREE_LINE: CauseRow(34, 503, "Service Unavailable"),
    Cause.CONGESTION: CauseRow(42, 503, "Service Unavailable"),
    Cause.NO_COMMON_CODEC: CauseRow(88, 488, "Not Acceptable Here"),
    Cause.UNAUTHORISED: CauseRow(57, 403, "Forbidden"),
    Cause.MODEM_LOST: CauseRow(27, 502, "Bad Gateway"),
    Cause.NETWORK_LOST: CauseRow(38, 502, "Bad Gateway"),
    Cause.NO_AUDIO: CauseRow(102, 408, "Request Timeout"),
    Cause.TOO_LONG: CauseRow(102, 408, "Request Timeout"),
    Cause.ANSWERED_ELSEWHERE: CauseRow(26, 487, "Request Terminated"),
    Cause.TRANSFERRED: CauseRow(16, 480, "Temporarily Unavailable"),
    Cause.SHUTDOWN: CauseRow(41, 503, "Service Unavailable"),
    Cause.FAULT: CauseRow(41, 500, "Server Internal Error"),
}

NEXT_WAY = frozenset(
    {
        Cause.NO_FREE_LINE, Cause.MODEM_LOST, Cause.NETWORK_LOST, Cause.CONGESTION, Cause.BUDGET_SPENT,
        Cause.UNAUTHORISED,
    }
)  # fmt: skip
"""The way failed, not the party: another line or provider may do better."""

_BY_SIP_STATUS = {
    400: Cause.FAULT, 401: Cause.UNAUTHORISED, 402: Cause.BUDGET_SPENT, 403: Cause.NUMBER_BARRED,
    404: Cause.NO_SUCH_NUMBER, 406: Cause.NO_COMMON_CODEC, 407: Cause.UNAUTHORISED,
    408: Cause.UNREACHABLE, 410: Cause.NO_SUCH_NUMBER, 415: Cause.NO_COMMON_CODEC,
    480: Cause.UNREACHABLE, 481: Cause.NETWORK_LOST, 482: Cause.FAULT, 483: Cause.FAULT,
    484: Cause.NO_SUCH_NUMBER, 485: Cause.NO_SUCH_NUMBER, 486: Cause.BUSY, 487: Cause.CANCELLED,
    488: Cause.NO_COMMON_CODEC, 500: Cause.CONGESTION, 502: Cause.NETWORK_LOST,
    503: Cause.CONGESTION, 504: Cause.CONGESTION, 600: Cause.BUSY, 603: Cause.REJECTED,
    604: Cause.NO_SUCH_NUMBER, 606: Cause.NO_COMMON_CODEC, 607: Cause.REJECTED, 608: Cause.REJECTED,
}  # fmt: skip

_BY_Q850 = {
    1: Cause.NO_SUCH_NUMBER, 2: Cause.UNREACHABLE, 3: Cause.UNREACHABLE, 8: Cause.NUMBER_BARRED,
    16: Cause.HUNG_UP, 17: Cause.BUSY, 18: Cause.NO_ANSWER, 19: Cause.NO_ANSWER,
    20: Cause.UNREACHABLE, 21: Cause.REJECTED, 22: Cause.NO_SUCH_NUMBER, 26: Cause.ANSWERED_ELSEWHERE,
    27: Cause.UNREACHABLE, 28: Cause.NO_SUCH_NUMBER, 31: Cause.HUNG_UP, 34: Cause.CONGESTION,
    38: Cause.NETWORK_LOST, 41: Cause.CONGESTION, 42: Cause.CONGESTION, 44: Cause.CONGESTION,
    47: Cause.CONGESTION, 57: Cause.NUMBER_BARRED, 58: Cause.CONGESTION, 63: Cause.NUMBER_BARRED,
    88: Cause.NO_COMMON_CODEC, 102: Cause.NO_ANSWER,
}  # fmt: skip


def cause_of_sip_status(status: int) -> Cause:
    """The cause for a final SIP status that is not 2xx; an unknown one counts as its class (RFC 3261 8.1.3.2)."""
    if status in _BY_SIP_STATUS:
        return _BY_SIP_STATUS[status]
    if status < 500:
        return Cause.REJECTED
    return Cause.CONGESTION if status < 600 else Cause.REJECTED


def cause_of_q850(number: int) -> Cause:
    """The cause for a Q.850 or 24.008 cause number; an unknown one counts as congestion, as its class does."""
    return _BY_Q850.get(number, Cause.CONGESTION if number != 0 else Cause.HUNG_UP)
