"""SIP messages: one parser, one serialiser, no input or output (RFC 3261 section 7).

What parses can be trusted: the mandatory fields are there once, typed, and in range; nothing in a
field is a control character. What is written goes through `serialise`, which refuses control characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.sip.grammar import MalformedMessage, parse_number, refuse_controls, require_token, split_outside
from gateway.sip.headers import (
    Authentication,
    CSeq,
    NameAddress,
    Via,
    parse_authentication,
    parse_cseq,
    parse_name_address,
    parse_via,
)
from gateway.sip.uri import SipUri, Uri, parse_uri

LONGEST_MESSAGE = 65_536
LONGEST_LINE = 8_192
MOST_FIELDS = 100

_COMPACT = {
    "a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "d": "Request-Disposition",
    "e": "Content-Encoding", "f": "From", "i": "Call-ID", "j": "Reject-Contact", "k": "Supported",
    "l": "Content-Length", "m": "Contact", "o": "Event", "r": "Refer-To", "s": "Subject", "t": "To",
    "u": "Allow-Events", "v": "Via", "x": "Session-Expires",
}  # fmt: skip
"""RFC 3261 section 7.3.3, RFC 6665, 3515, 3841, 3892, 4028."""

_KNOWN = {
    name.lower(): name
    for name in (
        "Accept", "Alert-Info", "Allow", "Authorization", "Call-ID", "Contact", "Content-Length", "Content-Type",
        "CSeq", "Date", "Event", "Expires", "From", "Max-Forwards", "Min-Expires", "MIME-Version",
        "P-Asserted-Identity", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "Reason",
        "Record-Route", "Refer-To", "Replaces", "Require", "Retry-After", "Route", "Server", "Subject",
        "Supported", "Timestamp", "To", "Unsupported", "User-Agent", "Via", "Warning", "WWW-Authenticate",
        *_COMPACT.values(),
    )
}  # fmt: skip

_SINGLE = ("call-id", "cseq", "from", "to")
_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


class Headers:
    """The fields of a message in their order. Names are compared without regard to case."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: list[tuple[str, str]] = []
        for name, value in fields:
            self.add(name, value)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._fields == other._fields

    __hash__ = None  # type: ignore[assignment]  # a Headers can change: it must not be a key

    def __repr__(self) -> str:
        return f"Headers({self._fields!r})"

    def add(self, name: str, value: object) -> None:
        """One more field, after the others."""
        self._fields.append((_full_name(name), str(value).strip(" \t")))

    def set(self, name: str, value: object) -> None:
        """The only field of this name, in the place of the first."""
        key = name.lower()
        place = next((index for index, (known, _) in enumerate(self._fields) if known.lower() == key), None)
        self.remove(name)
        entry = (_full_name(name), str(value).strip(" \t"))
        self._fields.insert(len(self._fields) if place is None else place, entry)

    def remove(self, name: str) -> None:
        """No field of this name."""
        key = name.lower()
        self._fields = [pair for pair in self._fields if pair[0].lower() != key]

    def get(self, name: str) -> str | None:
        """The value of the first field of this name."""
        key = name.lower()
        return next((value for known, value in self._fields if known.lower() == key), None)

    def all(self, name: str) -> list[str]:
        """The values of all fields of this name, as they stood."""
        key = name.lower()
        return [value for known, value in self._fields if known.lower() == key]

    def values(self, name: str) -> list[str]:
        """The values of all fields of this name, split at their commas."""
        return [part for value in self.all(name) for part in split_outside(value, ",")]

    def tokens(self, name: str) -> frozenset[str]:
        """The values of all fields of this name as a set of words in lower case (Supported, Require)."""
        return frozenset(value.lower() for value in self.values(name) if value)

    def replace_first(self, name: str, value: object) -> None:
        """Another value for the first comma-separated value of a name (the top Via)."""
        key = name.lower()
        for index, (known, old) in enumerate(self._fields):
            if known.lower() == key:
                rest = split_outside(old, ",")[1:]
                self._fields[index] = (known, ", ".join([str(value), *rest]))
                return


@dataclass(slots=True)
class _Message:
    headers: Headers
    body: bytes = field(default=b"", kw_only=True)

    @property
    def vias(self) -> list[Via]:
        """All hops, the last one first."""
        return [parse_via(value) for value in self.headers.values("Via")]

    @property
    def via(self) -> Via:
        """The last hop."""
        values = self.headers.values("Via")
        if not values:
            raise MalformedMessage("The message has no Via.")
        return parse_via(values[0])

    @property
    def sender(self) -> NameAddress:
        """From."""
        return parse_name_address(self._required("From"))

    @property
    def recipient(self) -> NameAddress:
        """To."""
        return parse_name_address(self._required("To"))

    @property
    def call_id(self) -> str:
        """Call-ID."""
        return self._required("Call-ID")

    @property
    def cseq(self) -> CSeq:
        """CSeq."""
        return parse_cseq(self._required("CSeq"))

    @property
    def contacts(self) -> list[NameAddress]:
        """Contact, without the wildcard `*`."""
        return [parse_name_address(value) for value in self.headers.values("Contact") if value != "*"]

    @property
    def record_routes(self) -> list[NameAddress]:
        """Record-Route, from the top."""
        return [parse_name_address(value) for value in self.headers.values("Record-Route")]

    @property
    def content_type(self) -> str:
        """The media type of the body in lower case, without parameters."""
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()

    def _required(self, name: str) -> str:
        value = self.headers.get(name)
        if not value:
            raise MalformedMessage(f"The message has no {name}.")
        return value


@dataclass(slots=True)
class Request(_Message):
    """A request."""

    method: str
    uri: Uri

    @property
    def expires(self) -> int | None:
        """Expires, at most 2**32 - 1 (an overlarge one counts as that, RFC 3261 section 20.19)."""
        value = self.headers.get("Expires")
        if value is None or not (value.isascii() and value.isdigit()):
            return None
        return min(int(value[:12]), 2**32 - 1)

    def credentials(self, name: str) -> list[Authentication]:
        """The readable ones of the fields of this name (Authorization, Proxy-Authorization)."""
        return _readable(self.headers.all(name))


@dataclass(slots=True)
class Response(_Message):
    """A response."""

    status: int
    reason: str

    def challenges(self) -> list[tuple[str, Authentication]]:
        """WWW-Authenticate and Proxy-Authenticate with the names of the fields that answer them."""
        names = (("WWW-Authenticate", "Authorization"), ("Proxy-Authenticate", "Proxy-Authorization"))
        return [(answer, each) for name, answer in names for each in _readable(self.headers.all(name))]


Message: TypeAlias = Request | Response


def parse_message(data: bytes) -> Message:
    """The message in one datagram, or in one frame of a stream. Raises MalformedMessage and nothing else.

    Octets after Content-Length are dropped (RFC 3261 section 18.3).
    """
    if len(data) > LONGEST_MESSAGE:
        raise MalformedMessage("The message is longer than 64 KiB.", status=513)
    head, blank_line, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not blank_line:
        raise MalformedMessage("The message has no end of its header.")
    start, *lines = head.split(b"\r\n")
    headers = _parse_fields(lines)
    start_line = _text(start)
    if start_line.startswith("SIP/"):
        response = _parse_status_line(start_line, headers)
        response.body = _cut_body(headers, body)
        _check(response)
        return response
    request = _parse_request_line(start_line, headers)
    try:
        request.body = _cut_body(headers, body)
        _check(request)
        _check_request_line(request)
    except MalformedMessage as fault:
        fault.request = request
        raise
    return request


def serialise(message: Message) -> bytes:
    """The message as bytes, with its Content-Length. Raises MalformedMessage for what may not be written."""
    match message:
        case Request():
            lines = [f"{require_token(message.method, 'method')} {refuse_controls(str(message.uri))} SIP/2.0"]
        case Response():
            if not 100 <= message.status <= 699:
                raise MalformedMessage("The status is out of range.")
            lines = [f"SIP/2.0 {message.status} {refuse_controls(message.reason)}"]
    for name, value in message.headers:
        if name.lower() != "content-length":
            lines.append(f"{require_token(name, 'field name')}: {refuse_controls(value)}")
    lines.append(f"Content-Length: {len(message.body)}")
    head = "\r\n".join(lines)
    try:
        return head.encode("utf-8") + b"\r\n\r\n" + message.body
    except UnicodeEncodeError as fault:
        raise MalformedMessage("A field holds half of a character.") from fault


def _full_name(name: str) -> str:
    key = name.lower()
    return _COMPACT.get(key) or _KNOWN.get(key, name)


def _text(line: bytes) -> str:
    """A line as text. An escaped control character is legal (RFC 4475 section 3.1.1.2) but never passed on."""
    text = line.decode("utf-8", "replace").replace("\t", " ")
    if text.isprintable():
        return text
    parts = [
        "\N{REPLACEMENT CHARACTER}" if _is_control(character) and index and text[index - 1] == "\\" else character
        for index, character in enumerate(text)
    ]
    if any(_is_control(part) for part in parts):
        raise MalformedMessage("A field holds a control character.")
    return "".join(parts)


def _is_control(character: str) -> bool:
    return character < " " or character == "\x7f"


def _parse_fields(lines: list[bytes]) -> Headers:
    folded: list[list[bytes]] = []
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            if not folded:
                raise MalformedMessage("The first field begins with white space.")
            folded[-1].append(line.strip(b" \t"))
        else:
            folded.append([line])
    if len(folded) > MOST_FIELDS:
        raise MalformedMessage(f"The message has more than {MOST_FIELDS} fields.")
    headers = Headers()
    for parts in folded:
        line = b" ".join(parts)
        if len(line) > LONGEST_LINE:
            raise MalformedMessage(f"A field is longer than {LONGEST_LINE} bytes.")
        name, colon, value = _text(line).partition(":")
        if not colon:
            raise MalformedMessage("A field has no colon.")
        headers.add(require_token(name.rstrip(" "), "field name"), value)
    return headers


def _parse_request_line(line: str, headers: Headers) -> Request:
    words = line.split(" ")
    if len(words) != 3:
        raise MalformedMessage("The request line is not three words.")
    method, uri, version = words
    require_token(method, "method")
    if version.upper() != "SIP/2.0":
        fault = MalformedMessage("The protocol version is not SIP/2.0.", status=505 if "SIP/" in version else 400)
        fault.request = Request(headers, method=method, uri=SipUri("invalid")) if fault.status == 505 else None
        raise fault
    try:
        return Request(headers, method=method, uri=parse_uri(uri))
    except MalformedMessage as fault:
        fault.request = Request(headers, method=method, uri=SipUri("invalid"))
        raise


def _parse_status_line(line: str, headers: Headers) -> Response:
    version, _, rest = line.partition(" ")
    status, _, reason = rest.partition(" ")
    if version.upper() != "SIP/2.0" or len(status) != 3:
        raise MalformedMessage("The status line is broken.")
    number = parse_number(status, "status", 699)
    if number < 100:
        raise MalformedMessage("The status is less than 100.")
    return Response(headers, status=number, reason=reason.strip())


def _cut_body(headers: Headers, body: bytes) -> bytes:
    lengths = headers.all("Content-Length")
    if not lengths:
        return body
    if len(lengths) > 1:
        raise MalformedMessage("The message has more than one Content-Length.")
    length = parse_number(lengths[0], "Content-Length", 2**31)
    headers.remove("Content-Length")
    if length > len(body):
        raise MalformedMessage("The body is shorter than its Content-Length.")
    return body[:length]


def _check(message: Message) -> None:
    """The fields that everything relies on: there, once, readable and in range."""
    for name in _SINGLE:
        if len(message.headers.all(name)) != 1:
            raise MalformedMessage(f"The message has no {name}, or more than one.")
    if any(character.isspace() for character in message.call_id):
        raise MalformedMessage("The Call-ID is broken.")
    checked = (message.sender, message.recipient, message.cseq, message.contacts, message.record_routes)
    if not message.vias or not checked:
        raise MalformedMessage("The message has no Via.")
    for value in message.headers.values("Route"):
        parse_name_address(value)
    hops = message.headers.all("Max-Forwards")
    if hops and (len(hops) > 1 or parse_number(hops[0], "Max-Forwards", 255) < 0):
        raise MalformedMessage("The message has more than one Max-Forwards.")
    for date in message.headers.all("Date"):
        if not _DATE.fullmatch(date):
            raise MalformedMessage("The Date is not in GMT.")  # RFC 4475 section 3.1.2.12


def _check_request_line(request: Request) -> None:
    if isinstance(request.uri, SipUri) and request.uri.headers:
        raise MalformedMessage("The Request-URI carries headers.")  # RFC 4475 section 3.1.2.11
    if request.cseq.method != request.method:
        raise MalformedMessage("The methods of the start line and of the CSeq differ.")


def _readable(values: list[str]) -> list[Authentication]:
    readable = []
    for value in values:
        try:
            readable.append(parse_authentication(value))
        except MalformedMessage:  # another scheme's own grammar: as good as absent (RFC 4475 section 3.3.7)
            continue
    return readable
