"""To tags for requests that nothing is remembered of (RFC 3261 section 8.2.7)."""

from __future__ import annotations

import hashlib
import secrets

from gateway.sip.message import Request


class StatelessTags:
    """The same tag for each repetition of a request; nobody outside can tell it beforehand."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)

    def of(self, request: Request) -> str:
        """The tag: 16 hexadecimal digits. Raises MalformedMessage where the request has not what it is made of."""
        name = f"{request.call_id} {request.sender.tag} {request.cseq.number}".encode("utf-8", "replace")
        return hashlib.blake2s(name, key=self._key, digest_size=8).hexdigest()
