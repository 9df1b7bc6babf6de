"""InwardVoice: what a SIP party says, from its packets to frames."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from gateway.audio.codec import Codec
from gateway.audio.coder import Coder, new_coder
from gateway.audio.frame import FRAME_SAMPLES, Frame
from gateway.audio.full_band import FullBand
from gateway.audio.port import PortCounters
from gateway.sip.browser_media import ProvenWay
from gateway.sip.latch import Latch
from gateway.sip.quiet_peer import PAYLOAD_TYPE as COMFORT_NOISE
from gateway.sip.quiet_peer import QuietPeer
from gateway.sip.regroup import Regrouper
from gateway.sip.rtcp import Reception, is_rtcp
from gateway.sip.rtp import HEADER, HEADER_BYTES, Arrival, RtpPacket, Timeline, parse_rtp
from gateway.sip.sdp import Agreement
from gateway.sip.seal import Seal
from gateway.sip.telephone_event import KeyReceiver
from gateway.sip.transport import Address

_LONGEST_PAYLOAD_SAMPLES = 1_600


class Follower(Protocol):
    """A party that hears this one, and may take its packets as they are."""

    def speaks(self, codec: Codec) -> bool:
        """The party hears that codec."""

    def pass_on(self, payload: bytes, position: int, now: float) -> None:
        """Send 20 ms as they came."""


class InwardVoice:
    """Goes with one RtpPort, to whose listeners `deliver` gives each frame in the moment in which it comes."""

    def __init__(
        self,
        counters: PortCounters,
        reception: Reception,
        *,
        deliver: Callable[[Frame, int], None],
        on_report: Callable[[bytes, Address], None],
        count_listeners: Callable[[], int],
    ) -> None:
        """`on_report` gets what came among the voice but is a report (RFC 5761)."""
        self.on_key: Callable[[str], None] = lambda _key: None
        """Called once for each key that comes as a telephone event."""
        self.has_heard_keys = False
        """The peer presses its keys as telephone events."""
        self.last_heard_at: float | None = None
        """The loop's time of the peer's last packet."""
        self.full_band: FullBand | None = None
        """While somebody wants 16 kHz and the codec has them."""
        self.followers: list[Follower] = []
        self.is_handing_on = False
        """What is being delivered now goes to its followers unopened."""
        self._counters = counters
        self._reception = reception
        self._on_report = on_report
        self._count_listeners = count_listeners
        self._agreement: Agreement | None = None
        self._latch: Latch | ProvenWay | None = None
        self._seal: Seal | None = None
        self._codec = Codec.PCMA
        self._coder: Coder = new_coder(self._codec)
        self._decoders: dict[int, Coder] = {}
        """What the peer may send, by payload number."""
        self._usual_bytes = -1
        """The size of the packets that the short way is for: 20 ms of a codec with one byte a sample, not sealed."""
        self._usual_second = -1
        """The second byte of such a packet."""
        self._timeline = Timeline()
        self._regrouper = Regrouper(deliver)
        self._quiet = QuietPeer(self._regrouper.push)
        self._keys = KeyReceiver()
        self._next_position = 0
        self._recovered: deque[int] = deque(maxlen=16)
        """Positions of lost packets that a later one has told."""
        self._now = asyncio.get_running_loop().time

    def agree(self, agreement: Agreement, coder: Coder, latch: Latch | ProvenWay, seal: Seal) -> None:
        """Media as agreed, from now on; `coder` speaks its codec."""
        previous, self._agreement = self._agreement, agreement
        if previous is None or previous.codec is not agreement.codec:
            self._timeline.count_by(agreement.codec.facts.clock_rate)
        self._codec, self._coder, self._latch, self._seal = agreement.codec, coder, latch, seal
        self._decoders = {each.number: new_coder(each.codec) for each in agreement.also if each.codec is not None}
        self._decoders[agreement.payload] = coder
        is_usual = not seal.is_wanted and agreement.codec in (Codec.PCMA, Codec.PCMU)
        self._usual_bytes = HEADER_BYTES + FRAME_SAMPLES if is_usual else -1
        self._usual_second = agreement.payload

    def stop(self) -> None:
        """Nothing more is made up; idempotent."""
        self._quiet.stop()

    def arrived(self, data: bytes, source: tuple[str, int]) -> None:
        """A packet has come; nearly always the next 20 ms of a voice."""
        if len(data) == self._usual_bytes and self._latch is not None and source == self._latch.proven:
            first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
            if first == 0x80 and second == self._usual_second:
                now = self._now()
                position = self._timeline.next_position(sequence, timestamp, ssrc, now)
                if position is not None:
                    self.last_heard_at = now
                    self._counters.bytes_in += len(data)
                    self._reception.heard(ssrc, sequence, timestamp, now)
                    if self._quiet.is_quiet:
                        self._quiet.speaks(position)
                    self._regrouper.push(self._coder.decode(data[HEADER_BYTES:]), position + self._quiet.shift)
                    return
        self._receive(data, Address(source[0], source[1]))

    def _receive(self, data: bytes, source: Address) -> None:
        """The same, wherever anything is out of the ordinary."""
        now, seal = self._now(), self._seal
        if seal is None or (seal.browser is not None and (seal.browser.receive(data, source) or not seal.is_ready)):
            return
        if self._agreement is not None and self._agreement.has_rtcp_mux and is_rtcp(data):
            self._on_report(data, source)
            return
        if seal.packets is not None:
            opened = seal.packets.open(data)
            if opened is None:
                self._counters.refused += 1
                return
            data = opened
        packet = parse_rtp(data)
        if packet is None or self._agreement is None or self._latch is None or not self._latch.admits(source, now):
            return
        self.last_heard_at = now
        counters = self._counters
        counters.bytes_in += len(data)
        self._reception.heard(packet.ssrc, packet.sequence, packet.timestamp, now)
        arrival = self._timeline.arrived(packet)
        if self._timeline.lost > counters.lost:
            counters.gaps += 1
        counters.lost = self._timeline.lost
        match arrival:
            case Arrival.DUPLICATE:
                counters.duplicates += 1
            case Arrival.TOO_LATE:
                counters.dropped += 1
            case Arrival.LATE:
                counters.reordered += 1
                self._take(packet, self._agreement, now, late=True)
            case Arrival.NEXT:
                self._take(packet, self._agreement, now, late=False)

    def _take(self, packet: RtpPacket, agreement: Agreement, now: float, *, late: bool) -> None:
        if packet.payload_type == agreement.event_payload:
            key = self._keys.receive(packet)
            if key is not None:
                self.has_heard_keys = True
                self.on_key(key)
            return
        coder = self._decoders.get(packet.payload_type)
        if coder is not None and len(packet.payload) <= _LONGEST_PAYLOAD_SAMPLES:
            length = coder.samples_in(packet.payload)
            position = self._timeline.position(packet.timestamp, length, now, late=late) if length else None
            if position is None or position in self._recovered:
                self._counters.dropped += 1
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
        codec = self._codec
        self.is_handing_on = codec.is_wide and coder is self._coder and length == FRAME_SAMPLES
        followers = [each for each in self.followers if each.speaks(codec)] if self.is_handing_on else []
        for each in followers:
            each.pass_on(payload, position, now)
        if followers and len(followers) == self._count_listeners():
            self._counters.frames_in += 1
        else:
            decoder = self.full_band if self.full_band is not None and self.is_handing_on else coder
            if position == self._next_position + FRAME_SAMPLES:
                # One packet is missing, and this one may repeat it.
                lost = decoder.recover(payload)[:FRAME_SAMPLES]
                if len(lost):
                    self._recovered.append(self._next_position)
                    self._regrouper.push(lost, self._next_position + self._quiet.shift)
            self._regrouper.push(decoder.decode(payload), position + self._quiet.shift)
        self.is_handing_on = False
        self._next_position = max(self._next_position, position + length)
