"""Log lines are written by a thread of their own: a pipe or a card that stands still stops no call (X-P6)."""

from __future__ import annotations

import logging
import logging.handlers
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TypeAlias

MOST_WAITING = 10_000
"""Lines that wait while nothing takes them; later ones are dropped, and counted."""
LAST_WORDS_SECONDS = 2.0
"""So long the end waits for what is not written yet."""

_Waiting: TypeAlias = "SimpleQueue[logging.LogRecord | None]"
"""None: nothing follows."""


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
