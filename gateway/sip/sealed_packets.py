"""Media that nobody on the way can hear or change: packets, sealed by libsrtp (RFC 3711).

The library is four mebibytes large: only who has agreed on keys imports this module.
"""

from __future__ import annotations

from dataclasses import dataclass

from pylibsrtp import Error, Policy, Session

from gateway.sip.srtp import Suite

_WINDOW_PACKETS = 1_024
"""How far a packet may come late and still be told from a replay."""


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
