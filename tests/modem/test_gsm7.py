"""The GSM alphabet and its packing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import PduInvalid
from gateway.modem import gsm7

ALPHABET = "".join(gsm7.decode(bytes([code])) for code in range(128) if code != 0x1B) + "\f^{}\\[~]|€"


def test_the_alphabet_is_whole() -> None:
    assert len(set(ALPHABET)) == 137
    assert gsm7.encode("@$_§`"[:4]) == bytes([0x00, 0x02, 0x11, 0x5F])
    with pytest.raises(PduInvalid):
        gsm7.encode("`")


@given(st.text(st.sampled_from(ALPHABET), max_size=200), st.integers(0, 6))
def test_what_is_packed_comes_back(text: str, fill_bits: int) -> None:
    septets = gsm7.encode(text)
    packed = gsm7.pack(septets, fill_bits)
    assert len(packed) == (fill_bits + 7 * len(septets) + 7) // 8
    assert gsm7.decode(gsm7.unpack(packed, len(septets), fill_bits)) == text


def test_the_classic_example() -> None:
    assert gsm7.pack(gsm7.encode("hellohello")).hex() == "e8329bfd4697d9ec37"


def test_an_unknown_extension_shows_its_basic_character() -> None:
    assert gsm7.decode(bytes([0x1B, 0x41])) == "A"
    assert gsm7.decode(bytes([0x1B, 0x1B, 0x41])) == " A"
    assert gsm7.decode(bytes([0x41, 0x1B])) == "A"


@given(st.binary(max_size=200))
def test_every_sequence_of_septets_has_a_text(data: bytes) -> None:
    gsm7.decode(bytes(octet & 0x7F for octet in data))


@given(st.text(st.sampled_from(ALPHABET.replace("@", "").replace("\r", "")), min_size=1, max_size=160))
def test_ussd_needs_no_count(text: str) -> None:
    assert gsm7.unpack_ussd(gsm7.pack_ussd(text)) == text


def test_too_few_octets_are_refused() -> None:
    with pytest.raises(PduInvalid):
        gsm7.unpack(b"\xff\xff", 3)
