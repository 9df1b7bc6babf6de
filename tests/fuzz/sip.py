"""What is wrong with a message: each header field replaced by each anomaly, and bytes changed at random."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

MESSAGES = Path(__file__).parents[1] / "data" / "rfc4475"

ANOMALIES: tuple[bytes, ...] = (
    # Nothing, and little.
    b"", b" ", b"\t", b"\r", b"\0", b"\x7f", b"-", b".", b"*", b"0",
    # Too much.
    b"a" * 8_000, b"a" * 9_000, b"a" * 65_000, b"," * 1_000, b";" * 1_000, b'"' * 1_001, b"<" * 1_000, b">" * 1_000,
    b"(" * 1_000, b"%" * 1_000, b"\\" * 1_001, b"=" * 1_000, b"sip:" * 500, b"a@" * 1_000, b"[" * 1_000, b":" * 1_000,
    # Numbers.
    b"-1", b"00000000000000000000000001", b"255", b"256", b"65536", b"2147483647", b"2147483648", b"4294967296",
    b"9" * 400, b"1e9", b"0x10", b"1_0", b" 1 ", "\u0663".encode(), b"1 INVITE", b"4294967296 INVITE", b"1 \xff",
    # What is no text, and text that is none of ours.
    b"\xff\xfe\xfd", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", "\u202eabc".encode(), "\u2028".encode(),
    "Ж".encode() * 500, b"\x1b[31m",
    # Lines and fields of one's own.
    b"x\r\nX-Injected: y", b"x\nX-Injected: y", b"x\rX-Injected: y", b"x\r\n\r\nINVITE sip:a@b SIP/2.0",
    b"x\r\n folded", b"%0d%0aX-Injected: y", b"%00", b"x\r\nContent-Length: 99999",
    # Formats of other languages.
    b"%s%n%x%d", b"{0.__class__}", b"${jndi:ldap://x}", b"'; DROP TABLE phones;--", b"../../../../etc/passwd",
    b"$(reboot)",
    # Addresses that are not.
    b"<sip:a@b", b"sip:a@b>", b'"a <sip:a@b>', b"<sip:a@[::1]:99999>", b"<sip:%zz@b>", b"<sip:a@b;transport=\0>",
    b"<sip:@>", b"<sips:>", b"<tel:>", b"<sip:a@b?Route=%3Csip:c%3E>", b"<sip:a@127.0.0.1:5060>", b"<>;tag=x",
    b"<sip:a@b>;tag=" + b"t" * 2_000, b"<sip:a@b>;tag=;tag=;tag", b"sip:a@b, sip:c@d, *",
    # Hops, credentials and moments that are not.
    b"SIP/2.0/UDP", b"SIP/2.0/UDP :;branch=", b"SIP/3.0/UDP h;branch=z9hG4bKx", b"SIP/2.0/UDP h;branch=z9hG4bK",
    b"Digest", b'Digest username="', b"Digest nonce=,,,=,", b"Basic Og==", b"Mon, 99 Foo 9999 99:99:99 GMT",
    b"active;expires=-1", b"dialog;id=", b"text/plain;charset=\"",
)  # fmt: skip

_INVITE = (
    "<INVITE> <sip>:<102>:<secret>@<127.0.0.1>:<5060>;<transport>=<udp> <SIP>/<2.0>\r\n"
    "Via: <SIP>/<2.0>/<UDP> <10.200.0.1>:<5060>;<rport>;<branch>=<z9hG4bKelements>\r\n"
    "<Max-Forwards>: <70>\r\n"
    'From: "<Anna>" <\x01><sip>:<101>@<127.0.0.1>;<user>=<phone><\x02>;<tag>=<elements>\r\n'
    "To: <Boris> <\x01><sip>:<102>@<127.0.0.1><\x02>\r\n"
    "Call-ID: <elements>@<10.200.0.1>\r\n"
    "CSeq: <1> <INVITE>\r\n"
    "Contact: <\x01><sip>:<101>@<10.200.0.1>:<5060><\x02>;<expires>=<60>;<q>=<0.5>\r\n"
    "Expires: <120>\r\n"
    "Session-Expires: <1800>;<refresher>=<uac>\r\n"
    "Supported: <timer>, <100rel>\r\n"
    "Accept: <application>/<sdp>;<level>=<1>\r\n"
    "Date: <Sat>, <13> <Nov> <2010> <23>:<29>:<00> <GMT>\r\n"
    'Authorization: <Digest> <username>="<101>", realm=<"simbridge">, nonce="<x>", uri="<sip:x>", nc=<00000001>\r\n'
    "Content-Type: <application>/<sdp>\r\n"
    "Content-Length: <{length}>\r\n\r\n"
    "<v>=<0>\r\n"
    "o=<-> <1> <1> <IN> <IP4> <10.200.0.1>\r\n"
    "s=<->\r\n"
    "c=<IN> <IP4> <10.200.0.1>\r\n"
    "b=<AS>:<64>\r\n"
    "t=<0> <0>\r\n"
    "m=<audio> <4000> <RTP>/<AVP> <0> <8> <101>\r\n"
    "a=<rtpmap>:<101> <telephone-event>/<8000>\r\n"
    "a=<fmtp>:<101> <0>-<15>\r\n"
    "a=<ptime>:<20>\r\n"
    "<a>=<sendrecv>\r\n"
)
"""An INVITE in its elements, each in angle brackets; what are brackets of the message itself are elements, too."""


def elements() -> list[bytes]:
    """The INVITE cut apart: what stands between elements, an element, and so on, as bytes; joined it is the message."""
    parts = re.split(r"<([^<>]*)>", _INVITE)
    parts = [part.replace("\x01", "<").replace("\x02", ">") for part in parts]
    whole = "".join(parts)
    length = str(len(whole.partition("\r\n\r\n")[2]))
    return [part.replace("{length}", length).encode() for part in parts]


def broken_elements() -> Iterator[bytes]:
    """That INVITE with each of its elements, one after the other, replaced by each anomaly (as PROTOS c07-sip does)."""
    parts = elements()
    for place in range(1, len(parts), 2):
        for anomaly in ANOMALIES:
            yield b"".join([*parts[:place], anomaly, *parts[place + 1 :]])


def read(name: str) -> bytes:
    """One message of RFC 4475."""
    return (MESSAGES / name).read_bytes()


def valid_messages() -> dict[str, bytes]:
    """The messages of RFC 4475 that are valid, by their names."""
    manifest = json.loads((MESSAGES / "MANIFEST.json").read_text("utf-8"))
    return {row["file"]: read(row["file"]) for row in manifest if row["valid"]}


def all_messages() -> list[bytes]:
    """Every message of RFC 4475."""
    return [path.read_bytes() for path in sorted(MESSAGES.glob("*.dat"))]


def replaced(message: bytes) -> Iterator[bytes]:
    """The message with the value of each of its header fields, one after the other, replaced by each anomaly."""
    for place in range(len(fields_of(message))):
        for anomaly in ANOMALIES:
            yield with_anomaly(message, place, anomaly)


def fields_of(message: bytes) -> list[bytes]:
    """Its header fields, each with the lines that are folded into it."""
    fields: list[bytes] = []
    for line in message.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += b"\r\n" + line
        else:
            fields.append(line)
    return fields


def with_anomaly(message: bytes, place: int, anomaly: bytes) -> bytes:
    """The message with another value in its field at that place."""
    fields = fields_of(message)
    fields[place] = fields[place].partition(b":")[0] + b": " + anomaly
    head, blank, body = message.partition(b"\r\n\r\n")
    return b"\r\n".join([head.partition(b"\r\n")[0], *fields]) + blank + body


def mutated(message: bytes, source: random.Random) -> bytes:
    """The message with some of its bytes changed, cut, doubled, or replaced by what means something."""
    data = bytearray(message)
    for _ in range(source.randint(1, 8)):
        place = source.randrange(len(data) or 1)
        match source.randrange(5):
            case 0:
                data[place : place + 1] = source.randbytes(1)
            case 1:
                del data[place : place + source.randint(1, 30)]
            case 2:
                data[place:place] = data[place : place + source.randint(1, 60)]
            case 3:
                data[place:place] = source.choice(
                    (b'"', b"\r\n", b"\n", b"<", b">", b";", b",", b"\0", b"%", b"\xff", b": ")
                )
            case _:
                data[place : place + source.randint(0, 4)] = source.choice(ANOMALIES[:11] + ANOMALIES[26:])[:200]
    return bytes(data)
