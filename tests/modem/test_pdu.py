"""The SMS codec: what is encoded comes back, what the network sends is read, and only PduInvalid comes out."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone
from itertools import zip_longest

import pytest
from gsmmodem.pdu import encodeSmsSubmitPdu
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import PduInvalid
from gateway.modem import gsm7, pdu
from gateway.modem.pdu import Alphabet, Deliver, StatusReport, Submit, submit_parts
from tests.fakes import sms_network
from tests.faults import rounds
from tests.modem.test_gsm7 import ALPHABET

NUMBERS = st.from_regex(r"\+?[0-9]{3,15}", fullmatch=True)
NAMES: st.SearchStrategy[str] = st.text(st.sampled_from(ALPHABET.replace("@", "")), min_size=1, max_size=11).filter(
    lambda name: not name.lstrip("+").isdigit() and len(gsm7.encode(name)) <= 11
)
GSM_TEXTS = st.text(st.sampled_from(ALPHABET), min_size=1, max_size=600)
ANY_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
ZONES = st.integers(-48, 56).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
MOMENTS = st.builds(
    lambda seconds, zone: (datetime(2000, 1, 3, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(zone),
    st.integers(0, 99 * 365 * 86400),
    ZONES,
)


def sent(tpdu: bytes) -> Submit:
    message = pdu.decode(b"\x00" + tpdu)
    assert isinstance(message, Submit)
    return message


@given(NUMBERS, st.one_of(GSM_TEXTS, ANY_TEXTS), st.integers(0, 65535), st.booleans(), st.booleans())
def test_submit_comes_back(number: str, text: str, reference: int, wide: bool, wants_report: bool) -> None:
    parts = [
        sent(part)
        for part in submit_parts(number, text, reference=reference, wide_reference=wide, wants_report=wants_report)
    ]
    assert "".join(part.content.text or "" for part in parts) == text
    for position, part in enumerate(parts, start=1):
        assert part.recipient == number
        assert part.wants_report is wants_report
        joined = part.content.concatenation
        if len(parts) == 1:
            assert joined is None
        else:
            assert joined is not None
            assert (joined.part, joined.parts, joined.wide) == (position, len(parts), wide)
            assert joined.reference == reference & (0xFFFF if wide else 0xFF)


@given(st.one_of(GSM_TEXTS, ANY_TEXTS), st.booleans())
def test_no_part_is_too_long_and_none_is_wasted(text: str, wide: bool) -> None:
    parts = submit_parts("+79161234567", text, reference=1, wide_reference=wide)
    for part in parts:
        assert len(part) <= 4 + 8 + 1 + 1 + 140
    if len(parts) > 1:
        # All but the last are full, to a character that did not fit.
        assert all(len(part) >= max(map(len, parts)) - 4 for part in parts[:-1])


@settings(max_examples=rounds(60, 2_000))
@given(
    st.one_of(NUMBERS, NAMES), st.text(st.sampled_from(ALPHABET), max_size=76), MOMENTS,
    st.sampled_from(["", "narrow", "wide"]), st.integers(0, 65535),
)  # fmt: skip
def test_deliver_in_gsm7(sender: str, text: str, sent_at: datetime, joined: str, reference: int) -> None:
    header = sms_network.concatenation(reference, 2, 3, wide=joined == "wide") if joined else b""
    message = pdu.decode(sms_network.deliver(sender, text, sent_at, header=header))
    assert isinstance(message, Deliver)
    assert (message.sender, message.content.text, message.sent_at) == (sender, text, sent_at)
    assert message.content.alphabet is Alphabet.GSM7
    if joined:
        assert message.content.concatenation is not None
        assert message.content.concatenation.reference == reference & (0xFFFF if joined == "wide" else 0xFF)
    else:
        assert message.content.concatenation is None


@given(
    st.one_of(NUMBERS, NAMES), st.text(st.characters(exclude_categories=["Cs"]), max_size=33), MOMENTS, st.booleans()
)
def test_deliver_in_ucs2(sender: str, text: str, sent_at: datetime, joined: bool) -> None:
    header = sms_network.concatenation(7, 1, 2, wide=True) if joined else b""
    message = pdu.decode(sms_network.deliver(sender, text, sent_at, header=header, ucs2=True))
    assert isinstance(message, Deliver)
    assert (message.sender, message.content.text, message.sent_at) == (sender, text, sent_at)


@given(st.integers(0, 255), NUMBERS, MOMENTS, MOMENTS, st.integers(0, 255))
def test_status_reports(reference: int, recipient: str, sent_at: datetime, at: datetime, status: int) -> None:
    message = pdu.decode(sms_network.status_report(reference, recipient, sent_at, at, status))
    assert message == StatusReport(
        reference=reference, recipient=recipient, sent_at=sent_at, discharged_at=at, status=status
    )
    assert message.delivered == (status in (0, 1, 2))
    assert message.pending == (0x20 <= status < 0x40)


@settings(max_examples=rounds(200, 10_000))
@given(st.binary(max_size=200))
def test_garbage_raises_one_exception_type_only(data: bytes) -> None:
    try:
        message = pdu.decode(data)
    except PduInvalid:
        return
    assert isinstance(message, Deliver | Submit | StatusReport)


@settings(max_examples=rounds(100, 10_000))
@given(st.data())
def test_damaged_messages_raise_one_exception_type_only(data: st.DataObject) -> None:
    whole = sms_network.deliver(
        "+79161234567", "Hello {world}", datetime(2026, 1, 15, tzinfo=UTC),
        header=sms_network.concatenation(1, 1, 2, wide=data.draw(st.booleans())),
    )  # fmt: skip
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(PduInvalid):
        pdu.decode(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))


@given(NUMBERS, st.one_of(GSM_TEXTS, ANY_TEXTS, st.text(max_size=50)))
def test_encoding_raises_one_exception_type_only(number: str, text: str) -> None:
    for recipient in (number, text):
        with contextlib.suppress(PduInvalid):
            submit_parts(recipient, text, reference=1)


# What python-gsmmodem-new encodes rightly: the alphabet without its wrong entries, and Cyrillic.
RIGHT_THERE = ALPHABET.replace("ÿ", "").replace("§", "").replace("\f", "")
CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя АБВГ,.!№"


@given(
    st.from_regex(r"\+[0-9]{11,15}", fullmatch=True),
    st.one_of(
        st.text(st.sampled_from(RIGHT_THERE), min_size=1, max_size=400),
        st.text(st.sampled_from(CYRILLIC), min_size=1, max_size=200).filter(lambda text: not text.isascii()),
    ),
)
def test_an_independent_encoder_agrees(number: str, text: str) -> None:
    ours = submit_parts(number, text, reference=5)
    theirs = encodeSmsSubmitPdu(number, text, reference=5, requestStatusReport=False)
    if any(character in "^{}\\[~]|€" for character in text) and len(ours) > 1:
        # It cuts escape sequences elsewhere; the text is what counts.
        return
    for own, other in zip_longest(ours, theirs):
        theirs_decoded = sent(bytes(other.data)[1:])
        assert sent(own).content == theirs_decoded.content
        assert sent(own).recipient == theirs_decoded.recipient


@pytest.mark.parametrize(
    ("coding", "alphabet", "message_class"),
    [
        (0x00, Alphabet.GSM7, None), (0x10, Alphabet.GSM7, 0), (0x11, Alphabet.GSM7, 1), (0x04, Alphabet.DATA, None),
        (0x08, Alphabet.UCS2, None), (0x18, Alphabet.UCS2, 0), (0x48, Alphabet.UCS2, None), (0xC8, Alphabet.GSM7, None),
        (0xE0, Alphabet.UCS2, None), (0xF0, Alphabet.GSM7, 0), (0xF5, Alphabet.DATA, 1), (0x80, Alphabet.GSM7, None),
    ],
)  # fmt: skip
def test_data_coding(coding: int, alphabet: Alphabet, message_class: int | None) -> None:
    ucs2 = alphabet is Alphabet.UCS2
    raw = sms_network.deliver("+79161234567", "ab", datetime(2026, 1, 15, tzinfo=UTC), ucs2=ucs2, coding=coding)
    message = pdu.decode(raw)
    assert isinstance(message, Deliver)
    assert message.content.alphabet is alphabet
    assert message.content.message_class == message_class
    assert message.content.text == (None if alphabet is Alphabet.DATA else "ab")


def test_a_real_looking_message() -> None:
    """From 3GPP TS 23.040 by hand: +31641600986 says "How are you?"."""
    raw = bytes.fromhex("07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07")
    message = pdu.decode(raw)
    assert isinstance(message, Deliver)
    assert message.sender == "+31641600986"
    assert message.content.text == "How are you?"
    assert message.sent_at == datetime(2002, 8, 26, 19, 37, 41, tzinfo=UTC)


def test_a_surrogate_pair_is_never_cut_and_half_a_one_is_replaced() -> None:
    parts = submit_parts("+79161234567", "я" * 66 + "😀" + "я" * 10, reference=1)
    assert [sent(part).content.text for part in parts] == ["я" * 66, "😀" + "я" * 10]
    with pytest.raises(PduInvalid):
        submit_parts("+79161234567", "я\ud83d", reference=1)
    raw = sms_network.deliver("+79161234567", "я", datetime(2026, 1, 15, tzinfo=UTC), ucs2=True)
    half = raw[:-3] + b"\x04" + "я".encode("utf-16-be") + b"\xd8\x3d"
    message = pdu.decode(half)
    assert isinstance(message, Deliver)
    assert message.content.text == "я\ufffd"


def test_a_time_that_is_none_costs_only_itself() -> None:
    raw = bytearray(sms_network.deliver("+79161234567", "x", datetime(2026, 1, 15, tzinfo=UTC)))
    raw[-9:-2] = bytes(7)
    message = pdu.decode(bytes(raw))
    assert isinstance(message, Deliver)
    assert message.sent_at is None
    assert message.content.text == "x"


@pytest.mark.parametrize(
    ("minutes", "value"), [(5, 0), (720, 143), (750, 144), (1440, 167), (2880, 168), (10080, 173), (50000, 197)]
)
def test_relative_validity(minutes: int, value: int) -> None:
    (part,) = submit_parts("+79161234567", "x", reference=1, valid_for=timedelta(minutes=minutes))
    assert part[0] & 0x18 == 0x10
    assert part[4 + 6 + 2] == value
    assert sent(part).content.text == "x"


@pytest.mark.parametrize("text", ["", "x" * (153 * 255 + 1)])
def test_what_cannot_be_sent(text: str) -> None:
    with pytest.raises(PduInvalid):
        submit_parts("+79161234567", text, reference=1)


def test_what_the_message_costs() -> None:
    counts = [
        len(submit_parts("+79161234567", text, reference=1)) for text in ("x" * 160, "x" * 161, "я" * 70, "я" * 71)
    ]
    assert counts == [1, 2, 1, 2]
