"""What the service manager hears of us: ready, at work, stopping (sd_notify(3), sd_watchdog_enabled(3)).

The watchdog is fed by work that was done, not by a timer: before each message the SIP port must have
answered an OPTIONS and the drivers of the modems must have gone round. A daemon whose loop or driver stands still,
or whose wires are deaf, is not fed and is started anew; its modems are told to hang up when it comes back.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping

log = logging.getLogger(__name__)

Proof = Callable[[], Awaitable[bool]]
"""Does a piece of the daemon's work; whether it was done."""

ANSWER_SECONDS = 2.0
BEGINNING_SECONDS = 120.0
"""What a daemon may take that begins anew in the same process: running calls end, a backup is put in place, a start."""


class Notifier:
    """The other end of NOTIFY_SOCKET; where there is none, everything said is silently lost."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """Take the variables out of `environment`, so that programs which we start do not speak for us."""
        path = environment.pop("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self.watchdog_seconds = _watchdog_seconds(environment)
        """Within this time of each other it wants signs of life; None: it does not watch us."""
        self._is_beginning = False

    def tell(self, *assignments: str) -> None:
        """`READY=1`, `STATUS=...`: one datagram. A manager that went away is no fault of ours."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as speaker:
            try:
                speaker.sendto("\n".join(assignments).encode(), self._address)
            except OSError as fault:
                log.debug("The service manager does not listen: %s", fault)

    def stops(self, *, anew: bool) -> None:
        """The end is near. `anew`: the same process starts once more, and nobody feeds the watchdog until it serves."""
        if not anew:
            self.tell("STOPPING=1")
        elif self.watchdog_seconds is not None:
            self._is_beginning = True
            self.tell(_patience(BEGINNING_SECONDS), "WATCHDOG=1")

    async def feed_watchdog(self, proofs: Mapping[str, Proof]) -> None:
        """While every one of `proofs` (by the name of what it proves) holds, say so; until cancelled.

        Returns at once when nobody watches us. Three rounds fit into the time the manager allows, so that one
        lost answer ends nothing.
        """
        if self.watchdog_seconds is None:
            return
        if self._is_beginning:
            self._is_beginning = False
            self.tell(_patience(self.watchdog_seconds))
        while True:
            failed = [name for name, proof in proofs.items() if not await proof()]
            if failed:
                log.error("No sign of life is given: %s does not work.", " and ".join(failed))
            else:
                self.tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_seconds / 3)


def _patience(seconds: float) -> str:
    """How long the manager waits for a sign of life from now on (sd_notify(3))."""
    return f"WATCHDOG_USEC={seconds * 1_000_000:.0f}"


def _watchdog_seconds(environment: MutableMapping[str, str]) -> float | None:
    microseconds = environment.pop("WATCHDOG_USEC", "")
    watched = environment.pop("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdigit() or int(microseconds) == 0 or watched != str(os.getpid()):
        return None
    return int(microseconds) / 1_000_000


async def sip_answers(host: str, port: int) -> bool:
    """Whether the SIP port answers an OPTIONS (RFC 3261 section 11) that comes by the wire, with whatever status."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[bool] = loop.create_future()
    try:
        transport, _ = await loop.create_datagram_endpoint(lambda: _Answer(answered), remote_addr=(host, port))
    except OSError:
        return False
    try:
        transport.sendto(_options(host, port, *transport.get_extra_info("sockname")[:2]))
        async with asyncio.timeout(ANSWER_SECONDS):
            return await answered
    except TimeoutError:
        return False
    finally:
        transport.close()


class _Answer(asyncio.DatagramProtocol):
    def __init__(self, answered: asyncio.Future[bool]) -> None:
        self._answered = answered

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:  # noqa: ARG002  # asyncio's signature
        if not self._answered.done():
            self._answered.set_result(data.startswith(b"SIP/2.0 "))

    def error_received(self, fault: Exception) -> None:  # noqa: ARG002  # asyncio's signature
        if not self._answered.done():
            self._answered.set_result(False)


def _options(host: str, port: int, our_host: str, our_port: int) -> bytes:
    """A whole OPTIONS; nobody registers the user `watchdog`, so nothing is kept of it."""
    there, here = (f"[{each}]" if ":" in each else each for each in (host, our_host))
    return (
        f"OPTIONS sip:watchdog@{there}:{port} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {here}:{our_port};branch=z9hG4bK{secrets.token_hex(8)};rport\r\n"
        f"Max-Forwards: 1\r\n"
        f"From: <sip:watchdog@{here}>;tag={secrets.token_hex(4)}\r\n"
        f"To: <sip:watchdog@{there}>\r\n"
        f"Call-ID: {secrets.token_hex(8)}\r\n"
        f"CSeq: 1 OPTIONS\r\n"
        f"Content-Length: 0\r\n\r\n"
    ).encode()
