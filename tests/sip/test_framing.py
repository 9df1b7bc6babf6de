"""Messages in a stream: cut right wherever the bytes are cut, and nothing is kept of what is no SIP."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sip.framing import Framer
from gateway.sip.grammar import MalformedMessage


def message(body: bytes = b"", *, length: str | None = None, name: str = "Content-Length") -> bytes:
    value = str(len(body)) if length is None else length
    return f"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c\r\n{name}: {value}\r\n\r\n".encode() + body


@given(
    bodies=st.lists(st.binary(max_size=60), min_size=1, max_size=5),
    pings=st.lists(st.integers(0, 2), min_size=5, max_size=5),
    cuts=st.lists(st.integers(0, 900), max_size=12),
)
def test_messages_come_out_as_they_went_in_wherever_the_stream_is_cut(
    bodies: list[bytes], pings: list[int], cuts: list[int]
) -> None:
    sent = [message(body) for body in bodies]
    stream = b"".join(each + b"\r\n\r\n" * count for each, count in zip(sent, pings, strict=False))
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    framer = Framer()
    received = [
        each
        for start, end in zip(places, places[1:], strict=False)  # noqa: RUF007  # pairwise reads no better here
        for each in framer.feed(stream[start:end])
    ]
    assert received == sent
    assert framer.pings == sum(pings[: len(sent)])
    assert not framer.is_amid_message


@pytest.mark.parametrize("name", ["l", "content-length", "CONTENT-LENGTH ", "L "])
def test_the_length_may_be_spelt_in_several_ways(name: str) -> None:
    framer = Framer()
    assert framer.feed(message(b"abc", name=name) + b"OPT") == [message(b"abc", name=name)]
    assert framer.is_amid_message


def test_a_single_line_end_between_messages_is_skipped() -> None:
    framer = Framer()
    assert framer.feed(b"\r\n") == []
    assert not framer.is_amid_message
    assert framer.feed(message()) == [message()]
    assert framer.feed(b"\r\n\r\n\r\n" + message()) == [message()]
    assert framer.pings == 1


@pytest.mark.parametrize(
    "data",
    [
        message(length="65537"),
        message(length="99999999999999999999999"),
        message(length="-1"),
        message(length="7 7"),
        message(length=""),
        message(length="\u0663"),
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x00\xa5\n",
        b"x" * 8192,
        b"OPTIONS sip:a@b SIP/2.0\r\nSubject: " + b"x" * 65_536,
        b"OPTIONS sip:a@b SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\nab",
    ],
    ids=range(11),
)
def test_what_ends_the_connection(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        Framer().feed(data)


def test_dripping_bytes_and_long_fields_cost_little() -> None:
    """T-S10: no quadratic search, neither for the end of the header nor for its length."""
    header = b"OPTIONS sip:a@b SIP/2.0\r\nl" + b" " * 30_000 + b"x\r\nContent-Length:" + b" \t" * 15_000 + b"0"
    framer = Framer()
    began = time.process_time()
    for index in range(0, len(header), 4):
        assert framer.feed(header[index : index + 4]) == []
    assert len(framer.feed(b"\r\n\r\n")) == 1
    assert time.process_time() - began < 2
