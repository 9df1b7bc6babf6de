"""The checks around every test find what they are for."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.conftest import _run_and_look_round
from tests.hygiene import Belongings, NetworkRefused, _LineFormatter, is_local_host, let_go
from tests.virtual_time import RealLoop, VirtualLoop


def test_a_listening_port_left_open_is_named() -> None:
    before = Belongings.now()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (left,) = Belongings.now().added_since(before)
    assert f"tcp port {port}, listening" in left
    assert Belongings.now().added_since(before) == []


def test_a_thread_left_running_is_named() -> None:
    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="forgotten")
    before = Belongings.now()
    thread.start()
    left = Belongings.now().added_since(before)
    release.set()
    thread.join()
    assert left == ["thread forgotten"]


def test_a_child_process_left_running_is_named() -> None:
    before = Belongings.now()
    with subprocess.Popen(["sleep", "30"]) as child:
        left = Belongings.now().added_since(before)
        child.kill()
    assert [entry for entry in left if "child process" in entry and "sleep 30" in entry]
    assert Belongings.now().added_since(before) == []


def test_a_failed_try_leaves_nothing_that_a_later_test_is_blamed_for() -> None:
    before = Belongings.now()

    def fails() -> None:
        forgotten = socket.create_server(("127.0.0.1", 0))
        raise ConnectionError(forgotten.getsockname())

    try:
        fails()
    except ConnectionError as fault:
        failure = fault
    assert failure.__traceback__ is not None
    looked_at = failure.__traceback__.tb_next.tb_frame.f_locals  # type: ignore[union-attr]  # `fails` itself
    assert "forgotten" in looked_at
    assert Belongings.now().added_since(before)
    let_go(failure.__traceback__)
    assert Belongings.now().added_since(before) == []


def _run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(_run_and_look_round(test), debug=True)


def test_a_task_left_running_fails_the_test() -> None:
    async def leaves_a_task() -> None:
        asyncio.get_running_loop().create_task(asyncio.sleep(10), name="stray")

    with pytest.raises(pytest.fail.Exception, match="stray"):
        _run(leaves_a_task())


def test_a_task_that_comes_to_its_end_in_time_is_no_leak() -> None:
    async def cancels_late() -> None:
        task = asyncio.get_running_loop().create_task(asyncio.sleep(10))
        await asyncio.sleep(0)
        task.cancel()

    _run(cancels_late())


def test_a_fault_in_a_callback_fails_the_test() -> None:
    async def breaks_a_callback() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)

    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        _run(breaks_a_callback())


def test_a_forgotten_task_that_failed_fails_the_test() -> None:
    async def fails() -> None:
        raise RuntimeError("unseen")

    async def forgets() -> None:
        task = asyncio.get_running_loop().create_task(fails())
        await asyncio.sleep(0)
        del task

    with pytest.raises(AssertionError, match="unseen"):
        _run(forgets())


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", True),
        (b"127.0.0.1", True),
        (None, True),
        ("192.0.2.1", False),
        ("10.0.0.1", False),
        ("224.0.0.251", False),
        ("fe80::1%eth0", False),
        ("sip.example.net", False),
    ],
)
def test_which_hosts_are_this_machine(host: object, local: bool) -> None:
    assert is_local_host(host) is local


def test_another_machine_is_refused(refusals: list[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        with pytest.raises(NetworkRefused):
            sender.connect(("192.0.2.1", 9))
        with pytest.raises(NetworkRefused):
            sender.sendto(b"", ("192.0.2.1", 9))
    with pytest.raises(NetworkRefused):
        socket.getaddrinfo("sip.example.net", 5060)
    assert len(refusals) == 3
    refusals.clear()


def test_a_log_line_with_a_wrong_placeholder_is_found() -> None:
    handler = _LineFormatter()
    logger = logging.getLogger("tests.hygiene.sample")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    logger.debug("%d modems", 3)
    assert handler.faults == []
    logger.debug("%d modems", "three")
    assert "'%d modems'" in handler.faults[0]


def test_a_seed_is_the_same_for_the_same_test_of_the_same_run(seed: int, request: pytest.FixtureRequest) -> None:
    assert request.getfixturevalue("seed") == seed
    assert 0 <= seed < 2**32


@pytest.mark.parametrize("make_loop", [RealLoop, VirtualLoop])
def test_a_call_by_the_wrong_thread_is_refused(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def is_called_from_elsewhere() -> None:
        await asyncio.to_thread(asyncio.get_running_loop().call_soon, print)

    with asyncio.Runner(loop_factory=make_loop, debug=True) as runner, pytest.raises(RuntimeError, match="Non-thread"):
        runner.run(is_called_from_elsewhere())
