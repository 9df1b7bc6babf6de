"""Text mode: messages as lines instead of PDUs (27.005 clause 3)."""

from __future__ import annotations

from gateway.emulator import sms_pdu


def read(pdu: str) -> tuple[str, str, str]:
    """(number, text, time stamp) of any stored PDU; a report's text is its status."""
    octets = bytes.fromhex(pdu)
    kind = octets[1 + octets[0]] & 0x03
    if kind == 0x00:
        return read_deliver(pdu)
    if kind == 0x02:
        number, rest = sms_pdu.read_address(octets[3 + octets[0] :])
        return number, str(rest[14]), _when(rest[:7])
    submitted = sms_pdu.read_submit(octets)
    return submitted.recipient, submitted.text if submitted.text is not None else submitted.data.hex(), ""


def read_deliver(pdu: str) -> tuple[str, str, str]:
    """(sender, text, time stamp) of an SMS-DELIVER; a header is left out."""
    octets = bytes.fromhex(pdu)
    tpdu = octets[1 + octets[0] :]
    sender, rest = sms_pdu.read_address(tpdu[1:])
    coding, when, length, body = rest[1], rest[2:9], rest[9], rest[10:]
    header = body[0] + 1 if tpdu[0] & 0x40 else 0
    if coding == 0x08:
        return sender, body[header:length].decode("utf-16-be"), _when(when)
    skipped = (header * 8 + 6) // 7
    septets = sms_pdu.unpack(body[header:], length - skipped, skipped * 7 - header * 8)
    return sender, sms_pdu.from_septets(septets), _when(when)


def submit(recipient: str, text: str, *, wants_report: bool) -> str:
    """The SMS-SUBMIT that a modem makes of a text, in hex with an empty service centre."""
    wide = not sms_pdu.is_gsm7(text)
    septets = [] if wide else sms_pdu.to_septets(text)
    body = text.encode("utf-16-be") if wide else sms_pdu.pack(septets)
    head = bytes((0, 0x31 if wants_report else 0x11, 0)) + sms_pdu.address(recipient)
    return (head + bytes((0, 8 if wide else 0, 0xA7, len(body) if wide else len(septets))) + body).hex().upper()


def _when(stamp: bytes) -> str:
    pairs = [f"{octet & 0x0F}{octet >> 4:X}" for octet in stamp]
    quarters = int(f"{stamp[6] & 0x07}{stamp[6] >> 4}")
    sign = "-" if stamp[6] & 0x08 else "+"
    return f"{pairs[0]}/{pairs[1]}/{pairs[2]},{pairs[3]}:{pairs[4]}:{pairs[5]}{sign}{quarters:02d}"
