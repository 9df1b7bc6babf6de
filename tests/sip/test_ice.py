"""Checks by which a browser finds the way: RFC 5769's own vector, and what gets no answer."""

from __future__ import annotations

import hashlib
import hmac
import random
import struct
import zlib

import pytest

from gateway.sip.ice import Check, IceNames, answer_check, new_names, read_check
from gateway.sip.transport import Address
from tests.fakes.browser import check_bytes

SAMPLE = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff"
    "80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
"""RFC 5769 section 2.1."""
NAMES = IceNames("evtj", "VOkJxbRl1RmTxUk/WvJxBt")


def test_the_sample_of_the_standard_is_read() -> None:
    assert read_check(SAMPLE, NAMES, "h6vY") == Check(SAMPLE[8:20], nominates=False)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(IceNames("evtj", "VOkJxbRl1RmTxUk/WvJxBu"), "h6vY"), (IceNames("evtk", NAMES.password), "h6vY"), (NAMES, "h6vX")],
)
def test_other_names_get_no_answer(ours: IceNames, theirs: str) -> None:
    assert read_check(SAMPLE, ours, theirs) is None


def test_whatever_is_changed_is_no_check(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(2000):
        data = bytearray(SAMPLE)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data) - 8)] ^= 1 << rng.randrange(8)
        assert bytes(data) == SAMPLE or read_check(bytes(data), NAMES, "h6vY") is None
    for length in range(len(SAMPLE)):
        assert read_check(SAMPLE[:length], NAMES, "h6vY") is None
    for _ in range(2000):
        assert read_check(rng.randbytes(rng.randrange(200)), NAMES, "h6vY") is None


def test_a_check_that_nominates_is_told_from_one_that_does_not() -> None:
    for nominates in (False, True):
        data = check_bytes("evtj:brow", NAMES.password, nominates=nominates)
        found = read_check(data, NAMES, "brow")
        assert found is not None
        assert found.nominates is nominates


@pytest.mark.parametrize(
    "source", [Address("192.0.2.1", 32853), Address("2001:db8:1234:5678:11:2233:4455:6677", 32853)]
)
def test_the_answer_says_where_the_check_came_from_and_is_sealed(source: Address) -> None:
    """The two addresses of RFC 5769 sections 2.2 and 2.3, as they stand there in their disguise."""
    transaction = bytes.fromhex("b7e7a701bc34d686fa87dfae")
    answer = answer_check(Check(transaction, nominates=True), source, NAMES)
    mapped = {
        "192.0.2.1": "0001a147e112a643",
        "2001:db8:1234:5678:11:2233:4455:6677": "0002a1470113a9faa5d3f179bc25f4b5bed2b9d9",
    }[source.host]
    value = bytes.fromhex(mapped)
    assert answer[:2] == b"\x01\x01"
    assert answer[4:20] == bytes.fromhex("2112a442") + transaction
    assert answer[20 : 24 + len(value)] == struct.pack("!HH", 0x0020, len(value)) + value
    end = 24 + len(value)
    counted = answer[:2] + (end - 20 + 24).to_bytes(2) + answer[4:end]
    assert answer[end + 4 : end + 24] == hmac.new(NAMES.password.encode(), counted, hashlib.sha1).digest()
    assert int.from_bytes(answer[-4:]) == zlib.crc32(answer[:-8]) ^ 0x5354554E
    assert int.from_bytes(answer[2:4]) == len(answer) - 20


def test_names_are_new_for_each_call_and_of_the_letters_that_a_description_allows() -> None:
    made = [new_names() for _ in range(50)]
    assert len({each.fragment for each in made}) == 50
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    assert all(set(each.fragment + each.password) <= allowed for each in made)
    assert all(len(each.fragment) >= 4 and len(each.password) >= 22 for each in made)
    assert made[0].password not in repr(made[0])
