"""SMS PDUs, without I/O: SUBMIT encoded and decoded, DELIVER and STATUS-REPORT decoded.

Sources: 3GPP TS 23.040 sections 9.2.2 (layouts), 9.1.2.5 (addresses), 9.2.3.11 (time stamps),
9.2.3.24 (user data header); TS 23.038 section 4 (data coding), 6 (alphabets). PduInvalid is the only
exception that comes out of this module.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import TypeAlias

from gateway.errors import PduInvalid
from gateway.modem import gsm7

_SEMI_OCTETS = "0123456789*#abc"
_USER_DATA_OCTETS = 140
_USER_DATA_SEPTETS = 160


class Alphabet(Enum):
    """How the user data is to be read."""

    GSM7 = "gsm7"
    DATA = "data"
    UCS2 = "ucs2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concatenation:
    """Part `part` of `parts` of the message `reference` (8 or 16 bit; 23.040 sections 9.2.3.24.1 and .8)."""

    reference: int
    part: int
    parts: int
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UserData:
    """What a PDU carries. `text` is None for binary data, which `data` holds without its header."""

    alphabet: Alphabet
    text: str | None
    data: bytes
    concatenation: Concatenation | None
    message_class: int | None
    """0: flash, shown and not stored; None: no class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """A message from the network."""

    sender: str
    sent_at: datetime | None
    content: UserData
    more_to_come: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """A message of ours, as found on a SIM."""

    recipient: str
    reference: int
    content: UserData
    wants_report: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """What became of a part that we sent; `status` is TP-ST (23.040 section 9.2.3.15)."""

    reference: int
    recipient: str
    sent_at: datetime | None
    discharged_at: datetime | None
    status: int

    @property
    def delivered(self) -> bool:
        """The recipient's phone has it."""
        return self.status <= 0x02

    @property
    def pending(self) -> bool:
        """The network still tries."""
        return 0x20 <= self.status <= 0x3F


Message: TypeAlias = Deliver | Submit | StatusReport


def decode(pdu: bytes) -> Message:
    """Read a whole PDU as +CMGR, +CMGL, +CMT and +CDS bring it, service centre in front. Raises PduInvalid."""
    reader = _Reader(pdu)
    reader.take(reader.octet())  # the service centre
    first = reader.octet()
    match first & 0x03:
        case 0:
            return _read_deliver(reader, first)
        case 1:
            return _read_submit(reader, first)
        case 2:
            return _read_status_report(reader)
        case _:
            raise PduInvalid("The PDU's message type is reserved.")


def submit_parts(
    recipient: str,
    text: str,
    *,
    reference: int,
    wants_report: bool = False,
    valid_for: timedelta | None = None,
    wide_reference: bool = False,
) -> list[bytes]:
    """The SMS-SUBMIT TPDUs, without service centre, that carry `text`; one octet string per part.

    `reference` ties the parts together; its low 8 (or 16) bits are used. Raises PduInvalid for a number
    that is none, an empty text, or one of more than 255 parts.
    """
    seven_bit = gsm7.can_encode(text)
    pieces = _pieces(text, seven_bit=seven_bit, wide=wide_reference)
    if not pieces or len(pieces) > 255:
        raise PduInvalid(f"A message of {len(text)} characters cannot be sent.")
    address = _encode_address(recipient)
    first = 0x01 | (0x20 if wants_report else 0) | (0x10 if valid_for else 0) | (0x40 if len(pieces) > 1 else 0)
    head = bytes([first, 0]) + address + bytes([0x00, 0x00 if seven_bit else 0x08])
    if valid_for:
        head += bytes([_relative_validity(valid_for)])
    tpdus = []
    for number, piece in enumerate(pieces, start=1):
        header = b""
        if len(pieces) > 1 and wide_reference:
            header = bytes([6, 0x08, 4]) + (reference & 0xFFFF).to_bytes(2, "big") + bytes([len(pieces), number])
        elif len(pieces) > 1:
            header = bytes([5, 0x00, 3, reference & 0xFF, len(pieces), number])
        tpdus.append(head + _encode_user_data(piece, header, seven_bit=seven_bit))
    return tpdus


class _Reader:
    """Takes octets from the front; taking more than there is raises PduInvalid."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, count: int) -> bytes:
        taken = self._data[self._position : self._position + count]
        if len(taken) < count:
            raise PduInvalid(f"The PDU ends after {len(self._data)} octets, in the middle of a field.")
        self._position += count
        return taken

    def octet(self) -> int:
        return self.take(1)[0]

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._position)


def _read_deliver(reader: _Reader, first: int) -> Deliver:
    sender = _read_address(reader)
    reader.octet()  # protocol identifier
    coding = reader.octet()
    sent_at = _time_stamp(reader.take(7))
    content = _read_user_data(reader, coding, has_header=bool(first & 0x40))
    return Deliver(sender=sender, sent_at=sent_at, content=content, more_to_come=not first & 0x04)


def _read_submit(reader: _Reader, first: int) -> Submit:
    reference = reader.octet()
    recipient = _read_address(reader)
    reader.octet()  # protocol identifier
    coding = reader.octet()
    validity_format = first >> 3 & 0x03
    reader.take({0: 0, 1: 7, 2: 1, 3: 7}[validity_format])
    content = _read_user_data(reader, coding, has_header=bool(first & 0x40))
    return Submit(recipient=recipient, reference=reference, content=content, wants_report=bool(first & 0x20))


def _read_status_report(reader: _Reader) -> StatusReport:
    reference = reader.octet()
    recipient = _read_address(reader)
    sent_at = _time_stamp(reader.take(7))
    discharged_at = _time_stamp(reader.take(7))
    return StatusReport(
        reference=reference,
        recipient=recipient,
        sent_at=sent_at,
        discharged_at=discharged_at,
        status=reader.octet(),
    )


def _read_address(reader: _Reader) -> str:
    """A number (international ones with `+`), or the name of an alphanumeric sender."""
    length = reader.octet()
    kind = reader.octet()
    if length > 20:
        raise PduInvalid(f"An address of {length} semi-octets is too long.")
    value = reader.take((length + 1) // 2)
    if kind >> 4 & 0x07 == 0x05:
        return gsm7.decode(gsm7.unpack(value, length * 4 // 7)).rstrip("\0")
    nibbles = [nibble for octet in value for nibble in (octet & 0x0F, octet >> 4)][:length]
    digits = "".join(_SEMI_OCTETS[nibble] for nibble in nibbles if nibble < 0x0F)
    return "+" + digits if kind >> 4 & 0x07 == 0x01 else digits


def _encode_address(number: str) -> bytes:
    if not re.fullmatch(r"\+?[0-9*#]{1,20}", number, re.ASCII):
        raise PduInvalid(f"{number[:40]!r} is not a number for a message.")
    digits = number.removeprefix("+")
    padded = digits + "f" * (len(digits) % 2)
    values = [0x0F if digit == "f" else _SEMI_OCTETS.index(digit) for digit in padded]
    swapped = bytes(low | high << 4 for low, high in zip(values[::2], values[1::2], strict=True))
    # 0x91 international; 0x81 unknown, which is also right for short codes.
    return bytes([len(digits), 0x91 if number.startswith("+") else 0x81]) + swapped


def _time_stamp(octets: bytes) -> datetime | None:
    """Swapped decimal digits and a zone in quarters of an hour; None where they are no moment."""
    values = [(octet & 0x0F) * 10 + (octet >> 4) for octet in octets[:6]]
    quarters = (octets[6] & 0x07) * 10 + (octets[6] >> 4)
    sign = -1 if octets[6] & 0x08 else 1
    try:
        zone = timezone(timedelta(minutes=15 * quarters * sign))
        year, month, day, hour, minute, second = values
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


def _alphabet(coding: int) -> Alphabet:
    """TP-DCS (23.038 section 4). Raises PduInvalid for compressed text, which nobody sends."""
    group = coding >> 4
    if group < 0x08:
        if coding & 0x20:
            raise PduInvalid("The message is compressed.")
        return (Alphabet.GSM7, Alphabet.DATA, Alphabet.UCS2, Alphabet.GSM7)[coding >> 2 & 0x03]
    if group == 0x0E:
        return Alphabet.UCS2
    if group == 0x0F and coding & 0x04:
        return Alphabet.DATA
    return Alphabet.GSM7


def _message_class(coding: int) -> int | None:
    group = coding >> 4
    has_class = (group < 0x08 and coding & 0x10) or group == 0x0F
    return coding & 0x03 if has_class else None


def _read_user_data(reader: _Reader, coding: int, *, has_header: bool) -> UserData:
    alphabet = _alphabet(coding)
    length = reader.octet()
    octets = reader.rest()
    if length > (_USER_DATA_SEPTETS if alphabet is Alphabet.GSM7 else _USER_DATA_OCTETS):
        raise PduInvalid(f"The user data cannot be {length} long.")
    header_octets = 0
    concatenation = None
    if has_header:
        header = _Reader(octets)
        fields = header.take(header.octet())
        header_octets = 1 + len(fields)
        concatenation = _concatenation(fields)
    text: str | None
    if alphabet is Alphabet.GSM7:
        skipped = (8 * header_octets + 6) // 7
        if length < skipped:
            raise PduInvalid("The user data header is longer than the user data.")
        data = octets[header_octets:]
        text = gsm7.decode(gsm7.unpack(data, length - skipped, 7 * skipped - 8 * header_octets))
    else:
        if length > len(octets) or length < header_octets:
            raise PduInvalid(f"The user data should be {length} octets long and is {len(octets)}.")
        data = octets[header_octets:length]
        # Half a surrogate pair, which some phones leave at the end of a part, cannot be stored as text.
        text = data.decode("utf-16-be", errors="replace") if alphabet is Alphabet.UCS2 else None
    return UserData(
        alphabet=alphabet,
        text=text,
        data=data,
        concatenation=concatenation,
        message_class=_message_class(coding),
    )


def _concatenation(fields: bytes) -> Concatenation | None:
    """The concatenation element among the information elements; an impossible one counts as none."""
    found = None
    reader = _Reader(fields)
    position = 0
    while position + 2 <= len(fields):
        identifier, length = reader.octet(), reader.octet()
        value = reader.take(length)
        position += 2 + length
        if identifier == 0x00 and length == 3:
            reference, parts, part, wide = value[0], value[1], value[2], False
        elif identifier == 0x08 and length == 4:
            reference, parts, part, wide = int.from_bytes(value[:2], "big"), value[2], value[3], True
        else:
            continue
        if 1 <= part <= parts:
            found = Concatenation(reference=reference, part=part, parts=parts, wide=wide)
    return found


def _pieces(text: str, *, seven_bit: bool, wide: bool) -> list[str]:
    """Cut the text so that each piece fits; an escape sequence or surrogate pair stays whole."""
    weight = (
        [len(gsm7.encode(each)) for each in text] if seven_bit else [2 if ord(each) > 0xFFFF else 1 for each in text]
    )
    whole, part = _USER_DATA_SEPTETS, (_USER_DATA_SEPTETS - 8 if wide else _USER_DATA_SEPTETS - 7)
    if not seven_bit:
        whole, part = _USER_DATA_OCTETS // 2, (_USER_DATA_OCTETS - (7 if wide else 6)) // 2
    if sum(weight) <= whole:
        return [text] if text else []
    pieces: list[str] = []
    start = used = 0
    for position, size in enumerate(weight):
        if used + size > part:
            pieces.append(text[start:position])
            start, used = position, 0
        used += size
    return [*pieces, text[start:]]


def _encode_user_data(text: str, header: bytes, *, seven_bit: bool) -> bytes:
    if not seven_bit:
        try:
            octets = header + text.encode("utf-16-be")
        except UnicodeEncodeError:
            raise PduInvalid("The text holds half a surrogate pair.") from None
        return bytes([len(octets)]) + octets
    septets = gsm7.encode(text)
    skipped = (8 * len(header) + 6) // 7
    return bytes([skipped + len(septets)]) + header + gsm7.pack(septets, 7 * skipped - 8 * len(header))


def _relative_validity(duration: timedelta) -> int:
    """TP-VP in its relative form (23.040 section 9.2.3.12.1): the least one that is long enough."""
    minutes = -(-duration // timedelta(minutes=1))
    for value in range(256):
        if value <= 143:
            covered = (value + 1) * 5
        elif value <= 167:
            covered = 12 * 60 + (value - 143) * 30
        elif value <= 196:
            covered = (value - 166) * 24 * 60
        else:
            covered = (value - 192) * 7 * 24 * 60
        if covered >= minutes:
            return value
    return 255
