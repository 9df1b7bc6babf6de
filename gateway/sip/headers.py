"""Typed header values: name-addr, Via, CSeq and the authentication headers (RFC 3261 sections 20 and 25.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from gateway.sip.grammar import (
    SPACE,
    MalformedMessage,
    Parameters,
    is_token,
    parse_number,
    parse_parameters,
    quote,
    require_token,
    split_outside,
    unquote,
    write_parameters,
)
from gateway.sip.uri import SipUri, Uri, parse_host_port, parse_uri, write_host

HIGHEST_SEQUENCE = 2**31 - 1
"""RFC 3261 section 8.1.1.5: a CSeq is less than 2**31."""


def _parameter(parameters: Parameters, name: str) -> str | None:
    return next((value or "" for key, value in parameters if key == name), None)


@dataclass(frozen=True, slots=True)
class NameAddress:
    """From, To, Contact, Route, Record-Route: a URI with a display name and the header's own parameters."""

    uri: Uri
    display_name: str = ""
    parameters: Parameters = ()

    def parameter(self, name: str) -> str | None:
        """The value of a header parameter; the empty string for a flag, None when it is absent."""
        return _parameter(self.parameters, name)

    @property
    def tag(self) -> str | None:
        """The dialog tag of From or To."""
        return _parameter(self.parameters, "tag") or None

    def with_parameter(self, name: str, value: str | None) -> NameAddress:
        """The same with one parameter set."""
        kept = tuple(pair for pair in self.parameters if pair[0] != name)
        return replace(self, parameters=(*kept, (name, value)))

    def __str__(self) -> str:
        name = f"{quote(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri}>{write_parameters(self.parameters)}"


@lru_cache(maxsize=64)
def parse_name_address(text: str) -> NameAddress:
    """`"Name" <uri>;parameters`, `Name <uri>` or a bare `uri;parameters`.

    Without angle brackets a comma, a question mark and all that follows a semicolon are not of the URI
    (RFC 3261 section 20.10). Remembered for a while: one message is asked for the same address several times.
    """
    address, *parts = split_outside(text, ";")
    parameters = parse_parameters(parts)
    if address.endswith(">"):
        before, _, inside = address[:-1].rpartition("<")
        return NameAddress(parse_uri(inside), _display_name(before.strip(SPACE)), parameters)
    if any(character in address for character in '?,"'):
        raise MalformedMessage("An address that needs angle brackets has none.")
    return NameAddress(parse_uri(address), "", parameters)


def _display_name(text: str) -> str:
    if text.startswith('"'):
        return unquote(text)
    # Phones send names in their own script without quotes: letters outside ASCII pass, separators do not.
    if not all(is_token(word) or not word.isascii() for word in text.split()):
        raise MalformedMessage("The display name needs quotes.")
    return text


@dataclass(frozen=True, slots=True)
class Via:
    """One hop of the way that the answer goes back."""

    transport: str
    host: str
    port: int | None = None
    parameters: Parameters = ()

    def parameter(self, name: str) -> str | None:
        """The value of a parameter; the empty string for a flag, None when it is absent."""
        return _parameter(self.parameters, name)

    @property
    def branch(self) -> str | None:
        """The transaction's name."""
        return _parameter(self.parameters, "branch") or None

    @property
    def wants_rport(self) -> bool:
        """RFC 3581: answer to the port that the request came from."""
        return _parameter(self.parameters, "rport") is not None

    def seen_from(self, host: str, port: int) -> Via:
        """With `received` and, where asked for, `rport` as the receiver saw them (RFC 3581 section 4)."""
        kept = tuple(pair for pair in self.parameters if pair[0] not in ("received", "rport"))
        if self.wants_rport:
            kept = (*kept, ("rport", str(port)))
        if self.wants_rport or self.host != host:
            kept = (*kept, ("received", host))
        return replace(self, parameters=kept)

    def __str__(self) -> str:
        require_token(self.transport, "transport")
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {write_host(self.host)}{port}{write_parameters(self.parameters)}"


@lru_cache(maxsize=64)
def parse_via(text: str) -> Via:
    """`SIP / 2.0 / UDP host:port ;parameters`, with white space where the grammar allows it."""
    sent, *parts = split_outside(text, ";")
    pieces = sent.split("/", 2)
    if len(pieces) != 3 or pieces[0].strip(SPACE).upper() != "SIP" or pieces[1].strip(SPACE) != "2.0":
        raise MalformedMessage("A Via does not begin with SIP/2.0.")
    words = pieces[2].split(None, 1)
    if len(words) != 2:
        raise MalformedMessage("A Via has no host.")
    host, port = parse_host_port(words[1].strip(SPACE))
    via = Via(require_token(words[0], "transport").upper(), host, port, parse_parameters(parts))
    if via.branch == "z9hG4bK":
        # RFC 4475 section 3.2.1: the magic cookie alone names no transaction.
        raise MalformedMessage("The branch of the Via is only the magic cookie.")
    return via


@dataclass(frozen=True, slots=True)
class CSeq:
    """The request's number in its dialog, and its method."""

    number: int
    method: str

    def __str__(self) -> str:
        return f"{self.number} {require_token(self.method, 'method')}"


def parse_cseq(text: str) -> CSeq:
    """`number method`."""
    words = text.split()
    if len(words) != 2:
        raise MalformedMessage("A CSeq is a number and a method.")
    return CSeq(parse_number(words[0], "CSeq", HIGHEST_SEQUENCE), require_token(words[1], "method"))


@dataclass(frozen=True, slots=True)
class Authentication:
    """A challenge or credentials: WWW-Authenticate, Authorization and their Proxy twins (RFC 7616).

    Names of `values` are in lower case; values are free of quotes.
    """

    scheme: str
    values: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """One of the values."""
        return next((value for key, value in self.values if key == name), None)

    def __str__(self) -> str:
        require_token(self.scheme, "scheme")
        bare = ("algorithm", "nc", "stale") if self.get("username") is None else ("algorithm", "nc", "qop")
        written = []
        for name, value in self.values:
            plain = name in bare and is_token(value)
            written.append(f"{require_token(name, 'parameter')}={value if plain else quote(value)}")
        return f"{self.scheme} {', '.join(written)}"


def parse_authentication(text: str) -> Authentication:
    """`Digest name="value", name=value`."""
    scheme, _, rest = text.partition(" ")
    require_token(scheme, "scheme")
    values = []
    for part in split_outside(rest.strip(SPACE), ","):
        name, equals, value = part.partition("=")
        if not part:
            continue
        if not equals:
            raise MalformedMessage("A parameter of the authentication has no value.")
        values.append((require_token(name.strip(SPACE), "parameter").lower(), unquote(value.strip(SPACE))))
    return Authentication(scheme, tuple(values))


def sip_uri(address: NameAddress) -> SipUri:
    """The URI of the address, which must be a SIP one."""
    if not isinstance(address.uri, SipUri):
        raise MalformedMessage("The address is not a SIP URI.", status=416)
    return address.uri
