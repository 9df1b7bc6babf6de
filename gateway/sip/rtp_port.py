"""RtpPort: the media of one SIP party, on a pair of UDP ports of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gateway.audio.codec import Codec
from gateway.audio.coder import Coder, new_coder
from gateway.audio.frame import FRAME_SAMPLES, SILENCE, Frame
from gateway.audio.full_band import FullBand
from gateway.audio.port import MEASURED_SAMPLES, FrameSource, MediaPort, PortCounters
from gateway.sip.latch import Latch
from gateway.sip.pacer import Pacer
from gateway.sip.port_range import PortRange
from gateway.sip.quiet_peer import PAYLOAD_TYPE as COMFORT_NOISE
from gateway.sip.quiet_peer import QuietPeer
from gateway.sip.regroup import Regrouper
from gateway.sip.reports import Reports
from gateway.sip.rtcp import is_rtcp
from gateway.sip.rtp import HEADER, HEADER_BYTES, Arrival, RtpPacket, RtpSender, Timeline, parse_rtp
from gateway.sip.rtp_wire import RtpWire
from gateway.sip.sdp import Agreement
from gateway.sip.telephone_event import KeyReceiver, KeySender
from gateway.sip.transport import Address

if TYPE_CHECKING:
    from gateway.sip.sealed_packets import SecurePackets

FILL_AFTER_SECONDS = 0.4
"""So long after the last frame we send silence, so that NAT mappings and the peer's own watchdog stay content."""
_LONGEST_PAYLOAD_SAMPLES = 1_600


class RtpPort(MediaPort):
    """Sends what it is given at once, and gives what arrives to its listeners in the same moment."""

    def __init__(self, pacer: Pacer, ports: PortRange) -> None:
        super().__init__()
        self.on_key: Callable[[str], None] = lambda _key: None
        """Called once for each key that comes as a telephone event."""
        self.has_heard_keys = False
        """The peer presses its keys as telephone events."""
        self.last_heard_at: float | None = None
        """The loop's time of the peer's last packet."""
        self._pacer = pacer
        self.wire = RtpWire(ports, self._arrived, self._take_report)
        """The ports on which it is spoken."""
        self._agreement: Agreement | None = None
        self._coder: Coder = new_coder(Codec.PCMA)
        self._decoders: dict[int, Coder] = {}
        """What the peer may send, by payload number."""
        self._latch: Latch | None = None
        self._secure: SecurePackets | None = None
        self._sealed_before: SecurePackets | None = None
        """Outlives a while in the clear: a key that comes back goes on counting."""
        self._timeline = Timeline()
        self._regrouper = Regrouper(self._deliver_counted)
        self._quiet = QuietPeer(self._regrouper.push)
        self._sender = RtpSender()
        self._reports = Reports(self._sender, self.counters)
        self._keys_in = KeyReceiver()
        self._keys_out = KeySender()
        self._followers: list[RtpPort] = []
        """Parties that hear this one."""
        self._is_handing_on = False
        self._next_position = 0
        self._recovered: deque[int] = deque(maxlen=16)
        """Positions of lost packets that a later one has told."""
        self._source: FrameSource | None = None
        self._full_band_from: MediaPort | None = None
        """Who is heard, and may have 16 kHz."""
        self._position = 0
        self._sent_at: float | None = None
        self._now = asyncio.get_running_loop().time
        self._payload_type = 0
        self._sends = False
        """Whether the agreement lets us speak."""
        self._wants_full_band = 0
        """By how many it is asked for."""
        self._full_band: FullBand | None = None
        """While somebody wants 16 kHz and the codec has them."""
        self._usual_bytes = -1
        """The size of the packets that the short way is for: 20 ms of a codec with one byte a sample, not sealed."""

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
        return self._secure is not None

    def open(self, host: str) -> None:
        """Bind a random pair of ports at `host`. Raises AddressInUse when none is free."""
        self.wire.open(host)

    def close(self) -> None:
        """Free the ports; idempotent."""
        self._pacer.leave(self._tick)
        self._pacer.slow.leave(self._look)
        self._quiet.stop()
        self.wire.close()

    def agree(self, agreement: Agreement, remote: Address, key: bytes = b"") -> None:
        """Begin or change the media; `remote` is where packets may go, which may differ from what was described.

        `key` is what we seal with when the agreement has a `crypto` line.
        """
        previous, self._agreement = self._agreement, agreement
        if previous is None or previous.codec is not agreement.codec:
            self._coder = new_coder(agreement.codec)
            clock_rate = agreement.codec.facts.clock_rate
            self._timeline.count_by(clock_rate)
            self._sender.count_by(clock_rate)
            self._provide_full_band(agreement.codec)
        self._decoders = {each.number: new_coder(each.codec) for each in agreement.also if each.codec is not None}
        self._decoders[agreement.payload] = self._coder
        self._secure = None
        if agreement.crypto is not None:
            if self._sealed_before is None:
                # Here alone, so that nobody without sealed calls has libsrtp in memory.
                from gateway.sip.sealed_packets import SecurePackets  # noqa: PLC0415  # as said above

                self._sealed_before = SecurePackets(agreement.crypto.suite, key, agreement.crypto.key)
            self._sealed_before.rekey(agreement.crypto.suite, key, agreement.crypto.key)
            self._secure = self._sealed_before
        if (
            previous is None
            or self._latch is None
            or previous.port != agreement.port
            or previous.host != agreement.host
        ):
            self._latch = Latch(remote, behind_nat=remote.host != agreement.host)
        self._reports.agree(agreement, self._secure, is_behind_nat=remote.host != agreement.host)
        self._sends = agreement.way.sends
        self.is_due = agreement.way.receives
        self.wire_codec = agreement.codec.value
        self._payload_type = agreement.payload
        is_usual = self._secure is None and agreement.codec in (Codec.PCMA, Codec.PCMU)
        self._usual_bytes = HEADER_BYTES + FRAME_SAMPLES if is_usual else -1
        if self.wire.rtp is not None:
            self._pacer.slow.join(self._look)
            self._pace()

    def send_key(self, key: str) -> bool:
        """Send a key as a telephone event; False when the peer does not take them."""
        if self._agreement is None or self._agreement.event_payload is None:
            return False
        self._keys_out.send(key)
        self._pace()
        return True

    # What the party hears.

    def hear(self, other: MediaPort | None) -> None:
        """As of every port; from a party with the same wide-band codec the packets are passed on unopened."""
        if not isinstance(other, RtpPort):
            super().hear(other)
            self._full_band_from = other
            return
        self._leave()
        self._restart(None)
        self._follow(other)

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
        self.hears_full_band = self._full_band is not None

    def full_band(self, frame: Frame) -> NDArray[np.int16] | None:
        """As of every port."""
        return None if self._full_band is None else self._full_band.twin_of(frame)

    def speaks(self, codec: Codec) -> bool:
        """The party hears that codec."""
        return self._agreement is not None and self._agreement.codec is codec

    def pass_on(self, payload: bytes, position: int, now: float) -> None:
        """Send 20 ms as they came; loss and order are passed on with them, for the peer's own decoder."""
        if self._sends and not self._keys_out.is_busy:
            self._speak(payload, position, now)
        else:
            self.counters.dropped += 1

    def _follow(self, other: RtpPort) -> None:
        """Hear `other`: what it hands on whole, and frames of the rest."""

        def write(frame: Frame, position: int) -> None:
            if not (other._is_handing_on and other._agreement is not None and self.speaks(other._agreement.codec)):
                self._write(frame, position)

        stop_listening = other.listen(write)
        other._followers.append(self)
        # Two wide codecs that are not the same still have 16 kHz in common.
        ours, theirs = self.codec, other.codec
        is_full = ours is not theirs and all(codec is not None and codec.is_wide for codec in (ours, theirs))
        self._full_band_from = other if is_full else None
        for port in (self, other) if is_full else ():
            port.ask_full_band(wanted=True)

        def stop() -> None:
            for port in (self, other) if is_full else ():
                port.ask_full_band(wanted=False)
            stop_listening()
            other._followers.remove(self)

        self._stop_hearing = stop

    def _restart(self, source: FrameSource | None) -> None:
        self._source = source
        self._position = 0
        self._sender.begin()
        self._pace()

    def _write(self, frame: Frame, position: int) -> None:
        if self._sends and not self._keys_out.is_busy:
            self._speak(self._encoded(frame), position, self._now())
        else:
            self.counters.dropped += 1

    def _encoded(self, frame: Frame) -> bytes:
        if self._full_band is not None and self._full_band_from is not None:
            wide = self._full_band_from.full_band(frame)
            if wide is not None:
                return self._full_band.encode(wide)
        return self._coder.encode(frame)

    def _speak(self, payload: bytes, position: int, now: float) -> None:
        packet = self._sender.audio(self._payload_type, payload, position, now)
        if packet is None:
            self.counters.dropped += 1
            return
        self._send(packet)
        self._sent_at = now
        self.counters.frames_out += 1

    def _pace(self) -> None:
        """Have the tick of 20 ms while there is something to send of our own accord."""
        if self.wire.rtp is not None and self._agreement is not None:
            if self._source is not None or self._keys_out.is_busy:
                self._pacer.join(self._tick)
            else:
                self._pacer.leave(self._tick)

    def _tick(self) -> None:
        """Every 20 ms: the next of a prompt, or of a key."""
        agreement = self._agreement
        now = self._now()
        if agreement is None:
            return
        if self._keys_out.is_busy and agreement.event_payload is not None:
            packet = self._keys_out.next_packet(self._sender, agreement.event_payload, now, agreement.event_rate)
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
            self._write(frame, self._position)
            self._position += FRAME_SAMPLES
        else:
            self._pace()

    def _look(self) -> None:
        """Ten times a second: one frame of silence where nothing else goes out; no stream, but a sign of life."""
        agreement, now = self._agreement, self._now()
        if self._latch is not None and self.wire.rtp is not None and self.wire.rtcp is not None:
            self._reports.look(now, self._latch.remote, self.wire.rtp, self.wire.rtcp)
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
        if self.wire.rtp is None or self._latch is None:
            return
        sealed = packet if self._secure is None else self._secure.seal(packet)
        if sealed is None or not self.wire.send(sealed, self._latch.remote):
            self.counters.dropped += 1
            return
        self.counters.bytes_out += len(packet)

    # What the party says.

    def _arrived(self, data: bytes, source: tuple[str, int]) -> None:
        """A packet has come; nearly always the next 20 ms of a voice."""
        if len(data) == self._usual_bytes and self._latch is not None and source == self._latch.proven:
            first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
            if first == 0x80 and self._agreement is not None and second == self._agreement.payload:
                now = self._now()
                position = self._timeline.next_position(sequence, timestamp, ssrc, now)
                if position is not None:
                    self.last_heard_at = now
                    self.counters.bytes_in += len(data)
                    self._reports.reception.heard(ssrc, sequence, timestamp, now)
                    if self._quiet.is_quiet:
                        self._quiet.speaks(position)
                    self._regrouper.push(self._coder.decode(data[HEADER_BYTES:]), position + self._quiet.shift)
                    return
        self._receive(data, Address(source[0], source[1]))

    def _receive(self, data: bytes, source: Address) -> None:
        """The same, wherever anything is out of the ordinary."""
        now = self._now()
        if self._agreement is not None and self._agreement.has_rtcp_mux and is_rtcp(data):
            self._take_report(data, source)
            return
        if self._secure is not None:
            opened = self._secure.open(data)
            if opened is None:
                self.counters.refused += 1
                return
            data = opened
        packet = parse_rtp(data)
        if packet is None or self._agreement is None or self._latch is None or not self._latch.admits(source, now):
            return
        self.last_heard_at = now
        self.counters.bytes_in += len(data)
        self._reports.reception.heard(packet.ssrc, packet.sequence, packet.timestamp, now)
        arrival = self._timeline.arrived(packet)
        if self._timeline.lost > self.counters.lost:
            self.counters.gaps += 1
        self.counters.lost = self._timeline.lost
        match arrival:
            case Arrival.DUPLICATE:
                self.counters.duplicates += 1
            case Arrival.TOO_LATE:
                self.counters.dropped += 1
            case Arrival.LATE:
                self.counters.reordered += 1
                self._take(packet, now, late=True)
            case Arrival.NEXT:
                self._take(packet, now, late=False)

    def _take(self, packet: RtpPacket, now: float, *, late: bool) -> None:
        agreement = self._agreement
        if agreement is None:
            return
        if packet.payload_type == agreement.event_payload:
            key = self._keys_in.receive(packet)
            if key is not None:
                self.has_heard_keys = True
                self.on_key(key)
            return
        coder = self._decoders.get(packet.payload_type)
        if coder is not None and len(packet.payload) <= _LONGEST_PAYLOAD_SAMPLES:
            length = coder.samples_in(packet.payload)
            position = self._timeline.position(packet.timestamp, length, now, late=late) if length else None
            if position is None or position in self._recovered:
                self.counters.dropped += 1
            else:
                self._take_voice(packet.payload, coder, length, position, now)
        elif packet.payload_type == COMFORT_NOISE:
            position = self._timeline.position(packet.timestamp, FRAME_SAMPLES, now, late=late)
            if position is not None:
                self._quiet.told(packet.payload, position, now)
        # What was not agreed carries nothing that we play.

    def _take_voice(self, payload: bytes, coder: Coder, length: int, position: int, now: float) -> None:
        """Hand a packet on unopened to whoever speaks the same wide codec, and open it for the others."""
        self._quiet.speaks(position)
        codec = Codec.PCMA if self._agreement is None else self._agreement.codec
        self._is_handing_on = codec.is_wide and coder is self._coder and length == FRAME_SAMPLES
        followers = [each for each in self._followers if each.speaks(codec)] if self._is_handing_on else []
        for each in followers:
            each.pass_on(payload, position, now)
        if followers and len(followers) == len(self._listeners):
            self.counters.frames_in += 1
        else:
            decoder = self._full_band if self._full_band is not None and self._is_handing_on else coder
            if position == self._next_position + FRAME_SAMPLES:
                # One packet is missing, and this one may repeat it.
                lost = decoder.recover(payload)[:FRAME_SAMPLES]
                if len(lost):
                    self._recovered.append(self._next_position)
                    self._regrouper.push(lost, self._next_position + self._quiet.shift)
            self._regrouper.push(decoder.decode(payload), position + self._quiet.shift)
        self._is_handing_on = False
        self._next_position = max(self._next_position, position + length)

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
