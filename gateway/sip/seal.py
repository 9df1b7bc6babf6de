"""How one party's packets are sealed: not at all, by keys in the descriptions, or by a handshake with a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.sip.browser_media import BrowserMedia
from gateway.sip.ice import IceNames
from gateway.sip.sdp import Agreement
from gateway.sip.srtp import Suite
from gateway.sip.transport import Address

if TYPE_CHECKING:
    from gateway.sip.sealed_packets import SecurePackets


class Seal:
    """Goes with one port, whose packets it never opens itself."""

    def __init__(self, send: Callable[[bytes, Address], bool], on_keys: Callable[[], None]) -> None:
        """`send` puts a packet on the wire as it is; `on_keys` is called when a browser's handshake is over."""
        self.packets: SecurePackets | None = None
        """What seals and opens now; None: in the clear, or not yet."""
        self.browser: BrowserMedia | None = None
        """The party is a browser."""
        self._send = send
        self._on_keys = on_keys
        self._before: SecurePackets | None = None
        """Outlives a while in the clear: a key that comes back goes on counting."""

    @property
    def is_wanted(self) -> bool:
        """Nothing may go out or be heard in the clear."""
        return self.packets is not None or self.browser is not None

    @property
    def is_ready(self) -> bool:
        """Packets may go out and be heard: in the clear, or because there are keys."""
        return self.browser is None or self.packets is not None

    def agree(self, agreement: Agreement, key: bytes, ice: IceNames | None) -> None:
        """As agreed, from now on: `key` is ours beside a `crypto` line, `ice` what we are called by a browser."""
        if agreement.browser is not None and ice is not None:
            if self.browser is None:
                self.browser = BrowserMedia(ice, self._send, self._take_keys)
            self.browser.agree(agreement.browser)
        elif agreement.crypto is not None:
            self.packets = self._with_keys(agreement.crypto.suite, key, agreement.crypto.key)
        else:
            self.packets = None

    def stop(self) -> None:
        """The call is over; idempotent."""
        if self.browser is not None:
            self.browser.stop()

    def _take_keys(self, ours: bytes, theirs: bytes) -> None:
        self.packets = self._with_keys(Suite.SHA1_80, ours, theirs)
        self._on_keys()

    def _with_keys(self, suite: Suite, ours: bytes, theirs: bytes) -> SecurePackets:
        if self._before is None:
            # Here alone, so that nobody without sealed calls has libsrtp in memory.
            from gateway.sip.sealed_packets import SecurePackets  # noqa: PLC0415  # as said above

            self._before = SecurePackets(suite, ours, theirs)
        self._before.rekey(suite, ours, theirs)
        return self._before
