"""The SMS transfer layer as the network sees it: DELIVER and STATUS-REPORT are written, SUBMIT is read.

Sources: 3GPP TS 23.040 clause 9.2 (TPDUs), TS 23.038 clauses 4 and 6 (coding schemes, alphabet).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPE = "\x1b"
"""Stands at its place in the alphabet, but is no letter of it."""
_EXTENSION = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65,
}  # fmt: skip
_EXTENSION_BACK = {code: letter for letter, code in _EXTENSION.items()}


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Which part of which message this is."""

    reference: int
    parts: int
    part: int
    wide: bool = False
    """The reference has 16 bits."""

    def header(self) -> bytes:
        """The user data header with its length octet."""
        if self.wide:
            return bytes((6, 0x08, 4, self.reference >> 8, self.reference & 0xFF, self.parts, self.part))
        return bytes((5, 0x00, 3, self.reference, self.parts, self.part))


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """One part that a modem sent to the network. `text` is None for 8-bit data, which is in `data`."""

    recipient: str
    text: str | None
    data: bytes
    reference: int
    wants_report: bool
    concatenation: Concatenation | None


def is_gsm7(text: str) -> bool:
    """All of it can be said in the default alphabet."""
    return all((letter in _BASIC and letter != _ESCAPE) or letter in _EXTENSION for letter in text)


def to_septets(text: str) -> list[int]:
    """The septets of the default alphabet; ValueError for a letter that it does not have."""
    out = []
    for letter in text:
        if letter in _EXTENSION:
            out += [0x1B, _EXTENSION[letter]]
        else:
            out.append(_BASIC.index(letter))
    return out


def from_septets(septets: list[int]) -> str:
    """The text of septets."""
    out, escaped = [], False
    for septet in septets:
        if escaped:
            out.append(_EXTENSION_BACK.get(septet, " "))
            escaped = False
        elif septet == 0x1B:
            escaped = True
        else:
            out.append(_BASIC[septet])
    return "".join(out)


def pack(septets: list[int], fill_bits: int = 0) -> bytes:
    """Septets in octets, after `fill_bits` bits of nothing."""
    value = sum(septet << (7 * index) for index, septet in enumerate(septets)) << fill_bits
    return value.to_bytes((7 * len(septets) + fill_bits + 7) // 8, "little")


def unpack(octets: bytes, count: int, fill_bits: int = 0) -> list[int]:
    """`count` septets of octets."""
    value = int.from_bytes(octets, "little") >> fill_bits
    return [value >> (7 * index) & 0x7F for index in range(count)]


def split(text: str, *, wide_reference: bool = False) -> list[str]:
    """`text` in pieces that fit one message each; one piece when it is short enough."""
    gsm7 = is_gsm7(text)

    def size(letter: str) -> int:
        return len(to_septets(letter)) if gsm7 else len(letter.encode("utf-16-be"))

    header = 7 if wide_reference else 6
    whole, part = (160, 160 - (header * 8 + 6) // 7) if gsm7 else (140, 140 - header)
    if sum(map(size, text)) <= whole:
        return [text]
    pieces, room = [""], part
    for letter in text:
        if size(letter) > room:
            pieces.append("")
            room = part
        pieces[-1] += letter
        room -= size(letter)
    return pieces


def deliver(text: str, sender: str, when: datetime, centre: str, concatenation: Concatenation | None = None,
            *, ucs2: bool | None = None) -> str:  # fmt: skip
    """An SMS-DELIVER with its service centre, in hex, as CMGR shows it. `ucs2` None: only if it must be.

    The caller gives pieces that fit (`split`); `when` is aware.
    """
    wide = not is_gsm7(text) if ucs2 is None else ucs2
    header = concatenation.header() if concatenation else b""
    first = 0x44 if concatenation else 0x04
    if wide:
        body = header + text.encode("utf-16-be")
        length = len(body)
    else:
        septets = to_septets(text)
        header_septets = (len(header) * 8 + 6) // 7
        body = header + pack(septets, header_septets * 7 - len(header) * 8)
        length = header_septets + len(septets)
    coding = 0x08 if wide else 0x00
    tpdu = bytes((first,)) + address(sender) + bytes((0, coding)) + timestamp(when) + bytes((length,)) + body
    return (_centre(centre) + tpdu).hex().upper()


def status_report(reference: int, recipient: str, when: datetime, status: int, centre: str) -> str:
    """An SMS-STATUS-REPORT in hex. `status` 0 is delivered, 0x40 and above failed (23.040 clause 9.2.3.15)."""
    tpdu = bytes((0x06, reference)) + address(recipient) + timestamp(when) * 2 + bytes((status,))
    return (_centre(centre) + tpdu).hex().upper()


def tpdu_length(pdu: str) -> int:
    """The octets of a hex PDU without its service centre, which CMGR and CMGS count."""
    return len(pdu) // 2 - 1 - int(pdu[:2], 16)


def read_submit(pdu: bytes) -> Submitted:
    """Read an SMS-SUBMIT with its service centre in front; ValueError when it is none."""
    try:
        return _read_submit(pdu)
    except IndexError:
        raise ValueError("The PDU is cut short.") from None


def _read_submit(pdu: bytes) -> Submitted:
    tpdu = pdu[1 + pdu[0] :]
    first = tpdu[0]
    if first & 0x03 != 0x01:
        raise ValueError("The PDU is no SMS-SUBMIT.")
    digits = tpdu[2]
    recipient, rest = read_address(tpdu[2:])
    if digits == 0 or not recipient.strip("+"):
        raise ValueError("The PDU has no recipient.")
    coding = rest[1]
    validity = {0x00: 0, 0x10: 1, 0x08: 7, 0x18: 7}[first & 0x18]
    length, body = rest[2 + validity], rest[3 + validity :]
    header = body[: body[0] + 1] if first & 0x40 else b""
    kind = (coding >> 2) & 0x03 if coding & 0xC0 == 0 else 0
    text: str | None = None
    data = b""
    if kind == 0:
        header_septets = (len(header) * 8 + 6) // 7
        need = (length * 7 + 7) // 8
        if len(body) < need or length > 160:
            raise ValueError("The user data has another length than it says.")
        septets = unpack(body[len(header) :], length - header_septets, header_septets * 7 - len(header) * 8)
        text = from_septets(septets)
    else:
        if len(body) < length or length > 140:
            raise ValueError("The user data has another length than it says.")
        data = body[len(header) : length]
        text = data.decode("utf-16-be") if kind == 2 else None
    return Submitted(
        recipient=recipient, text=text, data=data, reference=tpdu[1], wants_report=bool(first & 0x20),
        concatenation=_read_concatenation(header),
    )  # fmt: skip


def _read_concatenation(header: bytes) -> Concatenation | None:
    at = 1
    while at < len(header):
        kind, size = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + size]
        if kind == 0x00 and size == 3:
            return Concatenation(value[0], value[1], value[2])
        if kind == 0x08 and size == 4:
            return Concatenation(value[0] << 8 | value[1], value[2], value[3], wide=True)
        at += 2 + size
    return None


def address(number: str) -> bytes:
    """An address field: digits as semi-octets, anything else in the alphabet (23.040 clause 9.1.2.5)."""
    digits = number.lstrip("+")
    if not digits.isdecimal() or not digits.isascii():
        packed = pack(to_septets(number))
        return bytes((len(to_septets(number)) * 7 // 4 + (len(to_septets(number)) * 7 % 4 > 0), 0xD0)) + packed
    kind = 0x91 if number.startswith("+") else 0x81
    return bytes((len(digits), kind)) + semi_octets(digits)


def read_address(octets: bytes) -> tuple[str, bytes]:
    """The number at the start, and what follows it."""
    count, kind = octets[0], octets[1]
    size = (count + 1) // 2
    field = octets[2 : 2 + size]
    if kind & 0x70 == 0x50:
        return from_septets(unpack(field, count * 4 // 7)), octets[2 + size :]
    digits = "".join("0123456789*#abcF"[octet & 0x0F] + "0123456789*#abcF"[octet >> 4] for octet in field)[:count]
    return ("+" if kind & 0x70 == 0x10 else "") + digits, octets[2 + size :]


def semi_octets(digits: str) -> bytes:
    """Digits in pairs, the first in the low half, an F at an odd end."""
    padded = digits + "F" * (len(digits) % 2)
    return bytes(int(padded[at + 1] + padded[at], 16) for at in range(0, len(padded), 2))


def timestamp(when: datetime) -> bytes:
    """The service centre's time stamp of an aware moment (23.040 clause 9.2.3.11)."""
    offset = when.utcoffset()
    quarters = 0 if offset is None else int(offset.total_seconds()) // 900
    zone = semi_octets(f"{abs(quarters):02d}")[0] | (0x08 if quarters < 0 else 0)
    return semi_octets(when.strftime("%y%m%d%H%M%S")) + bytes((zone,))


def _centre(number: str) -> bytes:
    digits = number.lstrip("+")
    return bytes((1 + (len(digits) + 1) // 2, 0x91)) + semi_octets(digits)
