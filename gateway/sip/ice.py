"""The checks by which a browser finds the way to us: ICE, in the form for who has an address of its own (RFC 8445 2.5).

We ask nobody anything. A check is answered only on the media port of a browser's call, with that call's names and a
right MESSAGE-INTEGRITY; everything else gets silence.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
import zlib
from dataclasses import dataclass, field
from ipaddress import ip_address

from gateway.sip.transport import Address

MAGIC_COOKIE = 0x2112A442
BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101
USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
XOR_MAPPED_ADDRESS = 0x0020
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
_FINGERPRINT_MASK = 0x5354554E
_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_INTEGRITY_BYTES = 20
_LONGEST_BYTES = 1_500


@dataclass(frozen=True, slots=True)
class IceNames:
    """What one side of a call is called in checks: `a=ice-ufrag` and `a=ice-pwd` (RFC 8839 section 5.4)."""

    fragment: str
    password: str = field(repr=False)


def new_names() -> IceNames:
    """48 random bits and 144 random bits: RFC 8445 section 5.3 asks for 24 and 128."""
    return IceNames(
        secrets.token_urlsafe(6).replace("-", "+").replace("_", "/"),
        secrets.token_urlsafe(18).replace("-", "+").replace("_", "/"),
    )


@dataclass(frozen=True, slots=True)
class Check:
    """A check that was made with the right names."""

    transaction: bytes
    nominates: bool
    """The browser wants media to go this way (USE-CANDIDATE)."""


def is_stun(data: bytes) -> bool:
    """By its first byte and the cookie, as among media on one port (RFC 7983)."""
    return len(data) >= _HEADER.size and data[0] < 4 and data[4:8] == MAGIC_COOKIE.to_bytes(4)


def read_check(data: bytes, ours: IceNames, their_fragment: str) -> Check | None:
    """The check in a packet; None for anything that is not one by this browser, for us (RFC 8489, RFC 8445 7.3)."""
    if not is_stun(data) or len(data) > _LONGEST_BYTES or len(data) % 4:
        return None
    kind, length, _, transaction = _HEADER.unpack_from(data)
    if kind != BINDING_REQUEST or length != len(data) - _HEADER.size:
        return None
    place = _HEADER.size
    user = b""
    nominates = False
    while place + _ATTRIBUTE.size <= len(data):
        name, size = _ATTRIBUTE.unpack_from(data, place)
        value = data[place + _ATTRIBUTE.size : place + _ATTRIBUTE.size + size]
        if len(value) != size:
            return None
        if name == MESSAGE_INTEGRITY:
            expected = _integrity(data[:place], ours.password)
            is_right = hmac.compare_digest(value, expected) and hmac.compare_digest(
                user, f"{ours.fragment}:{their_fragment}".encode()
            )
            return Check(transaction, nominates) if is_right else None
        if name == USERNAME:
            user = value
        elif name == USE_CANDIDATE:
            nominates = True
        place += _ATTRIBUTE.size + size + -size % 4
    return None


def answer_check(check: Check, source: Address, ours: IceNames) -> bytes:
    """The answer: from where we have seen it come (RFC 8489 section 14.2), sealed with our password."""
    mapped = ip_address(source.host.partition("%")[0])
    packed = int.from_bytes(mapped.packed) ^ int.from_bytes(
        (MAGIC_COOKIE.to_bytes(4) + check.transaction)[: len(mapped.packed)]
    )
    family = 1 if mapped.version == 4 else 2
    value = struct.pack("!BBH", 0, family, source.port ^ MAGIC_COOKIE >> 16) + packed.to_bytes(len(mapped.packed))
    body = _ATTRIBUTE.pack(XOR_MAPPED_ADDRESS, len(value)) + value
    head = _head(len(body), check.transaction)
    body += _ATTRIBUTE.pack(MESSAGE_INTEGRITY, _INTEGRITY_BYTES) + _integrity(head + body, ours.password)
    head = _head(len(body) + 8, check.transaction)
    crc = zlib.crc32(head + body) ^ _FINGERPRINT_MASK
    return head + body + _ATTRIBUTE.pack(FINGERPRINT, 4) + crc.to_bytes(4)


def _head(length: int, transaction: bytes) -> bytes:
    return _HEADER.pack(BINDING_SUCCESS, length, MAGIC_COOKIE, transaction)


def _integrity(before: bytes, password: str) -> bytes:
    """Over everything before it, with the length as if the message ended behind it (RFC 8489 section 14.5)."""
    length = len(before) - _HEADER.size + _ATTRIBUTE.size + _INTEGRITY_BYTES
    counted = before[:2] + length.to_bytes(2) + before[4:]
    return hmac.new(password.encode(), counted, hashlib.sha1).digest()
