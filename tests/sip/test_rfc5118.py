"""What RFC 5118 section 4 asks of IPv6 in messages, in messages of our own; each with what it must come to."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gateway.sip.grammar import MalformedMessage
from gateway.sip.message import Request, Response, parse_message, serialise
from gateway.sip.registrar_answers import seen_as
from gateway.sip.sdp import parse_sdp
from gateway.sip.transport import Address
from gateway.sip.uri import SipUri, parse_host_port
from tests.fakes.sip import SipWorld
from tests.fakes.sip_lossy import Link, LinkFlow

PHONE = Address("fd00::9:1", 5060)
OURS = Address("fd00::10", 5060)


@dataclass(frozen=True)
class Case:
    """One message of the section: what is in it, and what it is read as."""

    uri: str
    method: str = "OPTIONS"
    vias: tuple[str, ...] = ("SIP/2.0/UDP [fd00::9:1];branch=z9hG4bK5118",)
    contact: str = "<sip:anna@[fd00::9:1]>"
    body: tuple[str, ...] = ()
    host: str = "fd00::10"
    """Of the Request-URI as we understand it; empty: the request is refused."""
    port: int | None = None
    sources: tuple[str | None, ...] = (None,)
    """What `received` of each Via says."""
    media: tuple[str, ...] = field(default=())
    """The hosts that the streams of the body are sent to."""

    @property
    def data(self) -> bytes:
        body = "".join(f"{line}\r\n" for line in self.body).encode()
        lines = [
            f"{self.method} {self.uri} SIP/2.0",
            *(f"Via: {via}" for via in self.vias),
            "Max-Forwards: 70",
            "From: Anna <sip:anna@example.com>;tag=5118",
            "To: <sip:boris@example.com>",
            "Call-ID: 5118@[fd00::9:1]",
            f"CSeq: 7 {self.method}",
            f"Contact: {self.contact}",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def description(origin: str, session: str | None, *streams: tuple[int, str | None]) -> tuple[str, ...]:
    """An offer; each stream by its port, and its own `c=` where it has one."""
    lines = ["v=0", f"o=anna 5118 1 IN {origin}", "s=-"]
    lines += [f"c=IN {session}"] if session is not None else []
    lines += ["t=0 0"]
    for port, own in streams:
        lines += [f"m=audio {port} RTP/AVP 8", *([f"c=IN {own}"] if own is not None else [])]
    return tuple(lines)


CASES = {
    "4.1, in brackets": Case("sip:[fd00::10]", "REGISTER"),
    "4.2, the brackets are missing": Case("sip:fd00::10", "REGISTER", host=""),
    "4.3, what looks like a port is of the address": Case("sip:[fd00::10:5070]", "REGISTER", host="fd00::10:5070"),
    "4.4, a port": Case("sip:[fd00::10]:5070", "REGISTER", port=5070),
    "4.5, received in brackets": Case(
        "sip:[fd00::10]",
        vias=("SIP/2.0/UDP [fd00::9:1];received=[fd00::9:255];branch=z9hG4bK5118",),
        sources=("[fd00::9:255]",),
    ),
    "4.5, received without": Case(
        "sip:[fd00::10]",
        vias=("SIP/2.0/UDP [fd00::9:1];received=fd00::9:255;branch=z9hG4bK5118",),
        sources=("fd00::9:255",),
    ),
    "4.6, a description": Case(
        "sip:boris@[fd00::10]",
        "INVITE",
        body=description("IP6 fd00::20", "IP6 fd00::20", (20_000, None)),
        media=("fd00::20",),
    ),
    "4.7, hops of both kinds": Case(
        "sip:boris@[fd00::10]",
        "BYE",
        vias=(
            "SIP/2.0/UDP [fd00::9:1]:6050;branch=z9hG4bK5118",
            "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKb",
            "SIP/2.0/TCP [fd00::9:255];branch=z9hG4bKc;received=[fd00::9:255]",
        ),
        sources=(None, None, "[fd00::9:255]"),
    ),
    "4.8, streams of both kinds": Case(
        "sip:boris@[fd00::10]",
        "INVITE",
        body=description("IP6 host.example.com", None, (20_000, "IP6 fd00::1"), (20_002, "IP4 192.0.2.1")),
        media=("fd00::1", "192.0.2.1"),
    ),
    "4.9, IPv4 within IPv6": Case(
        "sip:boris@example.com",
        "INVITE",
        vias=("SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bK5118", "SIP/2.0/UDP [::ffff:192.0.2.2]"),
        contact="<sip:anna@[::ffff:192.0.2.2]>",
        body=description("IP6 ::ffff:192.0.2.2", "IP6 ::ffff:192.0.2.2", (6_000, None)),
        host="example.com",
        sources=(None, None),
        media=("::ffff:192.0.2.2",),
    ),
    "4.10, a colon too many, as the grammar of RFC 3261 has it": Case(
        "sip:boris@[fd00:db8:::192.0.2.1]", host="fd00:db8::192.0.2.1"
    ),
    "4.10, as it should be": Case("sip:boris@[fd00:db8::192.0.2.1]", host="fd00:db8::192.0.2.1"),
}
ALL = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@ALL
def test_each_is_read_as_the_rfc_wants(case: Case) -> None:
    if not case.host:
        with pytest.raises(MalformedMessage) as caught:
            parse_message(case.data)
        assert caught.value.status == 400
        return
    message = parse_message(case.data)
    assert isinstance(message, Request)
    assert isinstance(message.uri, SipUri)
    assert (message.uri.host, message.uri.port) == (case.host, case.port)
    assert tuple(via.parameter("received") for via in message.vias) == case.sources
    assert parse_message(serialise(message)) == message
    if case.body:
        assert tuple(each.host for each in parse_sdp(message.body).media) == case.media


@ALL
async def test_none_of_them_makes_a_phone_ring(case: Case) -> None:
    """From a stranger: a refusal each, by UDP and by a connection; to what cannot be read, 400."""
    world = SipWorld()
    async with world.server:
        for transport in ("UDP", "TCP"):
            link = Link()
            world.server.receive(case.data.replace(b"/UDP [", f"/{transport} [".encode()), LinkFlow(link, OURS, PHONE))
            answers = [parse_message(each) for each in link.sent]
            assert [each.status for each in answers if isinstance(each, Response)] == [401 if case.host else 400]
            assert answers[0].via.parameter("received") == (None if "9:1" in answers[0].via.host else PHONE.host)
        assert not world.legs
        assert len(world.server._wire.transactions) == 0


@pytest.mark.parametrize(
    ("received", "rport"), [("[fd00::9:255]", "5062"), ("fd00::9:255", "5062"), ("fd00::9:255", "9" * 5000)]
)
def test_our_own_address_is_read_either_way(received: str, rport: str) -> None:
    """Section 4.5: what a registrar saw, with brackets or without; a port that is none says nothing."""
    answer = parse_message(
        f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP [fd00::1];branch=z9hG4bKx;received={received};rport={rport}\r\n"
        "From: <sip:a@h>;tag=1\r\nTo: <sip:a@h>;tag=2\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n\r\n".encode()
    )
    assert isinstance(answer, Response)
    assert seen_as(answer, LinkFlow(Link(), OURS, PHONE)) == (Address("fd00::9:255", 5062) if rport == "5062" else None)


@pytest.mark.parametrize(
    "text",
    [
        "[fd00:::10]", "[fd00::::192.0.2.1]", "[fd00::1:::192.0.2.1]", "[:::]", "[fd00::10", "fd00::10", "[192.0.2.1]",
        "[fd00::10]5060", "[fd00::10]:", "[fd00::10]:0", "[fd00::10]:99999", "[fd00::10%eth0]", "[fd00::g]", "[]",
        "[1:2:3:4:5:6:7:8:9]", "[::192.0.2.256]", "[[fd00::10]]", "[ fd00::10]", "[:::192.0.2.1.5]",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_address_is_none(text: str) -> None:
    with pytest.raises(MalformedMessage):
        parse_host_port(text)
