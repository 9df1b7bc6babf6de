"""SIP messages as the phone reads and writes them (RFC 3261 sections 7, 20 and 25)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_COMPACT = {
    "i": "call-id", "m": "contact", "e": "content-encoding", "l": "content-length", "c": "content-type",
    "f": "from", "s": "subject", "k": "supported", "t": "to", "v": "via", "r": "refer-to", "o": "event",
}  # fmt: skip
_LISTS = frozenset(("via", "record-route", "route", "contact", "allow", "supported", "require"))


@dataclass(slots=True)
class SipMessage:
    """A request (`method`, `uri`) or a response (`status`, `reason`); headers in order."""

    method: str = ""
    uri: str = ""
    status: int = 0
    reason: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def is_request(self) -> bool:
        """Otherwise it is a response."""
        return self.status == 0

    def all(self, name: str) -> list[str]:
        """All values of a header, comma-separated lists taken apart; the name in lower case."""
        values = [value for key, value in self.headers if _canonical(key) == name]
        if name not in _LISTS:
            return values
        return [part for value in values for part in split_list(value)]

    def first(self, name: str, default: str = "") -> str:
        """The first value of a header."""
        return next(iter(self.all(name)), default)

    def add(self, name: str, value: str) -> None:
        """One more header at the end."""
        self.headers.append((name, value))

    def set(self, name: str, value: str) -> None:
        """Replace a header, in its place if it is there."""
        for at, (key, _) in enumerate(self.headers):
            if _canonical(key) == name.lower():
                self.headers[at] = (name, value)
                return
        self.headers.append((name, value))

    @property
    def cseq(self) -> tuple[int, str]:
        """The number and the method of CSeq; (0, "") when it cannot be read."""
        match = re.match(r"\s*(\d+)\s+(\S+)", self.first("cseq"))
        return (int(match[1]), match[2]) if match else (0, "")

    @property
    def branch(self) -> str:
        """The branch of the top Via."""
        return parameters(self.first("via")).get("branch", "")

    def render(self) -> bytes:
        """The message on the wire."""
        start = f"{self.method} {self.uri} SIP/2.0" if self.is_request else f"SIP/2.0 {self.status} {self.reason}"
        lines = [start, *(f"{name}: {value}" for name, value in self.headers if _canonical(name) != "content-length")]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def parse(data: bytes) -> SipMessage:
    """Read a datagram; ValueError when it is no SIP message."""
    head, separator, body = data.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError("The message has no end of headers.")
    lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "replace")).split("\r\n")
    message = SipMessage()
    if match := re.fullmatch(r"SIP/2\.0 (\d{3}) ?(.*)", lines[0], re.IGNORECASE):
        message.status, message.reason = int(match[1]), match[2]
    elif match := re.fullmatch(r"([A-Za-z]+) (\S+) SIP/2\.0", lines[0], re.IGNORECASE):
        message.method, message.uri = match[1], match[2]
    else:
        raise ValueError("The start line is none of SIP.")
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"A header without a colon: {line!r}.")
        message.headers.append((name.strip(), value.strip()))
    length = message.first("content-length")
    message.body = body[: int(length)] if length.isdecimal() else body
    return message


def split_list(value: str) -> list[str]:
    """The parts of a comma-separated value; commas in quotes and angle brackets do not count."""
    parts, depth, quoted, start = [], 0, False, 0
    for at, letter in enumerate(value):
        if letter == '"' and value[at - 1 : at] != "\\":
            quoted = not quoted
        elif not quoted and letter == "<":
            depth += 1
        elif not quoted and letter == ">":
            depth -= 1
        elif letter == "," and not quoted and depth == 0:
            parts.append(value[start:at].strip())
            start = at + 1
    return [part for part in [*parts, value[start:].strip()] if part]


def address_uri(value: str) -> str:
    """The URI of a From, To, Contact or route."""
    match = re.search(r"<([^>]*)>", value)
    return match[1] if match else value.split(";", maxsplit=1)[0].strip()


def parameters(value: str) -> dict[str, str]:
    """The header parameters of an address or Via, names in lower case."""
    tail = value.rpartition(">")[2] if ">" in value else value
    pairs = (part.partition("=") for part in tail.split(";")[1:])
    return {name.strip().lower(): content.strip().strip('"') for name, _, content in pairs}


def uri_user(uri: str) -> str:
    """The user part of a SIP URI."""
    match = re.match(r"sips?:([^@;]+)@", uri, re.IGNORECASE)
    return match[1] if match else ""


def uri_host(uri: str) -> tuple[str, int]:
    """Host and port of a SIP URI with an IPv4 address or a name; ValueError when there are none."""
    match = re.match(r"sips?:(?:[^@]*@)?([A-Za-z0-9.\-]+)(?::(\d+))?", uri, re.IGNORECASE)
    if match is None:
        raise ValueError(f"{uri!r} names no host.")
    return match[1], int(match[2] or 5060)


def _canonical(name: str) -> str:
    lower = name.lower()
    return _COMPACT.get(lower, lower)
