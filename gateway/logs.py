"""Log lines: whole, of a bounded length and number (T-L5), and written by a thread of their own.

Whatever a caller, a phone or a browser has put into a line, it stays one line: control characters are escaped, and the
further lines of a traceback begin with a bar. A pipe or a card that stands still stops no call (X-P6).
"""

from __future__ import annotations

import logging
import logging.handlers
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from types import TracebackType
from typing import IO, TypeAlias

LONGEST_BYTES = 8 * 1024
"""Of a line, and of a traceback behind it."""
MOST_ALIKE = 20
"""So many lines of one kind are written in a second; DEBUG apart, which is asked for."""
_MOST_KINDS = 2_000
_FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_UNSEEN = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")
"""What ends a line, moves on a terminal, turns the direction of what is read, or cannot be written at all."""
_BAR = "  | "
MOST_WAITING = 10_000
"""Lines that wait while nothing takes them; later ones are dropped, and counted."""
LAST_WORDS_SECONDS = 2.0
"""So long the end waits for what is not written yet."""

_Waiting: TypeAlias = "SimpleQueue[logging.LogRecord | None]"
"""None: nothing follows."""


class LogLines(logging.StreamHandler[IO[str]]):
    """Writes lines to a stream; of more than MOST_ALIKE of one kind in a second only how many there were.

    `clock` gives seconds that never go back. Lines are of one kind when they have logger and sentence in common,
    whatever values stand in it.
    """

    def __init__(self, stream: IO[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream)
        self._clock = clock
        self._kinds: dict[tuple[str, str], tuple[int, int]] = {}
        """The second in which lines of a kind came last, and how many they were in it."""
        self.setFormatter(WholeLine(_FORM))

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, unless there were too many like it within this second."""
        if record.levelno > logging.DEBUG:
            kind, now = (record.name, str(record.msg)), int(self._clock())
            second, count = self._kinds.get(kind, (now, 0))
            if second != now:
                if count > MOST_ALIKE:
                    told = f"{count - MOST_ALIKE} more lines were like this one, within a second: {record.msg}"
                    super().emit(
                        logging.LogRecord(record.name, record.levelno, record.pathname, record.lineno, told, None, None)
                    )
                count = 0
            if len(self._kinds) >= _MOST_KINDS and kind not in self._kinds:
                self._kinds.clear()
            self._kinds[kind] = (now, count + 1)
            if count >= MOST_ALIKE:
                return
        super().emit(record)


class WholeLine(logging.Formatter):
    """One line for each record, and a bar before each line of its traceback."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name is the standard library's
        """The line."""
        record.message = _cut(_visible(record.message))
        return super().formatMessage(record)

    def formatException(  # noqa: N802  # the name is the standard library's
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        """The traceback."""
        return _barred(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802  # the name is the standard library's
        """The calls that led to the line."""
        return _barred(super().formatStack(stack_info))


def _barred(text: str) -> str:
    return _cut("\n".join(_BAR + _visible(line) for line in text.split("\n")))


def _cut(text: str) -> str:
    """Beginning and end of what is too long: the end of a traceback says what was wrong."""
    if len(text) * 4 <= LONGEST_BYTES:  # no character has more than four bytes
        return text
    whole, half = text.encode("utf-8", "backslashreplace"), LONGEST_BYTES // 2 - 20
    if len(whole) <= LONGEST_BYTES:
        return text
    begin, end = (part.decode("utf-8", "ignore") for part in (whole[:half], whole[-half:]))
    return f"{begin} ... {len(whole) - 2 * half} bytes ... {end}"


def _visible(text: str) -> str:
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


@contextmanager
def written_by_a_thread(logger: logging.Logger | None = None) -> Iterator[None]:
    """Let a thread serve the handlers of `logger` (all of the process when left out) meanwhile."""
    logger = logger or logging.getLogger()
    waiting: _Waiting = SimpleQueue()
    handlers = logger.handlers[:]
    thread = threading.Thread(target=_write, args=(waiting, handlers), name="log", daemon=True)
    thread.start()
    logger.handlers[:] = [_HandOver(waiting)]
    try:
        yield
    finally:
        logger.handlers[:] = handlers
        waiting.put(None)
        thread.join(LAST_WORDS_SECONDS)


class _HandOver(logging.handlers.QueueHandler):
    """Never waits."""

    queue: _Waiting

    def __init__(self, waiting: _Waiting) -> None:
        super().__init__(waiting)
        self._dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        if self.queue.qsize() >= MOST_WAITING:
            self._dropped += 1
            return
        if self._dropped:
            told = f"{self._dropped} lines were dropped: nothing took them."
            self.queue.put(logging.LogRecord(__name__, logging.WARNING, __file__, 0, told, None, None))
            self._dropped = 0
        self.queue.put(record)


def _write(waiting: _Waiting, handlers: Sequence[logging.Handler]) -> None:
    while (record := waiting.get()) is not None:
        for handler in handlers:
            if record.levelno >= handler.level:
                handler.handle(record)
