"""The AT grammar: the same lines whatever the reads, and no bytes that upset it (X-M4)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.modem.at import (
    LINE_LIMIT_BYTES,
    PROMPT,
    AtParser,
    Final,
    fields_of,
    final_of,
    is_hex,
    is_word,
    name_of,
    number_in,
)


def lines_of(data: bytes) -> list[str]:
    return AtParser().feed(data)


def test_lines_are_cut_at_any_line_break() -> None:
    assert lines_of(b"\r\nOK\r\n\r\n+CSQ: 20,99\r\n\nRING\r") == ["OK", "+CSQ: 20,99", "RING"]


def test_a_line_without_its_end_waits() -> None:
    parser = AtParser()
    assert parser.feed(b"+CS") == []
    assert parser.feed(b"Q: 3,99\r") == ["+CSQ: 3,99"]


@pytest.mark.parametrize(
    ("glued", "apart"),
    [
        (b'ERROR+CNUM: ,"+7",145\r\n', ["ERROR", '+CNUM: ,"+7",145']),
        (b"OK^RSSI:19\r\n", ["OK", "^RSSI:19"]),
        (b"OKRING\r\n", ["OK", "RING"]),
        (b"NO CARRIER+CREG: 1\r\n", ["NO CARRIER", "+CREG: 1"]),
        (b"OKEY DOKEY\r\n", ["OKEY DOKEY"]),
        (b"OKRINGING\r\n", ["OKRINGING"]),
    ],
)
def test_results_glued_to_news_are_taken_apart(glued: bytes, apart: list[str]) -> None:
    assert lines_of(glued) == apart


def test_nul_and_other_controls_are_dropped_and_high_bytes_kept() -> None:
    assert lines_of(b"\0\0O\0K\r\n+X: \xd0\xff\x1b\r\n") == ["OK", "+X: \xd0\xff"]


def test_a_line_that_never_ends_costs_no_memory_and_only_itself() -> None:
    parser = AtParser()
    for _ in range(1000):
        assert parser.feed(b"x" * 1000) == []
    assert parser.feed(b"\r\nOK\r\n") == ["OK"]
    assert parser.discarded_bytes > 1_000_000 - LINE_LIMIT_BYTES


def test_the_prompt_comes_without_a_line_break_and_only_when_awaited() -> None:
    parser = AtParser()
    assert parser.feed(b"\r\n> ") == []
    parser = AtParser()
    parser.awaits_prompt = True
    assert parser.feed(b"\r\n") == []
    assert parser.feed(b">") == [PROMPT]
    assert parser.feed(b" \r\n+CMGS: 5\r\n\r\nOK\r\n") == ["+CMGS: 5", "OK"]


def test_news_between_command_and_prompt_is_kept() -> None:
    parser = AtParser()
    parser.awaits_prompt = True
    assert parser.feed(b"\r\n+CREG: 1\r\n\r\n> ") == ["+CREG: 1", PROMPT]


@pytest.mark.parametrize(
    ("line", "final"),
    [
        ("OK", Final.OK),
        ("ERROR", Final.REFUSED),
        ("COMMAND NOT SUPPORT", Final.REFUSED),
        ("TOO MANY PARAMETERS", Final.REFUSED),
        ("+CME ERROR: 10", Final.REFUSED),
        ("+CME ERROR: SIM not inserted", Final.REFUSED),
        ("+CMS ERROR: 322", Final.REFUSED),
        ("NO CARRIER", Final.CALL_RESULT),
        ("BUSY", Final.CALL_RESULT),
        ("NO ANSWER", Final.CALL_RESULT),
        ("NO DIALTONE", Final.CALL_RESULT),
        ("NO DIAL TONE", Final.CALL_RESULT),
        ("ok", None),
        ("OK.", None),
        ("ERRORS", None),
        ("+CME ERRORS", None),
        ("BUSY LINE", None),
        ('+CUSD: 0,"OK",15', None),
        ("CONNECT", None),
    ],
)
def test_result_codes_are_strict(line: str, final: Final | None) -> None:
    assert final_of(line) is final


@pytest.mark.parametrize(
    ("line", "name", "fields"),
    [
        ('+CLCC: 1,1,4,0,0,"+7916",145', "+CLCC", ["1", "1", "4", "0", "0", "+7916", "145"]),
        ("^CEND:1,34,25,16", "^CEND", ["1", "34", "25", "16"]),
        ('+QIND: "ccinfo",2,0,-1,0,0,"",129', "+QIND", ["ccinfo", "2", "0", "-1", "0", "0", "", "129"]),
        ('+CUSD: 0,"a, b",15', "+CUSD", ["0", "a, b", "15"]),
        ('+CUSD: 0,"never closed, 15', "+CUSD", ["0", "never closed, 15"]),
        ("+CREG:1", "+CREG", ["1"]),
        ("490154203237518", None, [""]),
        ("VOICE CALL: BEGIN", None, ["BEGIN"]),
    ],
)
def test_names_and_fields(line: str, name: str | None, fields: list[str]) -> None:
    assert name_of(line) == name
    assert fields_of(line) == fields


def test_numbers_in_fields() -> None:
    assert [number_in(["7", "-1", "x", "", "٣", "1" * 10], position) for position in range(7)] == [7, -1] + [None] * 5


def test_words_and_hex() -> None:
    assert all(map(is_word, ("RING", "RDY", "VOICE CALL: END: 000017", "MISSED_CALL: 02:15AM +79", "PB DONE")))
    assert not any(map(is_word, ("RINGTONE", "+RING", "Acme", "")))
    assert [is_hex(each) for each in ("0791448720003023", "0791448720003", "079144872000302G")] == [True, False, False]


@given(
    st.lists(st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=40), max_size=8),
    st.data(),
)
def test_the_same_lines_whatever_the_reads(texts: list[str], data: st.DataObject) -> None:
    stream = "".join(text + "\r\n" for text in texts).encode("latin-1")
    whole = lines_of(stream)
    parser, found, position = AtParser(), [], 0
    while position < len(stream):
        size = data.draw(st.integers(1, 7))
        found += parser.feed(stream[position : position + size])
        position += size
    assert found == whole


@given(st.binary(max_size=600), st.booleans())
def test_no_bytes_upset_it_and_the_next_line_is_whole(noise: bytes, awaits_prompt: bool) -> None:
    parser = AtParser()
    parser.awaits_prompt = awaits_prompt
    for line in parser.feed(noise):
        final_of(line), name_of(line), fields_of(line), is_word(line), is_hex(line)
    parser.feed(b"\r\n")
    parser.awaits_prompt = False
    assert parser.feed(b"+CSQ: 20,99\r\n") == ["+CSQ: 20,99"]


def test_many_lines_of_garbage(seed: int) -> None:
    """30,000 lines here; `make fuzz` runs the million."""
    dice = random.Random(seed)
    parser = AtParser()
    rests = 0
    for _ in range(300):
        noise = b"".join(dice.randbytes(dice.randrange(20)) + b"\r\n" for _ in range(100))
        for line in parser.feed(noise):
            assert not set(line) & set("\r\n\0")
        rests += parser.feed(b"\r\n+SYNC: 1\r\n") == ["+SYNC: 1"]
    assert rests == 300
