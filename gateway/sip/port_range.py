"""The UDP ports that media may have."""

from __future__ import annotations

import random
import socket
from dataclasses import dataclass

from gateway.errors import AddressInUse
from gateway.sip.transport import is_ipv6_host

_TRIES = 50


@dataclass(frozen=True, slots=True)
class PortRange:
    """The UDP ports for media, both ends included."""

    lowest: int
    highest: int

    def random_pair(self) -> int:
        """An even port whose odd neighbour is in the range too (RFC 3550 section 11); nobody guesses which."""
        first = (self.lowest + 1) // 2
        last = (self.highest - 1) // 2
        if last < first:
            raise AddressInUse("The range [sip] rtp_ports holds no even port with its neighbour.")
        return 2 * random.SystemRandom().randint(first, last)

    def bind_pair(self, host: str) -> tuple[socket.socket, socket.socket, int]:
        """Sockets for media and its reports at a random pair, and its lower number. Raises AddressInUse."""
        for _ in range(_TRIES):
            port = self.random_pair()
            rtp, rtcp = _bind(host, port), _bind(host, port + 1)
            if rtp is not None and rtcp is not None:
                return rtp, rtcp, port
            for each in (rtp, rtcp):
                if each is not None:
                    each.close()
        raise AddressInUse(
            f"No free pair of media ports at {host} between {self.lowest} and {self.highest}; "
            "make [sip] rtp_ports larger.",
            host=host,
        )


def _bind(host: str, port: int) -> socket.socket | None:
    """A bound socket that never blocks, or None when the port is taken."""
    bound = socket.socket(socket.AF_INET6 if is_ipv6_host(host) else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        bound.bind((host, port))
    except OSError:
        bound.close()
        return None
    return bound
