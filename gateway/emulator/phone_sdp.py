"""Session descriptions as a plain phone writes and reads them (RFC 4566, RFC 3264): one stream of sound."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.emulator.g711 import Codec, codec

EVENT_TYPE = 101
_STATIC = {0: "PCMU", 8: "PCMA"}


@dataclass(frozen=True, slots=True)
class Described:
    """What the other side has said about its sound."""

    host: str
    port: int
    payload_types: tuple[int, ...]
    names: dict[int, str]
    """Payload type to encoding name, upper case."""
    direction: str

    def codecs(self, known: Sequence[str]) -> list[tuple[int, Codec]]:
        """What it offers that is in `known`, in its order of preference."""
        return [(kind, codec(self.names[kind])) for kind in self.payload_types if self.names.get(kind) in known]

    @property
    def event_type(self) -> int | None:
        """Its payload type of keys."""
        return next((kind for kind in self.payload_types if self.names.get(kind) == "TELEPHONE-EVENT"), None)


def describe(
    host: str, port: int, codecs: Sequence[tuple[int, str]], *, event_type: int | None, direction: str = "sendrecv"
) -> bytes:
    """A session description; `codecs` are payload types with their names."""
    kinds = [kind for kind, _ in codecs] + ([event_type] if event_type is not None else [])
    session = random.getrandbits(31)
    lines = [
        "v=0", f"o=- {session} {session} IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, kinds))}",
        *(f"a=rtpmap:{kind} {name}/8000" for kind, name in codecs),
    ]  # fmt: skip
    if event_type is not None:
        lines += [f"a=rtpmap:{event_type} telephone-event/8000", f"a=fmtp:{event_type} 0-15"]
    return "\r\n".join([*lines, "a=ptime:20", f"a={direction}", ""]).encode()


def read(body: bytes) -> Described:
    """Read a description; ValueError when it has no stream of sound."""
    text = body.decode("utf-8", "replace")
    media = re.search(r"^m=audio (\d+)(?:/\d+)? \S+ ([\d ]+)", text, re.MULTILINE)
    if media is None:
        raise ValueError("The description has no sound.")
    section = text[media.start() :].split("\nm=")[0]
    host = re.search(r"^c=IN IP4 ([\d.]+)", section, re.MULTILINE) or re.search(
        r"^c=IN IP4 ([\d.]+)", text, re.MULTILINE
    )
    if host is None:
        raise ValueError("The description has no address.")
    kinds = tuple(int(kind) for kind in media[2].split())
    names = {kind: _STATIC[kind] for kind in kinds if kind in _STATIC}
    for kind, name in re.findall(r"^a=rtpmap:(\d+) ([^/\s]+)/8000", section, re.MULTILINE):
        names[int(kind)] = name.upper()
    direction = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)\s*$", text, re.MULTILINE)
    return Described(host[1], int(media[1]), kinds, names, direction[1] if direction else "sendrecv")
