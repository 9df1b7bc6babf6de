"""What stands before the voice of a browser's call: it finds the way to us by checks, and agrees on keys (RFC 8827)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.sip.browser_words import BrowserSide
from gateway.sip.ice import IceNames, answer_check, is_stun, read_check
from gateway.sip.transport import Address

if TYPE_CHECKING:
    from gateway.sip.dtls import DtlsClient

NOWHERE = Address("", 0)


class ProvenWay:
    """In the place of a Latch: whose checks were right is heard, and nobody else."""

    def __init__(self) -> None:
        self.remote = NOWHERE
        self.proven: Address | None = None
        self._ways: set[Address] = set()

    def admits(self, source: Address, _now: float) -> bool:
        """A check has come from there."""
        return source in self._ways

    def take(self, source: Address, *, nominates: bool) -> None:
        """A right check has come from there; media goes there when it is the first, or the browser wants it."""
        if len(self._ways) < _MOST_WAYS:
            self._ways.add(source)
        if (nominates or self.remote is NOWHERE) and source in self._ways:
            self.remote = self.proven = source


_MOST_WAYS = 32


class BrowserMedia:
    """Goes with one port. Until there are keys nothing is sent and nothing is taken."""

    def __init__(
        self, ours: IceNames, send: Callable[[bytes, Address], bool], on_keys: Callable[[bytes, bytes], None]
    ) -> None:
        """`send` puts a packet on the wire as it is; `on_keys` gets ours and theirs, once."""
        self.way = ProvenWay()
        self._ours = ours
        self._send = send
        self._theirs: BrowserSide | None = None
        self._on_keys = on_keys
        self._handshake: DtlsClient | None = None

    def agree(self, theirs: BrowserSide) -> None:
        """What the browser's description says; with an unchanged fingerprint the keys stay (RFC 8842 section 5.1)."""
        if self._theirs is None or self._theirs.fingerprint != theirs.fingerprint:
            # Here alone, so that nobody without a browser's call has OpenSSL's handshakes in memory.
            from gateway.sip.dtls import DtlsClient  # noqa: PLC0415  # as said above

            self.stop()
            self._handshake = DtlsClient(theirs.fingerprint, send=self._send_on, on_keys=self._on_keys)
            if self.way.proven is not None:
                self._handshake.begin()
        self._theirs = theirs

    def receive(self, data: bytes, source: Address) -> bool:
        """True when the packet was no voice, whatever it was (RFC 7983)."""
        if not data or data[0] >= 128:
            return False
        if self._theirs is None:
            return True
        if is_stun(data):
            check = read_check(data, self._ours, self._theirs.fragment)
            if check is not None:
                self.way.take(source, nominates=check.nominates)
                self._send(answer_check(check, source, self._ours), source)
                if self._handshake is not None:
                    self._handshake.begin()
        elif 20 <= data[0] < 64 and self._handshake is not None and source == self.way.remote:
            self._handshake.receive(data)
        return True

    def _send_on(self, data: bytes) -> None:
        self._send(data, self.way.remote)

    def stop(self) -> None:
        """The call is over; idempotent."""
        if self._handshake is not None:
            self._handshake.stop()
            self._handshake = None
