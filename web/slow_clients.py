"""Keeps clients that send slowly, or nothing, from holding the threads of the panel: others would not be served.

gunicorn gives a connection a thread as soon as it is there, and reads from it for as long as it likes to send: one
program with a few dozen connections could keep everybody out. Here a connection has a thread only once something
has come, few of one address may be in the middle of a request at once, and each request has a deadline. Where many
addresses send slowly together, whoever has been sending for longest makes room for the next: an honest request has
come whole within a moment.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol

from gunicorn.workers.gthread import _DEFER, TConn, ThreadWorker  # type: ignore[import-untyped]  # it has no types

READING_SECONDS = 10.0
"""For a request up to the end of its headers, a TLS handshake included."""
BODY_SECONDS = 20.0
"""For what follows them, ..."""
LEAST_BYTES_A_SECOND = 10_000
"""... and so much longer as it takes at this pace."""
MOST_OF_ONE_ADDRESS = 8
"""Requests of one address that are in the middle of being sent. A browser has six connections, done in a moment."""
MOST_AT_ONCE = 16
"""Requests of all addresses that are in the middle of being sent: with the live feeds, fewer than there are threads."""

_DRAINED_BYTES = 65_536
LINGER_SECONDS = 0.5
"""For a client to have read the end of its answer before the connection is gone."""


class Body(Protocol):
    """What follows the headers, as gunicorn reads it."""

    @property
    def reader(self) -> object:
        """Has a `length` that is left, or a `parser` until the last chunk."""


@dataclass(slots=True)
class _Reading:
    """A request that is being sent."""

    address: str
    began: float
    deadline: float
    guard: socket.socket
    """A second handle of its connection, which nobody else closes."""
    body: Body | None = None
    is_cut_off: bool = False

    @property
    def is_over(self) -> bool:
        """All of it has come: what takes long now is ours."""
        if self.body is None:
            return False
        reader = self.body.reader
        return getattr(reader, "length", None) == 0 or getattr(reader, "parser", self) is None

    def cut_off(self) -> None:
        """Whoever reads from it sees its end."""
        self.is_cut_off = True
        with contextlib.suppress(OSError):  # it is gone already
            self.guard.shutdown(socket.SHUT_RDWR)


class Readings:
    """The requests that are being sent now, by whatever tells one from the other. Times are monotonic, in seconds."""

    def __init__(self) -> None:
        self._readings: dict[Hashable, _Reading] = {}
        self._lock = threading.Lock()

    def begin(self, key: Hashable, descriptor: int, address: str, now: float) -> bool:
        """A request begins on that file descriptor; False: too many of that address are being sent already."""
        with self._lock:
            sending = [each for each in self._readings.values() if not (each.is_over or each.is_cut_off)]
            if Counter(each.address for each in sending)[address] >= MOST_OF_ONE_ADDRESS:
                return False
            if len(sending) >= MOST_AT_ONCE:
                min(sending, key=lambda each: each.began).cut_off()
            guard = socket.socket(fileno=os.dup(descriptor))
            self._readings[key] = _Reading(address, now, now + READING_SECONDS, guard)
            return True

    def body_follows(self, key: Hashable, body: Body, length: int, now: float) -> None:
        """Its headers are there; `length` bytes are said to follow."""
        with self._lock:
            reading = self._readings[key]
            reading.body, reading.deadline = body, now + BODY_SECONDS + length / LEAST_BYTES_A_SECOND

    def end(self, key: Hashable) -> None:
        """It is answered, or given up."""
        with self._lock:
            reading = self._readings.pop(key)
        reading.guard.close()

    def cut_off_the_late(self, now: float) -> None:
        """End those that are over their deadline."""
        with self._lock:
            for reading in self._readings.values():
                if reading.deadline < now and not reading.is_over:
                    reading.cut_off()


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # as above
    """gunicorn's worker with threads, for a network in which not everybody means well."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._readings = Readings()

    def handle(self, conn: TConn) -> Any:
        """In a thread of the pool: one request."""
        if not conn.initialized and not conn.data_ready and not conn.wait_for_data(0):
            return _DEFER  # the poller waits for it, without a thread
        address = conn.client[0] if isinstance(conn.client, tuple) else ""
        if not self._readings.begin(conn, conn.sock.fileno(), address, time.monotonic()):
            _let_go(conn.sock, within=0.0)
            return False
        try:
            result = super().handle(conn)
            if result is False:
                _let_go(conn.sock, within=LINGER_SECONDS)
            return result
        finally:
            self._readings.end(conn)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Its headers are there."""
        length = sum(int(value) for name, value in req.headers if name == "CONTENT-LENGTH" and value.isdigit())
        self._readings.body_follows(conn, req.body, length, time.monotonic())
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """In the main thread, at least every second."""
        super().murder_pending()
        self._readings.cut_off_the_late(time.monotonic())


def _let_go(connection: socket.socket, *, within: float) -> None:
    """End a connection so that nobody waits for its client any more: gunicorn would, in the thread that serves all."""
    with contextlib.suppress(OSError, ValueError):
        connection.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            if not connection.recv(_DRAINED_BYTES):
                break
    with contextlib.suppress(OSError, ValueError):
        connection.shutdown(socket.SHUT_RD)
