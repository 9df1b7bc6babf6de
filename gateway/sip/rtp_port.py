"""RtpPort: the media of one SIP party, on a pair of UDP ports of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gateway.audio.codec import Codec
from gateway.audio.coder import Coder, new_coder
from gateway.audio.frame import Frame
from gateway.audio.full_band import FullBand
from gateway.audio.port import MEASURED_SAMPLES, FrameSource, MediaPort, PortCounters
from gateway.sip.browser_media import ProvenWay
from gateway.sip.ice import IceNames
from gateway.sip.inward_voice import InwardVoice
from gateway.sip.latch import Latch
from gateway.sip.outward_voice import OutwardVoice
from gateway.sip.pacer import Pacer
from gateway.sip.port_range import PortRange
from gateway.sip.reports import Reports
from gateway.sip.rtp import RtpSender
from gateway.sip.rtp_wire import RtpWire
from gateway.sip.sdp import Agreement
from gateway.sip.seal import Seal
from gateway.sip.transport import Address


class RtpPort(MediaPort):
    """Sends what it is given at once, and gives what arrives to its listeners in the same moment.

    What the party says goes through its InwardVoice, what it hears through its OutwardVoice; here is what both share.
    """

    def __init__(self, pacer: Pacer, ports: PortRange) -> None:
        super().__init__()
        self._agreement: Agreement | None = None
        self._coder: Coder = new_coder(Codec.PCMA)
        self._latch: Latch | ProvenWay | None = None
        self._wants_full_band = 0
        """By how many it is asked for."""
        self._full_band: FullBand | None = None
        """While somebody wants 16 kHz and the codec has them."""
        self._now = asyncio.get_running_loop().time
        self._sender = RtpSender()
        self._reports = Reports(self._sender, self.counters)
        self._inward = InwardVoice(
            self.counters,
            self._reports.reception,
            deliver=self._deliver_counted,
            on_report=self._take_report,
            count_listeners=lambda: len(self._listeners),
        )
        self.wire = RtpWire(ports, self._inward.arrived, self._take_report)
        """The ports on which it is spoken."""
        self._seal = Seal(self.wire.send, self._has_keys)
        self._outward = OutwardVoice(self.wire, self.counters, self._sender, self._reports, pacer)

    @property
    def local(self) -> Address:
        """Where the peer must send, once the port is open."""
        return self.wire.local

    @property
    def remote(self) -> Address | None:
        """Where our packets go, once something was agreed."""
        return None if self._latch is None else self._latch.remote

    @property
    def codec(self) -> Codec | None:
        """What is spoken with the party, once something was agreed."""
        return None if self._agreement is None else self._agreement.codec

    @property
    def is_sealed(self) -> bool:
        """The media is encrypted."""
        return self._seal.is_wanted

    @property
    def has_heard_keys(self) -> bool:
        """The peer presses its keys as telephone events."""
        return self._inward.has_heard_keys

    @property
    def last_heard_at(self) -> float | None:
        """The loop's time of the peer's last packet."""
        return self._inward.last_heard_at

    def tell_keys(self, on_key: Callable[[str], None]) -> None:
        """Call `on_key` once for each key that comes as a telephone event, from now on."""
        self._inward.on_key = on_key

    def open(self, host: str) -> None:
        """Bind a random pair of ports at `host`. Raises AddressInUse when none is free."""
        self.wire.open(host)

    def close(self) -> None:
        """Free the ports; idempotent."""
        self._outward.stop()
        self._inward.stop()
        self._seal.stop()
        self.wire.close()

    def agree(self, agreement: Agreement, remote: Address, key: bytes = b"", ice: IceNames | None = None) -> None:
        """Begin or change the media; `remote` is where packets may go, which may differ from what was described.

        `key` is what we seal with when the agreement has a `crypto` line, `ice` what we are called by a browser.
        """
        previous, self._agreement = self._agreement, agreement
        if previous is None or previous.codec is not agreement.codec:
            self._coder = new_coder(agreement.codec)
            self._provide_full_band(agreement.codec)
        self._seal.agree(agreement, key, ice)
        if self._seal.browser is not None:
            self._latch = self._seal.browser.way
        elif (
            previous is None
            or self._latch is None
            or previous.port != agreement.port
            or previous.host != agreement.host
        ):
            self._latch = Latch(remote, behind_nat=remote.host != agreement.host)
        self._reports.agree(agreement, self._seal.packets, is_behind_nat=remote.host != agreement.host)
        self.is_due = agreement.way.receives
        self.wire_codec = agreement.codec.value
        self._inward.agree(agreement, self._coder, self._latch, self._seal)
        self._outward.agree(agreement, self._coder, self._latch, self._seal)

    def _has_keys(self) -> None:
        """A browser's handshake is over."""
        if self._agreement is not None:
            self._reports.agree(self._agreement, self._seal.packets, is_behind_nat=False)

    def send_key(self, key: str) -> bool:
        """Send a key as a telephone event; False when the peer does not take them."""
        return self._outward.send_key(key)

    # What the party hears.

    def hear(self, other: MediaPort | None) -> None:
        """As of every port; from a party with the same wide-band codec the packets are passed on unopened."""
        self._leave()
        self._restart(None)
        if isinstance(other, RtpPort):
            self._follow(other)
            return
        self._outward.full_band_from = other
        if other is not None:
            self._stop_hearing = other.listen(self._outward.write)

    def ask_full_band(self, *, wanted: bool) -> bool:
        """As of every port: with a wide-band codec there are 16 kHz."""
        self._wants_full_band += 1 if wanted else -1
        codec = self.codec
        if codec is None or not codec.is_wide:
            return False
        if (self._full_band is None) is bool(self._wants_full_band):
            self._provide_full_band(codec)
        return True

    def _provide_full_band(self, codec: Codec) -> None:
        self._full_band = FullBand(codec) if self._wants_full_band and codec.is_wide else None
        self._inward.full_band = self._outward.full_band = self._full_band
        self.hears_full_band = self._full_band is not None

    def full_band(self, frame: Frame) -> NDArray[np.int16] | None:
        """As of every port."""
        return None if self._full_band is None else self._full_band.twin_of(frame)

    def speaks(self, codec: Codec) -> bool:
        """The party hears that codec."""
        return self._agreement is not None and self._agreement.codec is codec

    def pass_on(self, payload: bytes, position: int, now: float) -> None:
        """Send 20 ms as they came; loss and order are passed on with them, for the peer's own decoder."""
        self._outward.pass_on(payload, position, now)

    def _follow(self, other: RtpPort) -> None:
        """Hear `other`: what it hands on whole, and frames of the rest."""
        inward, outward = other._inward, self._outward

        def write(frame: Frame, position: int) -> None:
            if not (inward.is_handing_on and other._agreement is not None and self.speaks(other._agreement.codec)):
                outward.write(frame, position)

        stop_listening = other.listen(write)
        inward.followers.append(self)
        # Two wide codecs that are not the same still have 16 kHz in common.
        ours, theirs = self.codec, other.codec
        is_full = ours is not theirs and all(codec is not None and codec.is_wide for codec in (ours, theirs))
        outward.full_band_from = other if is_full else None
        for port in (self, other) if is_full else ():
            port.ask_full_band(wanted=True)

        def stop() -> None:
            for port in (self, other) if is_full else ():
                port.ask_full_band(wanted=False)
            stop_listening()
            inward.followers.remove(self)

        self._stop_hearing = stop

    def _restart(self, source: FrameSource | None) -> None:
        self._outward.restart(source)

    def _write(self, frame: Frame, position: int) -> None:
        self._outward.write(frame, position)

    # What the party says.

    def settled(self) -> PortCounters:
        """The jitter is written with each report only."""
        self.counters.jitter_ms = round(self._reports.reception.jitter_ms, 1)
        return self.counters

    def _deliver_counted(self, frame: Frame, position: int) -> None:
        self.counters.frames_in += 1
        if not position % MEASURED_SAMPLES:
            self.level.feed(frame, self._now())
        for listener in self._listeners:
            listener(frame, position)

    def _take_report(self, data: bytes, source: Address) -> None:
        if self._latch is not None:
            self._reports.receive(data, source, self._latch.remote, self._now())
