"""The GSM 7 bit alphabet and its packing (3GPP TS 23.038 sections 6.1 and 6.2), without I/O."""

from __future__ import annotations

from gateway.errors import PduInvalid

_ESCAPE = 0x1B
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip
_SEPTETS: dict[str, bytes] = {
    **{character: bytes([code]) for code, character in enumerate(_BASIC) if code != _ESCAPE},
    **{character: bytes([_ESCAPE, code]) for code, character in _EXTENSION.items()},
}


def encode(text: str) -> bytes:
    """One septet per byte; two for a character of the extension table. Raises PduInvalid for any other."""
    try:
        return b"".join([_SEPTETS[character] for character in text])
    except KeyError as unknown:
        raise PduInvalid(f"The GSM alphabet has no {unknown.args[0]!r}.") from None


def can_encode(text: str) -> bool:
    """Whether `encode` would take the text."""
    return all(character in _SEPTETS for character in text)


def decode(septets: bytes) -> str:
    """Every sequence has a text: an unknown extension is shown as its basic character (23.038 section 6.2.1.1)."""
    text: list[str] = []
    escaped = False
    for septet in septets:
        if escaped:
            text.append(_EXTENSION.get(septet) or (" " if septet == _ESCAPE else _BASIC[septet]))
            escaped = False
        elif septet == _ESCAPE:
            escaped = True
        else:
            text.append(_BASIC[septet])
    return "".join(text)


def pack(septets: bytes, fill_bits: int = 0) -> bytes:
    """Septets to octets, the first one after `fill_bits` zero bits (behind a user data header)."""
    bits = 0
    for position, septet in enumerate(septets):
        bits |= septet << (fill_bits + 7 * position)
    return bits.to_bytes((fill_bits + 7 * len(septets) + 7) // 8, "little")


def unpack(data: bytes, count: int, fill_bits: int = 0) -> bytes:
    """`count` septets; raises PduInvalid where `data` is too short for them."""
    if fill_bits + 7 * count > 8 * len(data):
        raise PduInvalid(f"{len(data)} octets are too few for {count} septets.")
    bits = int.from_bytes(data, "little") >> fill_bits
    return bytes([bits >> 7 * position & 0x7F for position in range(count)])


def pack_ussd(text: str) -> bytes:
    """Packed for USSD, where no count goes along: seven spare bits are a CR (23.038 section 6.1.2.3.1)."""
    septets = encode(text)
    if len(septets) % 8 == 7:
        septets += b"\r"
    return pack(septets)


def unpack_ussd(data: bytes) -> str:
    """The text of a packed USSD string; the padding CR is taken off."""
    septets = unpack(data, 8 * len(data) // 7)
    if len(septets) % 8 == 0 and septets.endswith(b"\r"):
        septets = septets[:-1]
    elif len(septets) % 8 == 0 and septets.endswith(b"\0"):
        # Seven spare bits left at zero by a network that does not pad: not an @.
        septets = septets[:-1]
    return decode(septets)
