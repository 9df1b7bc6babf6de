"""Offer and answer (RFC 3264)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audio.codec import Codec
from gateway.sip.grammar import MalformedMessage
from gateway.sip.sdp import LocalDescription, Way, agree, parse_sdp


def sdp(*lines: str) -> bytes:
    return "\r\n".join(("v=0", "o=- 1 1 IN IP4 10.0.0.2", "s=-", *lines, "")).encode()


AUDIO = ("c=IN IP4 10.0.0.2", "t=0 0", "m=audio 4000 RTP/AVP 8 0 96", "a=rtpmap:96 telephone-event/8000", "a=ptime:30")


def test_what_is_agreed_follows_the_offer() -> None:
    agreed = agree(parse_sdp(sdp(*AUDIO)))
    assert agreed is not None
    assert (agreed.host, agreed.port, agreed.codec, agreed.payload) == ("10.0.0.2", 4000, Codec.PCMA, 8)
    assert (agreed.event_payload, agreed.ptime_ms, agreed.way) == (96, 30, Way.BOTH)


def test_the_answer_echoes_each_section_and_the_offers_own_numbers() -> None:
    offer = parse_sdp(
        sdp(
            "c=IN IP4 10.0.0.2",
            "m=video 5000 RTP/AVP 99",
            "m=audio 4000 RTP/SAVP 0",
            "m=audio 4002 RTP/AVP 9 110 97",
            "a=rtpmap:110 pcmu/8000",
            "a=rtpmap:97 telephone-event/8000",
            "m=image 0 udptl t38",
        )
    )
    agreed = agree(offer)
    assert agreed is not None
    lines = LocalDescription("10.0.0.1", 7000).answer(offer, agreed).decode().split("\r\n")
    assert [line for line in lines if line.startswith("m=")] == [
        "m=video 0 RTP/AVP 99",
        "m=audio 0 RTP/SAVP 0",
        "m=audio 7000 RTP/AVP 110 97",
        "m=image 0 udptl t38",
    ]
    assert "a=rtpmap:110 PCMU/8000" in lines
    assert "a=rtpmap:97 telephone-event/8000" in lines


@pytest.mark.parametrize(
    ("attribute", "ours"),
    [("sendrecv", Way.BOTH), ("sendonly", Way.RECEIVE), ("recvonly", Way.SEND), ("inactive", Way.NONE)],
)
def test_hold_is_mirrored(attribute: str, ours: Way) -> None:
    for lines in ((*AUDIO, f"a={attribute}"), (f"a={attribute}", *AUDIO)):
        agreed = agree(parse_sdp(sdp(*lines)))
        assert agreed is not None
        assert agreed.way is ours
        assert agreed.is_held == (ours in (Way.RECEIVE, Way.NONE))


@pytest.mark.parametrize("port", ["0000059999999", "9" * 5000, "0", "65536", "²"])
def test_a_port_for_reports_that_is_none_is_passed_over(port: str) -> None:
    described = sdp("m=audio 4000 RTP/AVP 0", f"a=rtcp:{port}")
    assert [media.rtcp_port for media in parse_sdp(described).media] == [None]


def test_the_old_hold_is_a_hold() -> None:
    agreed = agree(parse_sdp(sdp("c=IN IP4 0.0.0.0", "m=audio 4000 RTP/AVP 0")))
    assert agreed is not None
    assert agreed.is_held


@pytest.mark.parametrize(
    "lines",
    [
        ("c=IN IP4 10.0.0.2", "m=audio 4000 RTP/AVP 4 18"),
        ("c=IN IP4 10.0.0.2", "m=audio 0 RTP/AVP 0"),
        ("c=IN IP4 10.0.0.2", "m=audio 4000 RTP/SAVP 0"),
        ("c=IN IP4 10.0.0.2", "m=video 4000 RTP/AVP 0"),
        ("m=audio 4000 RTP/AVP 0",),
        ("c=IN IP4 10.0.0.2",),
        ("c=IN IP4 10.0.0.2", "m=audio 4000 RTP/AVP 8", "a=rtpmap:8 PCMA/16000"),
    ],
)
def test_nothing_in_common_is_none(lines: tuple[str, ...]) -> None:
    assert agree(parse_sdp(sdp(*lines))) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"v=1\r\n",
        sdp("m=audio"),
        sdp("m=audio 70000 RTP/AVP 0"),
        sdp("c=IN IP4"),
        sdp(*["a=x"] * 501),
        sdp("m=\u0130 1 RTP/AVP 0"),
    ],
)
def test_what_is_no_description_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_sdp(body)


def test_our_own_offer_can_be_answered_and_its_version_grows_with_changes_only() -> None:
    local = LocalDescription("10.0.0.1", 7000)
    first, again, held = local.offer(), local.offer(), local.offer(Way.SEND)
    assert first == again
    versions = [int(body.split(b"o=- ")[1].split()[1]) for body in (first, held)]
    assert versions[1] == versions[0] + 1
    agreed = agree(parse_sdp(first))
    assert agreed is not None
    assert (agreed.port, agreed.event_payload) == (7000, 101)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: b"v=0\r\n" + text.encode("utf-8", "replace")))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        offer = parse_sdp(body)
    except MalformedMessage:
        return
    agreed = agree(offer)
    if agreed is not None:
        answer = LocalDescription("10.0.0.1", 7000).answer(offer, agreed)
        assert len(parse_sdp(answer).media) == len(offer.media)


LINES = [
    "m=audio 4000 RTP/AVP 0 8 96",
    "m=video 1 RTP/AVP 3",
    "c=IN IP4 1.2.3.4",
    "c=IN IP6 ::1",
    "a=rtpmap:96 telephone-event/8000",
    "a=rtpmap:8 x/1",
    "a=sendonly",
    "a=ptime:x",
    "x",
]


@given(st.lists(st.sampled_from(LINES)))
def test_any_lines_are_answered_section_by_section(lines: list[str]) -> None:
    offer = parse_sdp(sdp(*lines))
    agreed = agree(offer)
    if agreed is not None:
        answer = LocalDescription("10.0.0.1", 7000).answer(offer, agreed)
        assert [each.kind for each in parse_sdp(answer).media] == [each.kind for each in offer.media]
