"""Media that nobody on the way can hear or change: what SDP says of its keys (RFC 4568).

The keys travel in the signalling, so that they are as secret as that is: with TLS, not without it.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum

KEY_BYTES = 30
"""A master key of 16 and a master salt of 14 bytes (RFC 4568 section 6.1), which both our suites have."""
_LINE = re.compile(r"(\d{1,9}) +(\S+) +(\S+)((?: +\S+)*) *", re.ASCII)
_KEY = re.compile(r"inline:([A-Za-z0-9+/=]+)(?:\|(?:2\^)?\d+)?", re.ASCII | re.IGNORECASE)
_HARMLESS = ("-", "WSH=", "KDR=0")
"""Session parameters that ask nothing of us: those that may be ignored, and hints (RFC 4568 sections 6.3, 6.3.7)."""


class Suite(StrEnum):
    """What is spoken, the best first."""

    SHA1_80 = "AES_CM_128_HMAC_SHA1_80"
    SHA1_32 = "AES_CM_128_HMAC_SHA1_32"


@dataclass(frozen=True, slots=True)
class CryptoLine:
    """One `a=crypto` attribute: under this tag its writer sends with this key."""

    tag: int
    suite: Suite
    key: bytes = field(repr=False)

    @property
    def attribute(self) -> str:
        """As it stands in a description. It holds the key, and belongs into no log."""
        return f"crypto:{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"


def new_key() -> bytes:
    """A master key and salt that nobody has."""
    return secrets.token_bytes(KEY_BYTES)


def parse_crypto(value: str) -> CryptoLine | None:
    """What follows `a=crypto:`; None for what we cannot do, which an answerer passes over (RFC 4568 section 5.1.2).

    Lines with a key identifier (MKI), several keys, or a session parameter that changes the packets are such.
    """
    match = _LINE.fullmatch(value.strip())
    if match is None or match[2] not in set(Suite):
        return None
    key = _KEY.fullmatch(match[3])
    if key is None or not all(each.upper().startswith(_HARMLESS) for each in match[4].split()):
        return None
    try:
        found = base64.b64decode(key[1], validate=True)
    except binascii.Error:
        return None
    return CryptoLine(int(match[1]), Suite(match[2]), found) if len(found) == KEY_BYTES else None
