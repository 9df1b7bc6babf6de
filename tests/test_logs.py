"""The log: a line stays one line, floods are counted, lines come out in their order, and nobody waits for one."""

from __future__ import annotations

import io
import logging
import os
import re
import threading
import time
from collections.abc import Iterator

import pytest

from gateway.logs import LONGEST_BYTES, MOST_ALIKE, LogLines, written_by_a_thread


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    made = logging.getLogger("tests.logs")
    made.propagate = False
    yield made
    made.handlers.clear()
    made.propagate = True


def test_a_reader_that_stands_still_stops_nobody_and_what_was_dropped_is_counted(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.logs.MOST_WAITING", 500)
    filling = "#" * 100
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, os.fdopen(reading) as reader:
        logger.handlers[:] = [logging.StreamHandler(stream)]
        with written_by_a_thread(logger):
            for number in range(3_000):  # the pipe takes some six hundred; without the thread this never ends
                logger.warning("line %d %s", number, filling)
            lines: list[str] = []
            taker = threading.Thread(target=lambda: lines.extend(reader))
            taker.start()
            later = 0
            while "there is room again\n" not in lines:
                later += 1
                logger.warning("there is room %s", "again")
                time.sleep(0.01)
        stream.close()
        taker.join()
    dropped = sum(int(told[1]) for line in lines if (told := re.fullmatch(r"(\d+) lines were dropped: .*\n", line)))
    numbers = [int(told[1]) for line in lines if (told := re.fullmatch(rf"line (\d+) {filling}\n", line))]
    assert numbers == sorted(numbers)
    assert dropped > 1_000
    assert len(numbers) + lines.count("there is room again\n") + dropped == 3_000 + later


def test_a_traceback_and_the_level_of_a_handler_are_kept(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    logger.handlers[:] = [handler]
    with written_by_a_thread(logger):
        logger.info("not for this handler")
        try:
            int("a fault")
        except ValueError:
            logger.exception("It failed")
    assert logger.handlers == [handler]
    told = capsys.readouterr().err
    assert told.startswith("It failed\nTraceback")
    assert told.endswith("'a fault'\n")


def test_the_end_does_not_wait_for_ever(logger: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.logs.LAST_WORDS_SECONDS", 0.05)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, os.fdopen(reading) as reader:
        logger.handlers[:] = [logging.StreamHandler(stream)]
        with written_by_a_thread(logger):
            for _ in range(1_000):
                logger.warning("#" * 100)
        (thread,) = [each for each in threading.enumerate() if each.name == "log"]
        taker = threading.Thread(target=reader.readlines)
        taker.start()
        thread.join()
        stream.close()
        taker.join()


FAKE = "2026-03-02 09:00:00,000 INFO gateway.cli: forged"
BREAKS = ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\x1b[2K\x1b[1G\n")
"""Whatever some reader of a log takes for the end of a line."""


@pytest.mark.parametrize("end", BREAKS, ids=ascii)
def test_nobody_writes_a_line_of_his_own(logger: logging.Logger, end: str) -> None:
    """T-L5: in a value, a key, a fault, its cause, its note and the stack."""
    stream, forged = io.StringIO(), f"x{end}{FAKE}"
    logger.handlers[:] = [LogLines(stream)]
    logger.warning("SMS from %s: %s", forged, {forged: [forged]})
    logger.warning("%(text)s", {"text": forged})
    logger.warning(forged)
    fault = RuntimeError(forged)
    fault.__cause__ = ValueError(forged)
    fault.add_note(forged)
    logger.error("It failed: %s", forged, exc_info=fault, stack_info=True)
    lines = stream.getvalue().splitlines()
    assert len([line for line in lines if line.startswith("2")]) == 4
    assert not [line for line in lines if line.startswith(FAKE)]
    assert all(line.startswith(("  | ", "2")) for line in lines)
    assert "\x1b" not in stream.getvalue()


def test_what_cannot_be_written_or_turns_the_reading_round_is_escaped(logger: logging.Logger) -> None:
    stream = io.StringIO()
    logger.handlers[:] = [LogLines(stream)]
    logger.warning("%s", "Цветы и чай \U0001f33b \ud800 \u202egnp.exe")
    assert stream.getvalue().endswith("Цветы и чай \U0001f33b \\ud800 \\u202egnp.exe\n")


def test_a_line_has_a_bounded_length(logger: logging.Logger) -> None:
    for text in ("x" * 20_000, "щ" * 20_000, "\ud800" * 20_000, "\U0001f33b" * 20_000, "\0" * 20_000):
        stream = io.StringIO()
        logger.handlers[:] = [LogLines(stream)]
        logger.warning("begin %s end", text)
        line = stream.getvalue()
        assert ": begin " in line
        assert line.endswith(" end\n")
        assert len(line.encode()) <= LONGEST_BYTES + 100
    short = "щ" * 4_000
    logger.warning(short)
    assert stream.getvalue().endswith(short + "\n")


def test_a_flood_is_counted_and_hides_nothing_else(logger: logging.Logger) -> None:
    """T-L5: a minute of long lines, fifty a second, stays far below 55 MB."""
    stream, now = io.StringIO(), [0.0]
    logger.handlers[:] = [LogLines(stream, clock=lambda: now[0])]
    logger.setLevel(logging.DEBUG)
    filling = "x" * 9_000
    for second in range(60):
        now[0] = float(second)
        for number in range(50):
            logger.info("REGISTER from %s: %s", number, filling)
        logger.warning("A modem is gone.")
    now[0] = 60.0
    logger.info("REGISTER from %s: %s", "anybody", "")
    written = stream.getvalue()
    assert written.count("A modem is gone.") == 60
    assert written.count("REGISTER from") == 60 * MOST_ALIKE + 1 + 60
    assert written.count("30 more lines were like this one, within a second: REGISTER from %s: %s\n") == 60
    assert len(written) < 55_000_000
    stream.truncate(0)
    for _ in range(100):
        logger.debug("bytes")
    assert stream.getvalue().count("bytes") == 100, "who asks for every byte gets it"
