"""SDP and the offer/answer model for one audio stream (RFC 4566, RFC 3264, RFC 3551, RFC 4733, RFC 4568)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gateway.audio.codec import Codec
from gateway.sip.browser_words import BROWSER_PROTOCOLS, BrowserSide, BrowserWords, browser_lines
from gateway.sip.grammar import MalformedMessage, refuse_controls
from gateway.sip.ice import IceNames, new_names
from gateway.sip.media_terms import DEFAULT_TERMS, MediaTerms
from gateway.sip.srtp import CryptoLine, Suite, new_key, parse_crypto
from gateway.sip.transport import Address
from gateway.sip.uri import is_ipv6
from gateway.telephony.shop import Srtp

CONTENT_TYPE = "application/sdp"
LONGEST_LINES = 500
OUR_EVENT_PAYLOADS = {8_000: 101, 48_000: 102}
"""What we offer, by clock; the peer's own number is used when it offers one."""

_STATIC = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 9: ("G722", 8000)}
_CODEC_OF_NAME = {(codec.facts.name.upper(), codec.facts.clock_rate): codec for codec in Codec} | {
    ("G722", 16_000): Codec.G722  # a common mistake: it means the same
}
_EVENTS = "TELEPHONE-EVENT"
_PLAIN = ("RTP/AVP", "RTP/AVPF")
_SECURE = ("RTP/SAVP", "RTP/SAVPF")
_RTPMAP = re.compile(r"(\d{1,3}) +([A-Za-z0-9.\-_]+)/(\d{1,6})(/\d{1,2})?", re.ASCII)
_MEDIA = re.compile(r"(\w[\w.\-]*) (\d{1,5})(?:/\d+)? ([\w/.\-]+)((?: [\w*.\-]+)*)", re.ASCII)


class Way(StrEnum):
    """Which way media goes, seen from whoever wrote the description (RFC 3264 section 5.1)."""

    BOTH = "sendrecv"
    SEND = "sendonly"
    RECEIVE = "recvonly"
    NONE = "inactive"

    @property
    def sends(self) -> bool:
        """The writer sends."""
        return self in (Way.BOTH, Way.SEND)

    @property
    def receives(self) -> bool:
        """The writer receives."""
        return self in (Way.BOTH, Way.RECEIVE)

    @property
    def mirrored(self) -> Way:
        """The same, seen from the other side."""
        return {Way.SEND: Way.RECEIVE, Way.RECEIVE: Way.SEND}.get(self, self)


@dataclass(frozen=True, slots=True)
class Format:
    """A payload number and what it means."""

    number: int
    name: str
    rate: int

    @property
    def codec(self) -> Codec | None:
        """The codec, if it is one of ours."""
        return _CODEC_OF_NAME.get((self.name, self.rate))


@dataclass(frozen=True, slots=True)
class Media:
    """One `m=` section. `host` is its own `c=` or that of the session."""

    kind: str
    port: int
    protocol: str
    raw_formats: str
    formats: tuple[Format, ...] = ()
    host: str = ""
    way: Way = Way.BOTH
    ptime_ms: int | None = None
    crypto: tuple[CryptoLine, ...] = ()
    rtcp_port: int | None = None
    has_rtcp_mux: bool = False
    browser: BrowserWords = field(default_factory=BrowserWords)

    def takes(self, terms: MediaTerms) -> bool:
        """RTP audio that is not switched off, and as secret as the terms want it."""
        protocol, srtp = self.protocol.upper(), terms.srtp
        if self.kind != "audio" or not self.port or not self.host:
            return False
        if terms.is_browser:
            return protocol in BROWSER_PROTOCOLS and self.has_rtcp_mux and self.browser.side is not None
        if protocol not in (*_PLAIN, *_SECURE):
            return False
        if srtp is Srtp.OFF:
            return protocol in _PLAIN
        return bool(self.crypto) or (srtp is Srtp.PREFERRED and protocol in _PLAIN)

    def crypto_for(self, srtp: Srtp) -> CryptoLine | None:
        """The line to take, by the strength of its suite; keys beside plain RTP are an offer too (RFC 8643)."""
        if srtp is Srtp.OFF or not self.crypto:
            return None
        return min(self.crypto, key=lambda line: list(Suite).index(line.suite))

    def events_for(self, clock_rate: int) -> Format | None:
        """Telephone events by the clock of the voice, as they should be (RFC 4733 section 2.1), or by another."""
        events = [each for each in self.formats if each.name == _EVENTS]
        return next((each for each in events if each.rate == clock_rate), events[0] if events else None)


@dataclass(frozen=True, slots=True)
class Description:
    """What a peer said: its sections in their order."""

    media: tuple[Media, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What both sides will do: where the peer hears, in which codec, and which payload number carries keys."""

    host: str
    port: int
    codec: Codec
    payload: int
    event_payload: int | None
    event_rate: int = 8_000
    also: tuple[Format, ...] = ()
    """What the peer named beside it by the same clock, and may send at any moment (RFC 3264 section 7)."""
    way: Way
    """Seen from us: what we may send and must expect."""
    ptime_ms: int = 20
    section: int = 0
    """Which of the description's sections it is about."""
    crypto: CryptoLine | None = None
    """The peer's line, when media is sealed."""
    rtcp_port: int | None = None
    """Where the peer hears reports, when it is not the port after its media."""
    has_rtcp_mux: bool = False
    """Reports travel on the port of the media (RFC 5761)."""
    browser: BrowserSide | None = None
    """The peer is a browser: keys are agreed on by a handshake, and checks find the way."""

    @property
    def is_held(self) -> bool:
        """The peer does not want to hear us."""
        return not self.way.sends


@dataclass(slots=True)
class LocalDescription:
    """Our side of one session: its identity, and a version that grows with each change (RFC 3264 section 8)."""

    host: str
    port: int
    terms: MediaTerms = DEFAULT_TERMS
    session_id: int = field(default_factory=lambda: secrets.randbits(31))
    version: int = field(default_factory=lambda: secrets.randbits(31))
    key: bytes = field(default_factory=new_key, repr=False)
    """What we seal with, should it be sealed."""
    ice: IceNames = field(default_factory=new_names)
    """What a browser calls us in its checks."""
    _last: tuple[str, ...] = ()

    def offer(self, way: Way = Way.BOTH) -> bytes:
        """An offer of every codec of the terms, and of telephone events.

        Where secrecy is wished for, not demanded, the keys stand beside plain RTP: a peer that does not know them
        passes over them (RFC 8643).
        """
        codecs = self.terms.spoken
        rates = sorted({codec.facts.clock_rate for codec in codecs})
        numbers = [codec.facts.payload for codec in codecs] + [OUR_EVENT_PAYLOADS[rate] for rate in rates]
        protocol = "RTP/SAVP" if self.terms.srtp is Srtp.REQUIRED else "RTP/AVP"
        if self.terms.is_browser:
            protocol = BROWSER_PROTOCOLS[0]
        section = [f"m=audio {self.port} {protocol} {' '.join(map(str, numbers))}"]
        for codec in codecs:
            section += _codec_lines(codec, codec.facts.payload)
        for rate in rates:
            section += _event_lines(OUR_EVENT_PAYLOADS[rate], rate)
        if self.terms.is_browser:
            section += browser_lines(self.ice, Address(self.host, self.port), "0")
        elif self.terms.srtp is not Srtp.OFF:
            section.append(f"a={CryptoLine(1, Suite.SHA1_80, self.key).attribute}")
        return self._write([*section, "a=ptime:20", f"a={way}"])

    def answer(self, offer: Description, agreed: Agreement) -> bytes:
        """The answer to `offer`: one section for each of its, all but the agreed one refused (RFC 3264 section 6)."""
        lines: list[str] = []
        for index, media in enumerate(offer.media):
            if index != agreed.section:
                lines.append(f"m={media.kind} 0 {media.protocol}{media.raw_formats}")
                continue
            events = "" if agreed.event_payload is None else f" {agreed.event_payload}"
            lines.append(f"m=audio {self.port} {media.protocol} {agreed.payload}{events}")
            lines += _codec_lines(agreed.codec, agreed.payload)
            if agreed.event_payload is not None:
                lines += _event_lines(agreed.event_payload, agreed.event_rate)
            if agreed.crypto is not None:
                lines.append(f"a={replace(agreed.crypto, key=self.key).attribute}")
            if agreed.browser is not None:
                lines += browser_lines(self.ice, Address(self.host, self.port), agreed.browser.mid)
            elif agreed.has_rtcp_mux:
                lines.append("a=rtcp-mux")
            lines += ["a=ptime:20", f"a={agreed.way}"]
        return self._write(lines)

    def _write(self, sections: list[str]) -> bytes:
        if self._last and self._last != tuple(sections):
            self.version += 1
        self._last = tuple(sections)
        family = "IP6" if is_ipv6(self.host) else "IP4"
        lines = [
            "v=0",
            f"o=- {self.session_id} {self.version} IN {family} {self.host}",
            "s=-",
            f"c=IN {family} {self.host}",
            "t=0 0",
            *(["a=ice-lite"] if self.terms.is_browser else []),
            *sections,
        ]
        return "".join(f"{refuse_controls(line)}\r\n" for line in lines).encode()


def agree(remote: Description, terms: MediaTerms = DEFAULT_TERMS, *, kept: Codec | None = None) -> Agreement | None:
    """What we can do with the peer's offer or answer; None: nothing in common.

    A call that is renegotiated stays with the codec that it has, `kept`, where the peer still can.
    """
    spoken = terms.spoken
    for index, media in sorted(enumerate(remote.media), key=lambda each: _is_plain(each[1], terms)):
        chosen = _chosen(media, terms, kept) if media.takes(terms) else None
        codec = None if chosen is None else chosen.codec
        if chosen is None or codec is None:
            continue
        events = media.events_for(codec.facts.clock_rate)
        way = media.way.mirrored
        if media.host in ("0.0.0.0", "::") and not terms.is_browser:
            way = Way.NONE if way in (Way.RECEIVE, Way.NONE) else Way.RECEIVE  # hold as of RFC 2543
        return Agreement(
            host=media.host,
            port=media.port,
            codec=codec,
            payload=chosen.number,
            event_payload=None if events is None else events.number,
            event_rate=8_000 if events is None else events.rate,
            also=tuple(each for each in media.formats if each.codec in spoken and _is_like(each, chosen)),
            way=way,
            ptime_ms=media.ptime_ms or 20,
            section=index,
            crypto=None if terms.is_browser else media.crypto_for(terms.srtp),
            browser=media.browser.side if terms.is_browser else None,
            rtcp_port=media.rtcp_port,
            has_rtcp_mux=media.has_rtcp_mux,
        )
    return None


def _is_like(each: Format, chosen: Format) -> bool:
    """Another codec, by the clock of the chosen one."""
    return each.codec is not None and each != chosen and each.rate == chosen.rate


def _is_plain(media: Media, terms: MediaTerms) -> bool:
    """Of two sections that offer the same voice, the sealed one comes first."""
    return media.crypto_for(terms.srtp) is None


def _chosen(media: Media, terms: MediaTerms, kept: Codec | None) -> Format | None:
    spoken = terms.spoken
    able = [each for each in media.formats if each.codec in spoken]

    def rank(each: Format) -> tuple[bool, int]:
        codec = each.codec
        if codec is None or codec is kept:
            return False, -1
        return (False, spoken.index(codec)) if terms.codecs else (codec.is_wide, 0)

    return min(able, key=rank, default=None)


def parse_sdp(body: bytes) -> Description:
    """The description. Raises MalformedMessage (400) for what is none."""
    text = body.decode("utf-8", "replace")
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > LONGEST_LINES or not lines[0].startswith("v=0"):
        raise MalformedMessage("The body is no session description.")
    session = Media("", 0, "", "")
    sections: list[Media] = []
    maps: list[dict[int, tuple[str, int]]] = []
    for line in lines:
        kind, equals, value = line.partition("=")
        if not equals:
            continue
        if kind == "m":
            kind, port, protocol, formats = _parse_media(value)
            sections.append(replace(session, kind=kind, port=port, protocol=protocol, raw_formats=formats))
            maps.append({})
        elif kind == "c" and sections:
            sections[-1] = replace(sections[-1], host=_parse_connection(value))
        elif kind == "c":
            session = replace(session, host=_parse_connection(value))
        elif kind == "a" and sections:
            sections[-1] = _with_attribute(sections[-1], value.strip(), maps[-1])
        elif kind == "a" and value.strip().partition(":")[0] in _OF_THE_WHOLE:
            session = _with_attribute(session, value.strip(), {})
    return Description(tuple(_with_formats(*each) for each in zip(sections, maps, strict=True)))


def _codec_lines(codec: Codec, number: int) -> list[str]:
    facts = codec.facts
    parameters = [f"a=fmtp:{number} {facts.parameters}"] if facts.parameters else []
    return [f"a=rtpmap:{number} {facts.rtpmap}", *parameters]


def _event_lines(number: int, rate: int) -> list[str]:
    return [f"a=rtpmap:{number} telephone-event/{rate}", f"a=fmtp:{number} 0-15"]


_OF_THE_WHOLE = frozenset((*Way, "ice-ufrag", "fingerprint", "setup"))
"""What may stand before the sections, and is so of each (RFC 8866 section 5.13)."""


def _parse_media(value: str) -> tuple[str, int, str, str]:
    """Kind, port, protocol and formats."""
    match = _MEDIA.fullmatch(value.strip())
    if match is None or int(match[2]) > 65535:
        raise MalformedMessage("A media line of the description is broken.")
    return match[1].lower(), int(match[2]), match[3], match[4]


def _parse_connection(value: str) -> str:
    words = value.split()
    if len(words) != 3 or words[0] != "IN" or words[1] not in ("IP4", "IP6"):
        raise MalformedMessage("A connection line of the description is broken.")
    return words[2].partition("/")[0]


def _with_attribute(media: Media, value: str, mapped: dict[int, tuple[str, int]]) -> Media:
    if value in set(Way):
        return replace(media, way=Way(value))
    name, _, rest = value.partition(":")
    if name == "rtpmap":
        match = _RTPMAP.fullmatch(rest.strip())
        if match is not None and int(match[1]) < 128:
            mapped[int(match[1])] = (match[2].upper(), int(match[3]))
    elif name == "ptime" and rest.strip().isascii() and rest.strip().isdigit():
        return replace(media, ptime_ms=min(int(rest.strip()[:4]), 200) or None)
    elif name == "crypto":
        line = parse_crypto(rest)
        return media if line is None else replace(media, crypto=(*media.crypto, line))
    elif name == "rtcp":
        port = rest.split()[0] if rest.split() else ""
        usable = port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65_536
        return replace(media, rtcp_port=int(port)) if usable else media
    elif value == "rtcp-mux":
        return replace(media, has_rtcp_mux=True)
    return replace(media, browser=media.browser.and_also(name, rest.strip()))


def _with_formats(media: Media, mapped: dict[int, tuple[str, int]]) -> Media:
    formats = []
    for word in media.raw_formats.split():
        if word.isascii() and word.isdigit() and len(word) <= 3:
            number = int(word)
            known = mapped.get(number) or _STATIC.get(number)
            if known is not None:
                formats.append(Format(number, *known))
    return replace(media, formats=tuple(formats))
