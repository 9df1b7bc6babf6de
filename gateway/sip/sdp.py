"""SDP and the offer/answer model for one audio stream (RFC 4566, RFC 3264, RFC 3551, RFC 4733)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gateway.audio.g711 import Law
from gateway.sip.grammar import MalformedMessage, refuse_controls
from gateway.sip.uri import is_ipv6

CONTENT_TYPE = "application/sdp"
LONGEST_LINES = 500
OUR_EVENT_PAYLOAD = 101
"""What we offer; the peer's own number is used when it offers one."""

_STATIC = {0: ("PCMU", 8000), 8: ("PCMA", 8000)}
_LAW_OF_NAME = {"PCMU": Law.ULAW, "PCMA": Law.ALAW}
_NUMBER_OF_LAW = {Law.ULAW: 0, Law.ALAW: 8}
_RTPMAP = re.compile(r"(\d{1,3}) ([A-Za-z0-9.\-_]+)/(\d{1,6})(/\d{1,2})?", re.ASCII)
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

    @property
    def is_usable_audio(self) -> bool:
        """Plain RTP audio that is not switched off."""
        return self.kind == "audio" and self.port > 0 and self.protocol.upper() == "RTP/AVP"

    def find(self, name: str) -> Format | None:
        """The first format of that encoding name at 8 kHz."""
        return next((each for each in self.formats if each.name == name and each.rate == 8000), None)


@dataclass(frozen=True, slots=True)
class Description:
    """What a peer said: its sections in their order."""

    media: tuple[Media, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What both sides will do: where the peer hears, in which law, and which payload number carries keys."""

    host: str
    port: int
    law: Law
    payload: int
    event_payload: int | None
    way: Way
    """Seen from us: what we may send and must expect."""
    ptime_ms: int = 20

    @property
    def is_held(self) -> bool:
        """The peer does not want to hear us."""
        return not self.way.sends


@dataclass(slots=True)
class LocalDescription:
    """Our side of one session: its identity, and a version that grows with each change (RFC 3264 section 8)."""

    host: str
    port: int
    session_id: int = field(default_factory=lambda: secrets.randbits(31))
    version: int = field(default_factory=lambda: secrets.randbits(31))
    _last: tuple[str, ...] = ()

    def offer(self, way: Way = Way.BOTH) -> bytes:
        """An offer of both laws and telephone events."""
        section = [f"m=audio {self.port} RTP/AVP 8 0 {OUR_EVENT_PAYLOAD}"]
        section += ["a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000"]
        return self._write(section + _event_lines(OUR_EVENT_PAYLOAD) + ["a=ptime:20", f"a={way}"])

    def answer(self, offer: Description, agreed: Agreement) -> bytes:
        """The answer to `offer`: one section for each of its, all but the agreed one refused (RFC 3264 section 6)."""
        lines: list[str] = []
        taken = False
        for media in offer.media:
            if taken or not media.is_usable_audio:
                lines.append(f"m={media.kind} 0 {media.protocol}{media.raw_formats}")
                continue
            taken = True
            events = "" if agreed.event_payload is None else f" {agreed.event_payload}"
            name = "PCMU" if agreed.law is Law.ULAW else "PCMA"
            lines.append(f"m=audio {self.port} RTP/AVP {agreed.payload}{events}")
            lines.append(f"a=rtpmap:{agreed.payload} {name}/8000")
            if agreed.event_payload is not None:
                lines += _event_lines(agreed.event_payload)
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
            *sections,
        ]
        return "".join(f"{refuse_controls(line)}\r\n" for line in lines).encode()


def agree(remote: Description, *, first_law: Law | None = None) -> Agreement | None:
    """What we can do with the peer's offer or answer; None: nothing in common.

    The peer's order of laws is followed, unless it can do `first_law` too.
    """
    media = next((each for each in remote.media if each.is_usable_audio), None)
    if media is None or not media.host:
        return None
    laws = [each for each in media.formats if each.name in _LAW_OF_NAME and each.rate == 8000]
    if not laws:
        return None
    chosen = next((each for each in laws if _LAW_OF_NAME[each.name] is first_law), laws[0])
    events = media.find("TELEPHONE-EVENT")
    way = media.way.mirrored
    if media.host in ("0.0.0.0", "::"):
        way = Way.NONE if way in (Way.RECEIVE, Way.NONE) else Way.RECEIVE  # hold as of RFC 2543
    return Agreement(
        host=media.host,
        port=media.port,
        law=_LAW_OF_NAME[chosen.name],
        payload=chosen.number,
        event_payload=None if events is None else events.number,
        way=way,
        ptime_ms=media.ptime_ms or 20,
    )


def parse_sdp(body: bytes) -> Description:
    """The description. Raises MalformedMessage (400) for what is none."""
    text = body.decode("utf-8", "replace")
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > LONGEST_LINES or not lines[0].startswith("v=0"):
        raise MalformedMessage("The body is no session description.")
    session_host, session_way = "", Way.BOTH
    sections: list[Media] = []
    maps: list[dict[int, tuple[str, int]]] = []
    for line in lines:
        kind, equals, value = line.partition("=")
        if not equals:
            continue
        if kind == "m":
            sections.append(replace(_parse_media(value), host=session_host, way=session_way))
            maps.append({})
        elif kind == "c" and sections:
            sections[-1] = replace(sections[-1], host=_parse_connection(value))
        elif kind == "c":
            session_host = _parse_connection(value)
        elif kind == "a" and sections:
            sections[-1] = _with_attribute(sections[-1], value.strip(), maps[-1])
        elif kind == "a" and value.strip() in set(Way):
            session_way = Way(value.strip())
    return Description(tuple(_with_formats(*each) for each in zip(sections, maps, strict=True)))


def _event_lines(number: int) -> list[str]:
    return [f"a=rtpmap:{number} telephone-event/8000", f"a=fmtp:{number} 0-15"]


def _parse_media(value: str) -> Media:
    match = _MEDIA.fullmatch(value.strip())
    if match is None or int(match[2]) > 65535:
        raise MalformedMessage("A media line of the description is broken.")
    return Media(match[1].lower(), int(match[2]), match[3], match[4])


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
    return media


def _with_formats(media: Media, mapped: dict[int, tuple[str, int]]) -> Media:
    formats = []
    for word in media.raw_formats.split():
        if word.isascii() and word.isdigit() and len(word) <= 3:
            number = int(word)
            known = mapped.get(number) or _STATIC.get(number)
            if known is not None:
                formats.append(Format(number, *known))
    return replace(media, formats=tuple(formats))
