"""Media that nobody on the way can hear or change: keys in SDP (RFC 4568), packets by libsrtp (RFC 3711).

The keys travel in the signalling, so that they are as secret as that is: with TLS, not without it.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from pylibsrtp import Error, Policy, Session

KEY_BYTES = 30
"""A master key of 16 and a master salt of 14 bytes (RFC 4568 section 6.1), which both our suites have."""
_WINDOW_PACKETS = 1_024
"""How far a packet may come late and still be told from a replay."""
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


@dataclass(slots=True)
class SrtpCounters:
    """What came and was no honest packet: `forged` by its seal, `replayed` by its number."""

    forged: int = 0
    replayed: int = 0


class SecurePackets:
    """Seals what we send, opens what the peer sends. Keys may change in mid-call."""

    def __init__(self, suite: Suite, ours: bytes, theirs: bytes) -> None:
        self.counters = SrtpCounters()
        self._ours = (suite, ours)
        self._theirs = (suite, theirs)
        self._sealing = _session(suite, ours, Policy.SSRC_ANY_OUTBOUND)
        self._opening = _session(suite, theirs, Policy.SSRC_ANY_INBOUND)

    def rekey(self, suite: Suite, ours: bytes, theirs: bytes) -> None:
        """What was agreed anew. A key that stays goes on counting: with it no packet number may come twice."""
        if self._ours != (suite, ours):
            self._ours = (suite, ours)
            self._sealing = _session(suite, ours, Policy.SSRC_ANY_OUTBOUND)
        if self._theirs != (suite, theirs):
            self._theirs = (suite, theirs)
            self._opening = _session(suite, theirs, Policy.SSRC_ANY_INBOUND)

    def seal(self, packet: bytes) -> bytes | None:
        """The packet as it may go out; None for one that cannot, because its number has been used."""
        try:
            return bytes(self._sealing.protect(packet))
        except (Error, TypeError):
            return None

    def open(self, packet: bytes) -> bytes | None:
        """The packet that was sealed; None for a stranger's, and for one that has come before."""
        try:
            return bytes(self._opening.unprotect(packet))
        except Error as fault:
            self._count(fault)
        return None

    def seal_report(self, packet: bytes) -> bytes | None:
        """As `seal`, for RTCP."""
        try:
            return bytes(self._sealing.protect_rtcp(packet))
        except (Error, TypeError):
            return None

    def open_report(self, packet: bytes) -> bytes | None:
        """As `open`, for RTCP."""
        try:
            return bytes(self._opening.unprotect_rtcp(packet))
        except Error as fault:
            self._count(fault)
        return None

    def _count(self, fault: Error) -> None:
        if "replay" in str(fault):
            self.counters.replayed += 1
        else:
            self.counters.forged += 1


def _session(suite: Suite, key: bytes, kind: int) -> Session:
    profile = Policy.SRTP_PROFILE_AES128_CM_SHA1_80 if suite is Suite.SHA1_80 else Policy.SRTP_PROFILE_AES128_CM_SHA1_32
    policy = Policy(key=key, ssrc_type=kind, srtp_profile=profile)
    policy.window_size = _WINDOW_PACKETS
    return Session(policy)
