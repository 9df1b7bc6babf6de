"""`simbridge announce`: the name simbridge.local for this machine's address on the LAN (RFC 6762), by Avahi.

Avahi answers for the machine's own name by itself; this is for the name that stands in the documentation, whatever
the machine is called. Who has the name already keeps it: we say so and end, and the machine is reached by its address.
"""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable, Sequence

from gateway.sip.addresses import lan_addresses

log = logging.getLogger(__name__)

NAME = "simbridge.local"
PUBLISH = "/usr/bin/avahi-publish"
LOOK_SECONDS = 10.0
"""How soon a new address is noticed."""


def announce(
    *,
    program: str = PUBLISH,
    addresses: Callable[[], Sequence[str]] = lan_addresses,
    look_seconds: float = LOOK_SECONDS,
) -> int:
    """Keep the name at the address, also when that changes. 0: the name is another's; 1: Avahi does not work."""
    while True:
        address = _chosen(addresses())
        publisher = subprocess.Popen(  # noqa: S603  # a fixed program, a fixed name and an address of ours
            [program, "--address", "--no-reverse", NAME, address],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            said = _said_at_its_end(publisher, address, addresses, look_seconds)
        finally:
            publisher.terminate()
            publisher.communicate()
        if said is None:
            continue
        if "collision" in said.lower() or "conflict" in said.lower():
            log.info("Another machine is called %s already: it keeps the name. This one is at %s.", NAME, address)
            return 0
        log.error("Avahi does not publish %s: %s", NAME, said.strip() or "it has ended")
        return 1


def _said_at_its_end(
    publisher: subprocess.Popen[str], address: str, addresses: Callable[[], Sequence[str]], look_seconds: float
) -> str | None:
    """What Avahi's program has to say once it ends; None when it runs on, but our address is another one now."""
    log.info("%s is %s.", NAME, address)
    while True:
        try:
            return publisher.communicate(timeout=look_seconds)[1]
        except subprocess.TimeoutExpired:
            if _chosen(addresses()) != address:
                return None


def _chosen(found: Sequence[str]) -> str:
    """IPv4 where there is one: not every browser on a LAN goes by IPv6."""
    return next((each for each in found if ":" not in each), found[0])
