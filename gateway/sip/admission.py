"""What an INVITE must be like before anybody is rung for it (RFC 3261 section 8.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.sip.extensions import replaces_of
from gateway.sip.grammar import MalformedMessage
from gateway.sip.media_terms import MediaTerms
from gateway.sip.message import Request, Response
from gateway.sip.sdp import CONTENT_TYPE, Agreement, Description, agree, parse_sdp
from gateway.sip.session_timer import SHORTEST_SECONDS, too_short
from gateway.sip.uri import SipUri
from gateway.sip.wire import Dialogs, decline, unsupported_extensions
from gateway.telephony.leg import Leg, LegState

_CALLABLE = re.compile(r"[0-9+*#A-Za-z._\-]{1,40}")
"""What may be dialled; the number policy judges it later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An INVITE that can become a call. `offer` and `agreement` are None when the caller waits for our offer."""

    called: str
    offer: Description | None
    agreement: Agreement | None
    replaces: Leg | None = None
    """Whose place the caller wants (RFC 3891)."""


def admit(
    request: Request, dialogs: Dialogs, tag: str, terms: MediaTerms, *, is_secure: bool = False
) -> Admitted | Response:
    """The call that an INVITE asks for, or the response that refuses it with `tag`. `is_secure`: it came by TLS."""
    refusal = unsupported_extensions(request) or _refusal(request, dialogs, tag, is_secure=is_secure)
    if refusal is not None:
        return refusal
    called = request.uri.user or "" if isinstance(request.uri, SipUri) else ""
    replaces = _replaced(request, dialogs, tag)
    if isinstance(replaces, Response):
        return replaces
    if not request.body:
        return Admitted(called=called, offer=None, agreement=None, replaces=replaces)
    try:
        offer = parse_sdp(request.body)
    except MalformedMessage:
        return decline(request, 400, "Bad Request", tag=tag)
    agreement = agree(offer, terms)
    if agreement is None:
        return decline(request, 488, "Not Acceptable Here", tag=tag)
    return Admitted(called=called, offer=offer, agreement=agreement, replaces=replaces)


def _replaced(request: Request, dialogs: Dialogs, tag: str) -> Leg | Response | None:
    """The leg whose place an INVITE wants; whether it may have it is for the exchange to say (RFC 3891 section 3)."""
    try:
        names = replaces_of(request)
    except MalformedMessage:
        return decline(request, 400, "Bad Request", tag=tag)
    if names is None:
        return None
    leg = dialogs.leg_of(names)
    if leg is None or leg.state is LegState.ENDED:
        return decline(request, 481, "Call/Transaction Does Not Exist", tag=tag)
    if names.early_only and leg.state is LegState.UP:
        return decline(request, 486, "Busy Here", tag=tag)
    return leg


def _refusal(request: Request, dialogs: Dialogs, tag: str, *, is_secure: bool) -> Response | None:
    uri = request.uri
    user = uri.user if isinstance(uri, SipUri) else None
    faults = (
        (dialogs.find_by_peer(request) is not None, 482, "Loop Detected"),  # section 8.2.2.2
        (not isinstance(uri, SipUri) or (uri.scheme == "sips" and not is_secure), 416, "Unsupported URI Scheme"),
        (not request.contacts, 400, "Bad Request"),
        (not user, 484, "Address Incomplete"),
        (_CALLABLE.fullmatch(user or "") is None, 404, "Not Found"),
        (bool(request.body) and request.content_type != CONTENT_TYPE, 415, "Unsupported Media Type"),
        (not _takes_descriptions(request), 406, "Not Acceptable"),
        (too_short(request), 422, "Session Interval Too Small"),
    )
    for is_so, status, reason in faults:
        if is_so:
            response = decline(request, status, reason, tag=tag)
            if status == 415:
                response.headers.add("Accept", CONTENT_TYPE)
            if status == 422:
                response.headers.add("Min-SE", SHORTEST_SECONDS)
            return response
    return None


def _takes_descriptions(request: Request) -> bool:
    """The caller can read our answer (RFC 4475 section 3.3.15)."""
    accepted = {each.partition(";")[0].strip() for each in request.headers.tokens("Accept")}
    return not accepted or bool(accepted & {CONTENT_TYPE, "*/*", "application/*"})
