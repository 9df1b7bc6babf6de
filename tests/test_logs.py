"""The log's thread: lines come out in their order, and nobody waits for one."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Iterator

import pytest

from gateway.logs import written_by_a_thread


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
