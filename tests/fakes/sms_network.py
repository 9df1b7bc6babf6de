"""What a network sends: DELIVER and STATUS-REPORT PDUs, written independently of the codec under test.

After 3GPP TS 23.040 section 9.2.2; bit by bit instead of by one big number.
"""

from __future__ import annotations

from datetime import datetime

from gateway.modem import gsm7


def swapped(number: int) -> int:
    return number % 10 << 4 | number // 10


def time_stamp(moment: datetime) -> bytes:
    offset = moment.utcoffset()
    assert offset is not None
    quarters = int(offset.total_seconds()) // 900
    values = (moment.year % 100, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    zone = swapped(abs(quarters)) | (0x08 if quarters < 0 else 0)
    return bytes([*map(swapped, values), zone])


def bits_packed(septets: bytes, fill_bits: int = 0) -> bytes:
    bits = [0] * fill_bits + [septet >> place & 1 for septet in septets for place in range(7)]
    bits += [0] * (-len(bits) % 8)
    return bytes(sum(bits[start + place] << place for place in range(8)) for start in range(0, len(bits), 8))


def address(sender: str) -> bytes:
    if sender.lstrip("+").isdigit():
        digits = sender.lstrip("+")
        padded = digits + "F" * (len(digits) % 2)
        value = bytes(int(padded[at + 1] + padded[at], 16) for at in range(0, len(padded), 2))
        return bytes([len(digits), 0x91 if sender.startswith("+") else 0x81]) + value
    value = bits_packed(gsm7.encode(sender))
    return bytes([(len(gsm7.encode(sender)) * 7 + 3) // 4, 0xD0]) + value


def user_data(text: str, header: bytes, *, ucs2: bool) -> bytes:
    if ucs2:
        octets = header + text.encode("utf-16-be")
        return bytes([len(octets)]) + octets
    septets = gsm7.encode(text)
    fill_bits = -8 * len(header) % 7
    return bytes([(8 * len(header) + fill_bits) // 7 + len(septets)]) + header + bits_packed(septets, fill_bits)


def concatenation(reference: int, part: int, parts: int, *, wide: bool) -> bytes:
    if wide:
        return bytes([6, 8, 4, reference >> 8 & 0xFF, reference & 0xFF, parts, part])
    return bytes([5, 0, 3, reference & 0xFF, parts, part])


def deliver(
    sender: str, text: str, sent_at: datetime, *, header: bytes = b"", ucs2: bool = False, coding: int | None = None
) -> bytes:
    """A whole PDU, service centre +7916 in front."""
    first = 0x04 | (0x40 if header else 0)
    dcs = coding if coding is not None else 0x08 if ucs2 else 0x00
    return (
        bytes.fromhex("039197 61".replace(" ", ""))
        + bytes([first])
        + address(sender)
        + bytes([0, dcs])
        + time_stamp(sent_at)
        + user_data(text, header, ucs2=ucs2)
    )


def status_report(reference: int, recipient: str, sent_at: datetime, discharged_at: datetime, status: int) -> bytes:
    return (
        b"\x00\x06"
        + bytes([reference])
        + address(recipient)
        + time_stamp(sent_at)
        + time_stamp(discharged_at)
        + bytes([status])
    )
