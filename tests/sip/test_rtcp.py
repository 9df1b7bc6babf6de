"""Reports: written and read, what they count, and that no stranger has a part in them (RFC 3550, T-S7)."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.sip.rtcp import Reception, Report, ReportBlock, SenderInfo, is_rtcp, parse_rtcp, write_rtcp

WORD = some.integers(0, 2**32 - 1)
BLOCKS = some.builds(
    ReportBlock,
    ssrc=WORD,
    fraction=some.integers(0, 255).map(lambda share: share / 256),
    lost=some.integers(-(2**23), 2**23 - 1),
    highest=WORD,
    jitter=WORD,
    last_report=WORD,
    delay=WORD,
)
SENDERS = some.builds(SenderInfo, ntp=some.integers(0, 2**64 - 1), timestamp=WORD, packets=WORD, octets=WORD)
REPORTS = some.builds(
    Report, ssrc=WORD, sender=some.none() | SENDERS, blocks=some.lists(BLOCKS, max_size=31).map(tuple)
)


@given(REPORTS, some.text(max_size=70))
def test_what_is_written_reads_back(report: Report, name: str) -> None:
    data = write_rtcp(report, name)
    assert parse_rtcp(data) == (report,)
    assert is_rtcp(data)
    assert len(data) % 4 == 0


@given(some.binary(max_size=200))
def test_nothing_breaks_the_reader(data: bytes) -> None:
    parse_rtcp(data)
    is_rtcp(data)


def test_what_is_no_report_is_none(seed: int) -> None:
    whole = write_rtcp(Report(ssrc=1, sender=SenderInfo(ntp=1, timestamp=2, packets=3, octets=4)), "name")
    assert all(parse_rtcp(whole[:length]) == () for length in range(1, len(whole)) if length != 28)
    assert parse_rtcp(b"\x40" + whole[1:]) == ()
    assert parse_rtcp(struct.pack(">BBHI", 0x81, 203, 1, 1) + whole) == ()  # BYE is never the first
    assert parse_rtcp(b"\x82" + whole[1:]) == ()  # more blocks than there is room for
    assert len(parse_rtcp(whole + struct.pack(">BBHI", 0x81, 203, 1, 1))) == 1
    source = random.Random(seed)
    assert not any(
        is_rtcp(bytes((0x80, kind | marker << 7)) + source.randbytes(10)) for kind in range(64) for marker in (0, 1)
    )


def stream(reception: Reception, sequences: list[int], late_ms: list[float] | None = None) -> None:
    for index, sequence in enumerate(sequences):
        late = (late_ms or [0.0])[index % len(late_ms or [0.0])] / 1000
        reception.heard(7, sequence & 0xFFFF, 160 * sequence & 0xFFFFFFFF, 100 + 0.02 * sequence + late)


def test_loss_is_counted_over_the_end_of_the_numbers() -> None:
    reception = Reception()
    assert reception.block() is None
    stream(reception, [each for each in range(65_500, 65_600) if each % 10])
    block = reception.block()
    assert block is not None
    assert (block.lost, block.fraction, block.highest) == (9, 9 / 99, 65_599)
    stream(reception, list(range(65_601, 65_700)))
    block = reception.block()
    assert block is not None
    assert (block.lost, block.highest) == (10, 65_699)
    assert block.fraction == pytest.approx(1 / 100)


def test_what_comes_late_is_not_lost_and_a_new_stream_begins_anew() -> None:
    reception = Reception()
    stream(reception, [1, 2, 4, 3, 5])
    block = reception.block()
    assert block is not None
    assert (block.lost, block.highest) == (0, 5)
    reception.heard(8, 40_000, 9, 200.0)
    block = reception.block()
    assert block is not None
    assert (block.ssrc, block.lost, block.highest) == (8, 0, 40_000)


def test_jitter_is_that_of_the_rfc() -> None:
    reception = Reception()
    stream(reception, list(range(1_000)))
    assert reception.jitter_ms == pytest.approx(0, abs=0.001)
    stream(reception, list(range(1_000, 2_000)), [0, 10])
    assert reception.jitter_ms == pytest.approx(10, abs=0.01)


def test_the_packets_of_a_key_do_not_count_as_jitter() -> None:
    reception = Reception()
    stream(reception, list(range(100)))
    for index in range(7):
        reception.heard(7, 100 + index, 16_000, 102 + 0.02 * index)
    assert reception.jitter_ms < 0.1
