"""SIP URIs as values (RFC 3261 section 19.1)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from gateway.sip.grammar import MalformedMessage, Parameters, is_token

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+\-.]*")
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9\-_.]*[A-Za-z0-9.])?")
_COLON_TOO_MANY = re.compile(r":::(?=[0-9]+\.[0-9.]+\Z)")
"""Before an IPv4 address at the end: allowed by the grammar of RFC 3261, and to be read (RFC 5118 section 4.10)."""
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USER = re.compile(r"[A-Za-z0-9\-_.!~*'()&=+$,;?/%#]*")
_URI_PARAMETER = re.compile(r"[A-Za-z0-9\-_.!~*'()\[\]/:&+$%]+")
_URI_HEADERS = re.compile(r"[A-Za-z0-9\-_.!~*'()\[\]/?:+$%=&]*")
_PLAIN_IN_USER = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()&=+$,;?/")


@dataclass(frozen=True, slots=True)
class SipUri:
    """`sip:` or `sips:`. `user` and `password` are free of escapes; `headers` is what stood after `?`, untouched."""

    host: str
    port: int | None = None
    user: str | None = None
    password: str | None = None
    parameters: Parameters = ()
    headers: str = ""
    scheme: str = "sip"

    def parameter(self, name: str) -> str | None:
        """The value of a parameter; the empty string for a flag, None when it is absent."""
        return next((value or "" for key, value in self.parameters if key == name), None)

    def __str__(self) -> str:
        written = [self.scheme, ":"]
        if self.user is not None:
            written.append(_escape(self.user))
            if self.password is not None:
                written.extend((":", _escape(self.password)))
            written.append("@")
        written.append(write_host(self.host))
        if self.port is not None:
            written.append(f":{self.port}")
        for name, value in self.parameters:
            if not _URI_PARAMETER.fullmatch(name) or (value is not None and not _URI_PARAMETER.fullmatch(value)):
                raise MalformedMessage(f"The URI parameter {name!r} cannot be written.")
            written.append(f";{name}" if value is None else f";{name}={value}")
        if self.headers:
            if not _URI_HEADERS.fullmatch(self.headers):
                raise MalformedMessage("The headers of a URI cannot be written.")
            written.append(f"?{self.headers}")
        return "".join(written)


@dataclass(frozen=True, slots=True)
class OtherUri:
    """A URI of another scheme (`tel:`, `urn:` ...): kept, never followed."""

    scheme: str
    rest: str

    def __str__(self) -> str:
        if not _SCHEME.fullmatch(self.scheme) or not _is_plain(self.rest):
            raise MalformedMessage("The URI cannot be written.")
        return f"{self.scheme}:{self.rest}"


Uri: TypeAlias = SipUri | OtherUri


@lru_cache(maxsize=64)
def parse_uri(text: str) -> Uri:
    """The URI; it must be nothing but the URI: no spaces, no angle brackets."""
    scheme, colon, rest = text.partition(":")
    if not colon or not _SCHEME.fullmatch(scheme) or not _is_plain(rest):
        raise MalformedMessage(f"Not a URI: {text[:60]!r}.")
    scheme = scheme.lower()
    if scheme not in ("sip", "sips"):
        return OtherUri(scheme, rest)
    user_info, at, rest = rest.rpartition("@")
    user = password = None
    if at:
        raw_user, separator, raw_password = user_info.partition(":")
        if "@" in user_info or not raw_user:
            raise MalformedMessage("The user part of the URI is broken.")
        user = _unescape(raw_user)
        password = _unescape(raw_password) if separator else None
    rest, question, headers = rest.partition("?")
    if question and not _URI_HEADERS.fullmatch(headers):
        raise MalformedMessage("The headers of the URI are broken.")
    address, *raw_parameters = rest.split(";")
    host, port = parse_host_port(address)
    return SipUri(host, port, user, password, _parse_parameters(raw_parameters), headers, scheme)


def parse_host_port(text: str) -> tuple[str, int | None]:
    """`host[:port]`; an IPv6 host stands in brackets and is returned without them."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        host = _COLON_TOO_MANY.sub("::", host)
        if not bracket or not is_ipv6(host) or (rest and not rest.startswith(":")):
            raise MalformedMessage("The IPv6 address is broken.")
        colon, port_text = rest[:1], rest[1:]
    else:
        host, colon, port_text = text.partition(":")
        host, port_text = host.strip(), port_text.strip()
        if not _HOST_NAME.fullmatch(host):
            raise MalformedMessage(f"Not a host: {host[:40]!r}.")
    if not colon:
        return host, None
    if not (port_text.isascii() and port_text.isdigit()) or len(port_text) > 5 or not 0 < int(port_text) < 65536:
        raise MalformedMessage("The port is not a number between 1 and 65535.")
    return host, int(port_text)


def write_host(host: str) -> str:
    """The host as it stands in a URI or Via: an IPv6 address in brackets."""
    if is_ipv6(host):
        return f"[{host}]"
    if not _HOST_NAME.fullmatch(host):
        raise MalformedMessage(f"The host cannot be written: {host[:40]!r}.")
    return host


def is_ipv6(text: str) -> bool:
    """True for an IPv6 address without brackets and zone."""
    if ":" not in text or "%" in text:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_plain(text: str) -> bool:
    return bool(text) and text.isprintable() and not any(character in text for character in ' <>"')


def _parse_parameters(parts: list[str]) -> Parameters:
    parameters: list[tuple[str, str | None]] = []
    for part in parts:
        name, equals, value = part.partition("=")
        if not is_token(name) and not _URI_PARAMETER.fullmatch(name):
            raise MalformedMessage("A URI parameter is broken.")
        if equals and not _URI_PARAMETER.fullmatch(value):
            raise MalformedMessage("The value of a URI parameter is broken.")
        parameters.append((name.lower(), value if equals else None))
    return tuple(parameters)


def _unescape(text: str) -> str:
    """Free of `%` escapes; bytes that are no UTF-8 survive as surrogates, so that nothing is cut or merged."""
    if _BAD_ESCAPE.search(text) or not (_USER.fullmatch(text) or not text.isascii()):
        raise MalformedMessage("The user part of the URI has a broken escape or character.")
    if "%" not in text:
        return text
    raw = text.encode("utf-8", "surrogateescape")
    parts = raw.split(b"%")
    return b"".join([parts[0], *(bytes([int(part[:2], 16)]) + part[2:] for part in parts[1:])]).decode(
        "utf-8", "surrogateescape"
    )


def _escape(text: str) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _PLAIN_IN_USER else f"%{byte:02X}" for byte in raw)
