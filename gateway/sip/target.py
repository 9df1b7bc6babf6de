"""Whom an INVITE goes to, and the INVITE itself (RFC 3261 section 13.2.1)."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.sip.dialog import ALLOW, SERVER_NAME, contact_at, our_via
from gateway.sip.digest import DigestClient
from gateway.sip.extensions import SUPPORTED
from gateway.sip.headers import NameAddress
from gateway.sip.media_terms import DEFAULT_TERMS, MediaTerms
from gateway.sip.message import Headers, Request
from gateway.sip.sdp import CONTENT_TYPE
from gateway.sip.session_timer import SESSION_SECONDS, SHORTEST_SECONDS
from gateway.sip.transaction import LONGEST_SECONDS
from gateway.sip.transport import Flow
from gateway.sip.uri import SipUri


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom one INVITE goes to. `account` answers challenges: a trunk or PBX of ours, never a phone."""

    uri: SipUri
    flow: Flow
    account: DigestClient | None = None
    sender: NameAddress | None = None
    """From, when the other side wants it in a form of its own."""
    contact_user: str | None = None
    """The user part of our Contact, where it is not that of From: the account at a provider."""
    fields: tuple[tuple[str, str], ...] = ()
    """More header fields of the INVITE."""
    spare_flows: tuple[Flow, ...] = ()
    """Other ways to the same provider, for when the first is silent or has no room (RFC 3263 section 4.3)."""
    patience_seconds: float = LONGEST_SECONDS
    """So long may nothing at all come in answer."""
    terms: MediaTerms = DEFAULT_TERMS


def invite_to(
    target: Target,
    sender: NameAddress,
    call_id: str,
    number: int,
    body: bytes,
    *,
    session_seconds: int = SESSION_SECONDS,
    credentials: tuple[str, str] | None = None,
) -> Request:
    """The INVITE with that number; `sender` carries our tag, `credentials` are a field that answers a challenge."""
    headers = Headers()
    headers.add("Via", our_via(target.flow))
    headers.add("Max-Forwards", "70")
    headers.add("From", sender)
    headers.add("To", NameAddress(SipUri(target.uri.host, target.uri.port, target.uri.user)))
    headers.add("Call-ID", call_id)
    headers.add("CSeq", f"{number} INVITE")
    user = target.contact_user or (sender.uri.user if isinstance(sender.uri, SipUri) else None)
    headers.add("Contact", contact_at(target.flow, user, scheme=target.uri.scheme))
    for name, value in target.fields:
        headers.add(name, value)
    if credentials is not None:
        headers.add(*credentials)
    headers.add("Allow", ALLOW)
    headers.add("Supported", SUPPORTED)
    headers.add("Session-Expires", session_seconds)
    headers.add("Min-SE", max(SHORTEST_SECONDS, session_seconds if session_seconds > SESSION_SECONDS else 0))
    headers.add("User-Agent", SERVER_NAME)
    headers.add("Content-Type", CONTENT_TYPE)
    return Request(headers, method="INVITE", uri=target.uri, body=body)


def cancel_of(invite: Request, reason: str) -> Request:
    """The CANCEL of an INVITE (RFC 3261 section 9.1), with a Reason (RFC 3326)."""
    headers = Headers([("Via", invite.headers.values("Via")[0])])
    for route in invite.headers.all("Route"):
        headers.add("Route", route)
    for name in ("Max-Forwards", "From", "To", "Call-ID"):
        headers.add(name, invite.headers.get(name) or "")
    headers.add("CSeq", f"{invite.cseq.number} CANCEL")
    headers.add("Reason", reason)
    return Request(headers, method="CANCEL", uri=invite.uri)
