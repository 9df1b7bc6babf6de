"""T-W12: who sends slowly, or nothing, keeps nobody else from being served."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from types import SimpleNamespace

import pytest

from gateway.demo.free_port import free_port
from tests.api.served import serving
from web.slow_clients import (
    BODY_SECONDS,
    LEAST_BYTES_A_SECOND,
    MOST_AT_ONCE,
    MOST_OF_ONE_ADDRESS,
    READING_SECONDS,
    Readings,
)

SLOW = "127.0.0.2"
"""Another address of this machine than the honest client's."""
HALF = b"GET /static/favicon.svg HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


@contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


def is_cut_off(ours: socket.socket) -> bool:
    try:
        return ours.recv(1) == b""
    except BlockingIOError:
        return False


def test_headers_have_a_deadline() -> None:
    readings = Readings()
    with pair() as (ours, _):
        assert readings.begin("a", ours.fileno(), "10.0.0.9", 100.0)
        readings.cut_off_the_late(100.0 + READING_SECONDS)
        assert not is_cut_off(ours)
        readings.cut_off_the_late(100.1 + READING_SECONDS)
        assert is_cut_off(ours)
        readings.end("a")


@pytest.mark.parametrize(
    ("left", "is_late"),
    [({"length": 0}, False), ({"length": 1}, True), ({"parser": None}, False), ({"parser": iter(())}, True)],
)
def test_a_body_has_a_deadline_and_an_answer_has_none(left: dict[str, object], *, is_late: bool) -> None:
    readings = Readings()
    with pair() as (ours, _):
        assert readings.begin("a", ours.fileno(), "10.0.0.9", 100.0)
        body = SimpleNamespace(reader=SimpleNamespace(**left))
        readings.body_follows("a", body, 10 * LEAST_BYTES_A_SECOND, 105.0)
        readings.cut_off_the_late(105.0 + BODY_SECONDS + 10)
        assert not is_cut_off(ours)
        readings.cut_off_the_late(105.1 + BODY_SECONDS + 10)
        assert is_cut_off(ours) is is_late
        readings.end("a")


def test_few_of_one_address_are_sent_at_once() -> None:
    readings = Readings()
    with pair() as (ours, _):
        for number in range(MOST_OF_ONE_ADDRESS):
            assert readings.begin(number, ours.fileno(), "10.0.0.9", 0.0)
        assert not readings.begin("one more", ours.fileno(), "10.0.0.9", 0.0)
        assert readings.begin("other", ours.fileno(), "10.0.0.8", 0.0)
        done = SimpleNamespace(reader=SimpleNamespace(length=0))
        readings.body_follows(0, done, 0, 0.0)
        assert readings.begin("one more", ours.fileno(), "10.0.0.9", 0.0), "one of them is only being answered"
        readings.end(1)
        assert readings.begin("yet one", ours.fileno(), "10.0.0.9", 0.0)
        for key in (0, *range(2, MOST_OF_ONE_ADDRESS), "other", "one more", "yet one"):
            readings.end(key)


def test_of_many_addresses_the_one_that_sends_for_longest_makes_room() -> None:
    readings = Readings()
    with ExitStack() as stack:
        ours = [stack.enter_context(pair())[0] for _ in range(MOST_AT_ONCE + 2)]
        for number in range(MOST_AT_ONCE):
            assert readings.begin(number, ours[number].fileno(), f"10.0.0.{number}", float(number))
        whole = SimpleNamespace(reader=SimpleNamespace(length=0))
        readings.body_follows(0, whole, 0, 1.0)  # is only being answered
        unending = SimpleNamespace(reader=SimpleNamespace(length=9_999))
        readings.body_follows(1, unending, 10_000_000, 1.0)
        assert readings.begin("one more", ours[-2].fileno(), "10.0.1.1", 17.0)
        assert [each for each in range(MOST_AT_ONCE) if is_cut_off(ours[each])] == [], "there was room"
        assert readings.begin("yet one", ours[-1].fileno(), "10.0.1.2", 18.0)
        assert [each for each in range(MOST_AT_ONCE) if is_cut_off(ours[each])] == [1]
        for key in (*range(MOST_AT_ONCE), "one more", "yet one"):
            readings.end(key)


@contextmanager
def panel() -> Iterator[int]:
    """The panel's program, without a daemon behind it: its port."""
    port = free_port(socket.SOCK_STREAM)
    process = subprocess.Popen(
        [sys.executable, "-m", "web", "--api", "http://127.0.0.1:1", "--bind", f"127.0.0.1:{port}"]
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, "the panel has ended"
                assert time.monotonic() < deadline, "the panel does not listen"
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def slow_clients(port: int, count: int, stack: ExitStack, start: bytes) -> list[socket.socket]:
    clients = []
    for _ in range(count):
        client = stack.enter_context(
            socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(SLOW, 0))
        )
        client.sendall(start)
        clients.append(client)
    return clients


@pytest.mark.real_time
def test_the_panel_serves_others_while_many_send_slowly() -> None:
    with panel() as port, ExitStack() as stack:
        slow = slow_clients(port, 60, stack, HALF)
        slow_clients(port, 40, stack, b"")
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        stack.callback(connection.close)
        connection.request("GET", "/static/favicon.svg")
        assert connection.getresponse().status == 200
        sent_away = sum(1 for client in slow if _is_closed(client))
        assert sent_away >= len(slow) - MOST_OF_ONE_ADDRESS


def _is_closed(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.mark.real_time
async def test_the_api_serves_others_while_many_send_slowly() -> None:
    async with serving() as served:
        await served.set_up()
        with ExitStack() as stack:
            half = b"GET /api/v1/snapshot HTTP/1.1\r\nHost: x\r\nX-Slow: "
            await asyncio.to_thread(slow_clients, served.server.port, 200, stack, half)
            status, _ = await served.ask("GET", "/api/v1/snapshot")
            assert status == 200
