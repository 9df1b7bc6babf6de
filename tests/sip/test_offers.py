"""Offers as real phones make them, and every offer of ours: codecs, keys, telephone events, sealed media.

The phones' descriptions are written from their makers' documentation and from what their users publish; none was
recorded here.
"""

from __future__ import annotations

import base64
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.audio.codec import Codec
from gateway.sip.media_terms import DEFAULT_TERMS, MediaTerms
from gateway.sip.sdp import Agreement, Format, LocalDescription, Way, agree, parse_sdp
from gateway.sip.srtp import KEY_BYTES, CryptoLine, Suite, new_key, parse_crypto
from gateway.telephony.shop import Srtp

KEY = base64.b64encode(bytes(range(30))).decode()
CRYPTO = f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"
WEAK = f"a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|2^31"
HEAD = ("v=0", "o=- 20 20 IN IP4 192.168.1.20", "s=-", "c=IN IP4 192.168.1.20", "t=0 0")
SPOKEN = some.lists(some.sampled_from(Codec), unique=True).map(tuple)
TERMS = some.builds(MediaTerms, codecs=SPOKEN, speaks_wide=some.booleans(), srtp=some.sampled_from(Srtp))

YEALINK = (
    "m=audio 11780 RTP/AVP 0 8 18 9 101",
    "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:18 G729/8000", "a=fmtp:18 annexb=no",
    "a=rtpmap:9 G722/8000", "a=fmtp:101 0-15", "a=rtpmap:101 telephone-event/8000", "a=ptime:20", "a=sendrecv",
)  # fmt: skip
YEALINK_SEALED = (
    "m=audio 11782 RTP/SAVP 9 0 8 101",
    f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}",
    f"a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}",
    f"a=crypto:3 F8_128_HMAC_SHA1_80 inline:{KEY}",
    *YEALINK[1:3], YEALINK[5], *YEALINK[6:],
)  # fmt: skip
GRANDSTREAM = (
    "m=audio 5004 RTP/AVP 0 8 4 18 2 9 123 101",
    "a=sendrecv", "a=rtcp:5005 IN IP4 192.168.1.20", "a=rtpmap:0 PCMU/8000", "a=ptime:20", "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:4 G723/8000", "a=rtpmap:18 G729/8000", "a=fmtp:18 annexb=no", "a=rtpmap:2 G726-32/8000",
    "a=rtpmap:9 G722/8000", "a=rtpmap:123 opus/48000/2", "a=fmtp:123 maxplaybackrate=16000",
    "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15",
)  # fmt: skip
LINPHONE = (
    "b=AS:380",
    "m=audio 7078 RTP/AVPF 96 97 98 0 8 18 101 99 100",
    "a=rtpmap:96 opus/48000/2", "a=fmtp:96 useinbandfec=1", "a=rtpmap:97 speex/16000", "a=fmtp:97 vbr=on",
    "a=rtpmap:98 speex/8000", "a=fmtp:98 vbr=on", "a=fmtp:18 annexb=yes", "a=rtpmap:101 telephone-event/48000",
    "a=rtpmap:99 telephone-event/16000", "a=rtpmap:100 telephone-event/8000", "a=rtcp-fb:* trr-int 5000",
    "a=rtcp-fb:* ccm tmmbr", "a=rtcp-mux",
)  # fmt: skip
ZOIPER = (
    "m=audio 42034 RTP/AVP 3 0 8 9 120 101",
    "a=rtpmap:120 opus/48000/2", "a=fmtp:120 useinbandfec=1; usedtx=1; maxaveragebitrate=64000",
    "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=sendrecv",
)  # fmt: skip
MICROSIP = (
    "b=AS:84", "a=X-nat:0",
    "m=audio 4000 RTP/AVP 8 0 101 102", "b=TIAS:64000", "a=rtcp:4001 IN IP4 192.168.1.20", "a=sendrecv",
    "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16",
    "a=rtpmap:102 telephone-event/48000", "a=ssrc:1804289383 cname:7c83e4582a1",
)  # fmt: skip


def described(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*HEAD, *lines)).encode()


def agreed(*lines: str, terms: MediaTerms = DEFAULT_TERMS) -> Agreement:
    found = agree(parse_sdp(described(*lines)), terms)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("lines", "codec", "payload", "event", "rtcp_port"),
    [
        (YEALINK, Codec.PCMU, 0, 101, None),
        (GRANDSTREAM, Codec.PCMU, 0, 101, 5005),
        (LINPHONE, Codec.PCMU, 0, 100, None),
        (ZOIPER, Codec.PCMU, 0, 101, None),
        (MICROSIP, Codec.PCMA, 8, 101, 4001),
    ],
)
def test_a_phone_as_it_comes_speaks_g711_in_its_own_order(
    lines: tuple[str, ...], codec: Codec, payload: int, event: int, rtcp_port: int | None
) -> None:
    found = agreed(*lines)
    assert (found.codec, found.payload, found.event_payload, found.rtcp_port) == (codec, payload, event, rtcp_port)
    assert found.event_rate == 8_000


@pytest.mark.parametrize(
    ("lines", "wanted", "payload", "event", "rate"),
    [
        (YEALINK, (Codec.OPUS, Codec.G722, Codec.PCMA), 9, 101, 8_000),
        (GRANDSTREAM, (Codec.OPUS, Codec.G722), 123, 101, 8_000),
        (LINPHONE, (Codec.OPUS, Codec.PCMA), 96, 101, 48_000),
        (ZOIPER, (Codec.OPUS,), 120, 101, 8_000),
        (ZOIPER, (Codec.G722, Codec.OPUS), 9, 101, 8_000),
        (MICROSIP, (Codec.OPUS, Codec.G722, Codec.PCMU), 0, 101, 8_000),
    ],
)
def test_the_owners_order_goes_before_the_phones(
    lines: tuple[str, ...], wanted: tuple[Codec, ...], payload: int, event: int, rate: int
) -> None:
    found = agreed(*lines, terms=MediaTerms(codecs=wanted))
    assert (found.payload, found.event_payload, found.event_rate) == (payload, event, rate)


def test_a_phone_that_has_nothing_else_is_spoken_to_in_opus() -> None:
    assert agreed("m=audio 4000 RTP/AVP 96", "a=rtpmap:96 opus/48000/2").codec is Codec.OPUS
    assert agree(parse_sdp(described("m=audio 4000 RTP/AVP 9")), MediaTerms(speaks_wide=False)) is None
    assert agreed("m=audio 4000 RTP/AVP 9", "a=rtpmap:9 G722/16000").codec is Codec.G722


def test_the_answer_to_linphone_keeps_its_profile_its_numbers_and_its_multiplexing() -> None:
    offer = parse_sdp(described(*LINPHONE))
    terms = MediaTerms(codecs=(Codec.OPUS,))
    found = agree(offer, terms)
    assert found is not None
    lines = LocalDescription("10.0.0.1", 7000, terms).answer(offer, found).decode().split("\r\n")
    assert "m=audio 7000 RTP/AVPF 96 101" in lines
    assert "a=rtpmap:96 opus/48000/2" in lines
    assert "a=fmtp:96 useinbandfec=1;stereo=0;sprop-stereo=0" in lines
    assert "a=rtpmap:101 telephone-event/48000" in lines
    assert "a=rtcp-mux" in lines


def test_what_else_the_peer_may_send_is_known() -> None:
    assert [each.number for each in agreed(*YEALINK).also] == [8, 9]
    assert [each.number for each in agreed(*GRANDSTREAM).also] == [8, 9]
    assert agreed(*ZOIPER, terms=MediaTerms(codecs=(Codec.OPUS, Codec.PCMA))).also == ()
    assert [each.number for each in agreed(*YEALINK, terms=MediaTerms(codecs=(Codec.PCMA,))).also] == []


def test_a_call_that_is_changed_stays_with_its_codec() -> None:
    for kept, payload in ((Codec.PCMA, 8), (Codec.G722, 9), (Codec.OPUS, 0), (None, 0)):
        found = agree(parse_sdp(described(*YEALINK)), kept=kept)
        assert found is not None
        assert found.payload == payload


# Sealed media.


@pytest.mark.parametrize(
    ("lines", "off", "preferred", "required"),
    [
        (YEALINK, "plain", "plain", None),
        (YEALINK_SEALED, None, Suite.SHA1_80, Suite.SHA1_80),
        (("m=audio 4000 RTP/SAVP 0", WEAK), None, Suite.SHA1_32, Suite.SHA1_32),
        (("m=audio 4000 RTP/SAVP 0", WEAK, CRYPTO), None, Suite.SHA1_80, Suite.SHA1_80),
        (("m=audio 4000 RTP/SAVPF 0", CRYPTO), None, Suite.SHA1_80, Suite.SHA1_80),
        (("m=audio 4000 RTP/SAVP 0",), None, None, None),
        (("m=audio 4000 RTP/AVP 0", CRYPTO), "plain", Suite.SHA1_80, Suite.SHA1_80),
        (("m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/SAVP 0", CRYPTO), "plain", Suite.SHA1_80, Suite.SHA1_80),
        (("m=audio 4000 RTP/SAVP 0", CRYPTO, "m=audio 4002 RTP/AVP 0"), "plain", Suite.SHA1_80, Suite.SHA1_80),
        (("m=audio 4000 UDP/TLS/RTP/SAVPF 0", "a=fingerprint:sha-256 00"), None, None, None),
    ],
)
def test_what_is_sealed(
    lines: tuple[str, ...], off: str | None, preferred: str | Suite | None, required: Suite | None
) -> None:
    """RFC 4568; keys beside plain RTP are RFC 8643. Nothing is in clear where the owner forbids it."""
    offer = parse_sdp(described(*lines))
    for mode, wanted in ((Srtp.OFF, off), (Srtp.PREFERRED, preferred), (Srtp.REQUIRED, required)):
        terms = MediaTerms(srtp=mode)
        found = agree(offer, terms)
        if found is None:
            assert wanted is None, mode
            continue
        assert (found.crypto.suite if found.crypto is not None else "plain") == wanted, mode
        answer = LocalDescription("10.0.0.1", 7000, terms).answer(offer, found).decode()
        used = [line for line in answer.splitlines() if line.startswith("m=") and " 0 RTP" not in line]
        assert len(used) == 1
        if found.crypto is not None:
            assert f"a=crypto:{found.crypto.tag} {found.crypto.suite} inline:" in answer
            assert KEY not in answer  # ours, not the one that came
        else:
            assert "crypto" not in answer


def test_two_of_us_agree_on_each_others_keys() -> None:
    for mine, yours in permutations((Srtp.PREFERRED, Srtp.REQUIRED), 2):
        caller = LocalDescription("10.0.0.1", 7000, MediaTerms(srtp=mine))
        callee = LocalDescription("10.0.0.2", 8000, MediaTerms(srtp=yours))
        offer = parse_sdp(caller.offer())
        there = agree(offer, callee.terms)
        assert there is not None
        here = agree(parse_sdp(callee.answer(offer, there)), caller.terms)
        assert here is not None
        assert there.crypto is not None
        assert here.crypto is not None
        assert (there.crypto.key, here.crypto.key) == (caller.key, callee.key)


def test_a_plain_answer_is_taken_where_secrecy_is_a_wish_and_refused_where_it_is_a_demand() -> None:
    answer = parse_sdp(described("m=audio 4000 RTP/AVP 8"))
    assert agree(answer, MediaTerms(srtp=Srtp.PREFERRED)) is not None
    assert agree(answer, MediaTerms(srtp=Srtp.REQUIRED)) is None


@pytest.mark.parametrize(
    "value",
    [
        "1 AES_CM_128_HMAC_SHA1_80",
        f"x AES_CM_128_HMAC_SHA1_80 inline:{KEY}",
        f"1 AES_256_CM_HMAC_SHA1_80 inline:{KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY};inline:{KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} UNENCRYPTED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} KDR=3",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY[:-4]}",
        "1 AES_CM_128_HMAC_SHA1_80 inline:====",
        f"1 AES_CM_128_HMAC_SHA1_80 uri:{KEY}",
    ],
)
def test_a_line_that_cannot_be_done_is_passed_over(value: str) -> None:
    assert parse_crypto(value) is None


@pytest.mark.parametrize("more", ["", "|2^31", "|1048576", " WSH=64", " -MINE=4", "|2^20 KDR=0 wsh=128"])
def test_lifetimes_and_hints_ask_nothing_of_us(more: str) -> None:
    assert parse_crypto(f"7 AES_CM_128_HMAC_SHA1_80 inline:{KEY}{more}") == CryptoLine(
        7, Suite.SHA1_80, bytes(range(30))
    )


def test_keys_are_in_no_text_that_a_log_could_hold() -> None:
    local = LocalDescription("10.0.0.1", 7000, MediaTerms(srtp=Srtp.REQUIRED))
    offer = parse_sdp(described(*YEALINK_SEALED))
    found = agree(offer, local.terms)
    for thing in (local, offer, found):
        assert KEY not in repr(thing)
        assert repr(bytes(range(30))) not in repr(thing)
        assert repr(local.key) not in repr(thing)


# Every offer of ours, and every text.


@given(TERMS, some.sampled_from(Way), TERMS)
def test_every_offer_of_ours_can_be_read_and_answered(terms: MediaTerms, way: Way, others: MediaTerms) -> None:
    ours = LocalDescription("10.0.0.1", 7000, terms)
    offer = parse_sdp(ours.offer(way))
    (media,) = offer.media
    assert [each.codec for each in media.formats if each.codec is not None] == list(terms.spoken)
    assert len({each.number for each in media.formats}) == len(media.formats)
    assert (media.port, media.host, media.way, media.ptime_ms) == (7000, "10.0.0.1", way, 20)
    assert media.protocol == ("RTP/SAVP" if terms.srtp is Srtp.REQUIRED else "RTP/AVP")
    assert [line.key for line in media.crypto] == ([] if terms.srtp is Srtp.OFF else [ours.key])
    there = agree(offer, others)
    able = bool(set(terms.spoken) & set(others.spoken)) and {terms.srtp, others.srtp} != {Srtp.OFF, Srtp.REQUIRED}
    assert (there is not None) == able
    if there is None:
        return
    theirs = LocalDescription("10.0.0.2", 8000, others)
    here = agree(parse_sdp(theirs.answer(offer, there)), terms)
    assert here is not None
    assert (here.codec, here.payload, here.event_payload) == (there.codec, there.payload, there.event_payload)
    assert here.event_rate == there.event_rate == here.codec.facts.clock_rate
    assert here.way is there.way.mirrored
    assert (here.crypto is None) == (there.crypto is None)


@given(some.lists(some.sampled_from([*YEALINK, *LINPHONE, *YEALINK_SEALED, *MICROSIP, "m=audio 0 RTP/AVP 0"])), TERMS)
def test_lines_in_any_order_and_number_are_answered_section_by_section(lines: list[str], terms: MediaTerms) -> None:
    offer = parse_sdp(described(*lines))
    found = agree(offer, terms)
    if found is None:
        return
    answer = parse_sdp(LocalDescription("10.0.0.1", 7000, terms).answer(offer, found))
    assert [media.protocol for media in answer.media] == [media.protocol for media in offer.media]
    assert [index for index, media in enumerate(answer.media) if media.port] == [found.section]
    assert (
        Format(found.payload, found.codec.facts.name.upper(), found.codec.facts.clock_rate)
        in answer.media[found.section].formats
    )


@given(some.integers(0, 99), some.sampled_from(Suite), some.binary(min_size=KEY_BYTES, max_size=KEY_BYTES))
def test_a_crypto_line_reads_back(tag: int, suite: Suite, key: bytes) -> None:
    line = CryptoLine(tag, suite, key)
    assert parse_crypto(line.attribute.removeprefix("crypto:")) == line


@given(some.text())
def test_no_text_breaks_the_reader_of_crypto_lines(text: str) -> None:
    assert parse_crypto(text) is None


def test_keys_are_random() -> None:
    assert len({new_key() for _ in range(100)}) == 100
