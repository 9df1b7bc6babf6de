"""The extensions of SIP that we speak, and the small header fields that belong to them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from gateway.sip.grammar import MalformedMessage, parse_number, parse_parameters, split_outside
from gateway.sip.headers import HIGHEST_SEQUENCE, NameAddress, parse_name_address
from gateway.sip.message import Request, Response
from gateway.sip.uri import OtherUri, SipUri

RELIABLE = "100rel"
REPLACES = "replaces"
TIMER = "timer"
SUPPORTED = f"{RELIABLE}, {REPLACES}, {TIMER}"
"""RFC 3262, RFC 3891, RFC 4028."""
UNDERSTOOD = frozenset((RELIABLE, REPLACES, TIMER))


@dataclass(frozen=True, slots=True)
class Replaces:
    """The dialog that an INVITE is to replace (RFC 3891 section 6.1), by the names that its peers gave it."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False


def parse_replaces(text: str) -> Replaces:
    """`call-id;to-tag=...;from-tag=...[;early-only]`."""
    call_id, *parts = split_outside(text, ";")
    values = dict(parse_parameters(parts))
    to_tag, from_tag = values.get("to-tag"), values.get("from-tag")
    if not call_id or not to_tag or not from_tag:
        raise MalformedMessage("A Replaces does not name a dialog.")
    return Replaces(call_id, to_tag, from_tag, "early-only" in values)


def replaces_of(request: Request) -> Replaces | None:
    """What an INVITE wants to replace. Raises MalformedMessage when there are two, or one that cannot be read."""
    values = request.headers.all("Replaces")
    if len(values) > 1:
        raise MalformedMessage("There are two Replaces.")
    return parse_replaces(values[0]) if values else None


@dataclass(frozen=True, slots=True)
class Referral:
    """Whom a REFER names: the text as it would be dialled, and the dialog whose place is to be taken."""

    target: str
    replaces: Replaces | None


def referral_of(request: Request) -> Referral:
    """The Refer-To of a REFER (RFC 3515 section 2.1). Raises MalformedMessage unless there is exactly one."""
    values = request.headers.all("Refer-To")
    if len(values) != 1:
        raise MalformedMessage("A REFER has one Refer-To.")
    address: NameAddress = parse_name_address(values[0])
    match address.uri:
        case SipUri() as uri:
            if (uri.parameter("method") or "INVITE").upper() != "INVITE":
                raise MalformedMessage("Only an INVITE can be asked for.")
            return Referral(uri.user or "", _replaces_within(uri))
        case OtherUri(scheme="tel"):
            return Referral(address.uri.rest.partition(";")[0], None)
        case _:
            raise MalformedMessage("The Refer-To leads nowhere that can be called.", status=416)


def _replaces_within(uri: SipUri) -> Replaces | None:
    """The Replaces among the header fields of a URI, where it stands in escapes (RFC 3261 section 19.1.1)."""
    for field in uri.headers.split("&"):
        name, _, value = field.partition("=")
        if name.lower() == "replaces":
            return parse_replaces(unquote(value, errors="replace"))
    return None


@dataclass(frozen=True, slots=True)
class Refreshing:
    """How long a session lives without a refresh, and who refreshes it (RFC 4028 section 4)."""

    seconds: int
    refresher: str = ""
    """"uac" or "uas" of the request at hand; empty: not said."""


def refreshing_of(message: Request | Response) -> Refreshing | None:
    """The Session-Expires of a message; None when there is none that can be read."""
    text = message.headers.get("Session-Expires")
    if text is None:
        return None
    try:
        seconds, *parts = split_outside(text, ";")
        refresher = (dict(parse_parameters(parts)).get("refresher") or "").lower()
        return Refreshing(parse_number(seconds, "Session-Expires", HIGHEST_SEQUENCE), refresher)
    except MalformedMessage:
        return None


def min_se_of(message: Request | Response) -> int:
    """The shortest interval that the peer takes, in seconds; 0: it does not say."""
    text = (message.headers.get("Min-SE") or "0").partition(";")[0].strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def rack_of(request: Request) -> tuple[int, int, str] | None:
    """The RAck of a PRACK: the number of the response, that of the request, and its method (RFC 3262 section 7.2)."""
    words = (request.headers.get("RAck") or "").split()
    if len(words) != 3 or not all(word.isascii() and word.isdigit() and len(word) <= 10 for word in words[:2]):
        return None
    return int(words[0]), int(words[1]), words[2].upper()


def rseq_of(response: Response) -> int | None:
    """The number of a provisional response that wants a PRACK (RFC 3262 section 7.1); None: it wants none."""
    text = (response.headers.get("RSeq") or "").strip()
    if RELIABLE not in response.headers.tokens("Require") or not (text.isascii() and text.isdigit()) or len(text) > 10:
        return None
    return int(text)
