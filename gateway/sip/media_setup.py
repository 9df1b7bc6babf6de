"""From the descriptions in messages to the media of a call."""

from __future__ import annotations

from gateway.sip.grammar import MalformedMessage
from gateway.sip.latch import media_host
from gateway.sip.media_terms import MediaTerms
from gateway.sip.message import Request, Response
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import CONTENT_TYPE, Agreement, LocalDescription, agree, parse_sdp
from gateway.sip.transport import Address


def connect_media(
    port: RtpPort, agreement: Agreement, local: LocalDescription, signalling_host: str, *, trusted: bool
) -> None:
    """Let the port do what was agreed with `local` as our side, with the host that media may go to."""
    host = media_host(agreement.host, signalling_host, trusted=trusted)
    port.agree(agreement, Address(host, agreement.port), local.key, local.ice)


def read_answer(message: Request | Response, terms: MediaTerms) -> Agreement | None:
    """What the description in a message agrees to; None when there is none, or nothing in common."""
    if not message.body or message.content_type != CONTENT_TYPE:
        return None
    try:
        return agree(parse_sdp(message.body), terms)
    except MalformedMessage:
        return None
