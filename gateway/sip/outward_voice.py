"""OutwardVoice: what a SIP party hears, from frames, prompts and keys to packets."""

from __future__ import annotations

import asyncio

from gateway.audio.codec import Codec
from gateway.audio.coder import Coder, new_coder
from gateway.audio.frame import FRAME_SAMPLES, SILENCE, Frame
from gateway.audio.full_band import FullBand
from gateway.audio.port import FrameSource, MediaPort, PortCounters
from gateway.sip.browser_media import ProvenWay
from gateway.sip.latch import Latch
from gateway.sip.pacer import Pacer
from gateway.sip.reports import Reports
from gateway.sip.rtp import RtpSender
from gateway.sip.rtp_wire import RtpWire
from gateway.sip.sdp import Agreement
from gateway.sip.seal import Seal
from gateway.sip.telephone_event import KeySender

FILL_AFTER_SECONDS = 0.4
"""So long after the last frame we send silence, so that NAT mappings and the peer's own watchdog stay content."""


class OutwardVoice:
    """Goes with one RtpPort. What it is given it sends at once; what it has to send of its own accord, by the pacer."""

    def __init__(
        self, wire: RtpWire, counters: PortCounters, sender: RtpSender, reports: Reports, pacer: Pacer
    ) -> None:
        self.full_band: FullBand | None = None
        """While somebody wants 16 kHz and the codec has them."""
        self.full_band_from: MediaPort | None = None
        """Who is heard, and may have 16 kHz."""
        self._wire = wire
        self._counters = counters
        self._sender = sender
        self._reports = reports
        self._pacer = pacer
        self._agreement: Agreement | None = None
        self._latch: Latch | ProvenWay | None = None
        self._seal: Seal | None = None
        self._coder: Coder = new_coder(Codec.PCMA)
        self._payload_type = 0
        self._sends = False
        """Whether the agreement lets us speak."""
        self._keys = KeySender()
        self._source: FrameSource | None = None
        self._position = 0
        """Of the next frame of the source."""
        self._sent_at: float | None = None
        self._now = asyncio.get_running_loop().time

    def agree(self, agreement: Agreement, coder: Coder, latch: Latch | ProvenWay, seal: Seal) -> None:
        """Media as agreed, from now on; `coder` speaks its codec."""
        previous, self._agreement = self._agreement, agreement
        if previous is None or previous.codec is not agreement.codec:
            self._sender.count_by(agreement.codec.facts.clock_rate)
        self._coder, self._latch, self._seal = coder, latch, seal
        self._sends = agreement.way.sends
        self._payload_type = agreement.payload
        if self._wire.rtp is not None:
            self._pacer.slow.join(self._look)
            self._pace()

    def stop(self) -> None:
        """Send nothing more; idempotent."""
        self._pacer.leave(self._tick)
        self._pacer.slow.leave(self._look)

    def restart(self, source: FrameSource | None) -> None:
        """A new stream begins: `source`, or, with None, what is written."""
        self._source = source
        self._position = 0
        self._sender.begin()
        self._pace()

    def send_key(self, key: str) -> bool:
        """Send a key as a telephone event; False when the peer does not take them."""
        if self._agreement is None or self._agreement.event_payload is None:
            return False
        self._keys.send(key)
        self._pace()
        return True

    def write(self, frame: Frame, position: int) -> None:
        """Send a frame now."""
        if self._sends and not self._keys.is_busy:
            self._speak(self._encoded(frame), position, self._now())
        else:
            self._counters.dropped += 1

    def pass_on(self, payload: bytes, position: int, now: float) -> None:
        """Send 20 ms as they came; loss and order are passed on with them, for the peer's own decoder."""
        if self._sends and not self._keys.is_busy:
            self._speak(payload, position, now)
        else:
            self._counters.dropped += 1

    def _encoded(self, frame: Frame) -> bytes:
        if self.full_band is not None and self.full_band_from is not None:
            wide = self.full_band_from.full_band(frame)
            if wide is not None:
                return self.full_band.encode(wide)
        return self._coder.encode(frame)

    def _speak(self, payload: bytes, position: int, now: float) -> None:
        packet = self._sender.audio(self._payload_type, payload, position, now)
        if packet is None:
            self._counters.dropped += 1
            return
        self._send(packet)
        self._sent_at = now
        self._counters.frames_out += 1

    def _pace(self) -> None:
        """Have the tick of 20 ms while there is something to send of our own accord."""
        if self._wire.rtp is not None and self._agreement is not None:
            if self._source is not None or self._keys.is_busy:
                self._pacer.join(self._tick)
            else:
                self._pacer.leave(self._tick)

    def _tick(self) -> None:
        """Every 20 ms: the next of a prompt, or of a key."""
        agreement = self._agreement
        now = self._now()
        if agreement is None:
            return
        if self._keys.is_busy and agreement.event_payload is not None:
            packet = self._keys.next_packet(self._sender, agreement.event_payload, now, agreement.event_rate)
            if packet is not None:
                self._send(packet)
            self._sent_at = now
            return
        frame = None
        if self._source is not None:
            frame = self._source.next_frame()
            if frame is None:
                self._source = None
        if frame is not None:
            self.write(frame, self._position)
            self._position += FRAME_SAMPLES
        else:
            self._pace()

    def _look(self) -> None:
        """Ten times a second: one frame of silence where nothing else goes out; no stream, but a sign of life."""
        agreement, now = self._agreement, self._now()
        is_ready = self._seal is not None and self._seal.is_ready
        if is_ready and self._latch is not None and self._wire.rtp is not None and self._wire.rtcp is not None:
            self._reports.look(now, self._latch.remote, self._wire.rtp, self._wire.rtcp)
        if agreement is None or not self._sends or self._source is not None:
            return
        if self._sent_at is not None and now - self._sent_at < FILL_AFTER_SECONDS:
            return
        self._sender.begin()
        packet = self._sender.audio(agreement.payload, self._coder.encode(SILENCE), 0, now)
        if packet is not None:
            self._send(packet)
        self._sender.begin()
        self._sent_at = now

    def _send(self, packet: bytes) -> None:
        seal = self._seal
        if self._wire.rtp is None or self._latch is None or seal is None or not seal.is_ready:
            return
        sealed = packet if seal.packets is None else seal.packets.seal(packet)
        if sealed is None or not self._wire.send(sealed, self._latch.remote):
            self._counters.dropped += 1
            return
        self._counters.bytes_out += len(packet)
