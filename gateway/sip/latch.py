"""Whose RTP is heard, and where ours goes (threats T-S7 and T-S8)."""

from __future__ import annotations

import ipaddress

from gateway.sip.transport import Address, is_numeric, is_private

LEARNING_SECONDS = 0.5


def media_host(described: str, signalling: str, *, trusted: bool) -> str:
    """The host that media may go to, when the description names `described` and speaks from `signalling`.

    A phone gets media only where its signalling comes from: an address that the phone merely names may be a
    victim's. A `trusted` peer (an authenticated trunk) names another host rightly, unless that is loopback
    while the trunk is not, multicast, the wildcard, or private while the trunk is public.
    """
    if described == signalling or not trusted or not is_numeric(described):
        return signalling
    address = ipaddress.ip_address(described)
    if address.is_loopback:
        return described if ipaddress.ip_address(signalling).is_loopback else signalling
    suspicious = address.is_multicast or address.is_unspecified or address.is_link_local
    if suspicious or (is_private(described) and not is_private(signalling)):
        return signalling
    return described


class Latch:
    """One peer's media address: at first what was described, then what was proven, then locked."""

    def __init__(self, expected: Address, *, behind_nat: bool) -> None:
        """`behind_nat`: the described address is not the one we send to, so its port means nothing either."""
        self.remote = expected
        """Where our packets go."""
        self._expected = expected
        self._behind_nat = behind_nat
        self.proven: Address | None = None
        """Where the peer's packets have been proven to come from: whatever else comes from there is admitted."""
        self._other_since: float | None = None

    def admits(self, source: Address, now: float) -> bool:
        """True when a packet from `source` is the peer's.

        The described address is always right. Another port of the same host is taken at once from behind a
        NAT, and otherwise when for half a second nothing came from the described one. Another host is never.
        """
        if source == self.remote and (self.proven is not None or not self._behind_nat):
            self.proven = source
            return True
        if source.host != self._expected.host:
            return False
        if source == self._expected and not self._behind_nat:
            self.remote = self.proven = source
            return True
        if self.proven is not None:
            return False
        if self._other_since is None:
            self._other_since = now
        if not self._behind_nat and now - self._other_since < LEARNING_SECONDS:
            return False
        self.remote = self.proven = source
        return True
