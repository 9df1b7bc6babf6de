"""A request to a phone of ours that belongs to no dialog (RFC 3261 section 8.1.1)."""

from __future__ import annotations

import secrets

from gateway.sip.dialog import SERVER_NAME, our_via
from gateway.sip.headers import NameAddress
from gateway.sip.message import Headers, Request
from gateway.sip.registrar import Binding
from gateway.sip.transaction import new_tag
from gateway.sip.uri import SipUri


def request_to(
    binding: Binding,
    method: str,
    *,
    user: str = SERVER_NAME,
    fields: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Request:
    """From us, as `user`, with more header fields."""
    local = binding.flow.local
    us = NameAddress(SipUri(local.host, local.port, user))
    headers = Headers()
    headers.add("Via", our_via(binding.flow))
    headers.add("Max-Forwards", "70")
    headers.add("From", us.with_parameter("tag", new_tag()))
    headers.add("To", NameAddress(binding.uri))
    headers.add("Call-ID", secrets.token_hex(12))
    headers.add("CSeq", f"1 {method}")
    headers.add("Contact", us)
    headers.add("User-Agent", SERVER_NAME)
    for name, value in fields:
        headers.add(name, value)
    return Request(headers, method=method, uri=binding.uri, body=body)
