"""The watchdog's food: a stand-in for the service manager, which speaks NOTIFY_SOCKET."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.health import ANSWER_SECONDS, Notifier, sip_answers
from tests.fakes.sip import SipWorld


@dataclass
class Listener:
    """What systemd's side of the socket hears."""

    path: str
    listener: socket.socket

    def heard(self) -> list[str]:
        said: list[str] = []
        while True:
            try:
                said.append(self.listener.recv(4096).decode())
            except BlockingIOError:
                return said


@pytest.fixture
def manager(tmp_path: Path) -> Generator[Listener]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listener:
        path = str(tmp_path / "notify")
        listener.bind(path)
        yield Listener(path, listener)


def answer(*given: bool) -> tuple[Callable[[], Awaitable[bool]], list[float]]:
    """A proof that gives these answers in turn, and the last one ever after; and when it was asked."""
    asked: list[float] = []

    async def proof() -> bool:
        asked.append(asyncio.get_running_loop().time())
        return given[min(len(asked), len(given)) - 1]

    return proof, asked


async def fed_for(seconds: float, service: Notifier, **proofs: Callable[[], Awaitable[bool]]) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await service.feed_watchdog(proofs)


async def test_it_is_told_what_is_said_and_children_do_not_inherit_its_address(manager: Listener) -> None:
    environment = {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    service = Notifier(environment)
    service.tell("READY=1", "STATUS=2 modems")
    assert manager.heard() == ["READY=1\nSTATUS=2 modems"]
    assert service.watchdog_seconds == 30
    assert environment == {}


async def test_an_abstract_address_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listener:
        listener.bind(f"\0simbridge-test-{os.getpid()}")
        Notifier({"NOTIFY_SOCKET": f"@simbridge-test-{os.getpid()}"}).tell("STOPPING=1")
        assert listener.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nowhere/notify"}])
async def test_without_a_manager_everything_goes_on(environment: dict[str, str]) -> None:
    Notifier(environment).tell("READY=1")


@pytest.mark.parametrize(
    "environment", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "many"}, {"WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}]
)
async def test_who_is_not_watched_gives_no_signs(manager: Listener, environment: dict[str, str]) -> None:
    proof, asked = answer(True)
    await Notifier({"NOTIFY_SOCKET": manager.path, **environment}).feed_watchdog({"work": proof})
    assert manager.heard() == []
    assert asked == []


async def test_three_signs_within_the_time_allowed(manager: Listener) -> None:
    proof, asked = answer(True)
    service = Notifier({"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "30000000"})
    await fed_for(29, service, sip=proof)
    assert manager.heard() == ["WATCHDOG=1"] * 3
    assert [round(later - earlier) for earlier, later in pairwise(asked)] == [10, 10]


async def test_a_wire_that_is_deaf_stops_the_signs_until_it_hears_again(
    manager: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    sip, _ = answer(True, False, False, True)
    modems, _ = answer(True)
    service = Notifier({"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "30000000"})
    await fed_for(35, service, SIP=sip, modems=modems)
    assert manager.heard() == ["WATCHDOG=1"] * 2
    assert "SIP does not work" in caplog.text


async def test_who_begins_anew_in_the_same_process_gets_more_time_until_it_serves_again(manager: Listener) -> None:
    """Running calls end, a backup is put in place, and all is started: longer than a loop may stand still."""
    proof, _ = answer(True)
    service = Notifier({"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "15000000"})
    service.stops(anew=True)
    assert manager.heard() == ["WATCHDOG_USEC=120000000\nWATCHDOG=1"]
    await fed_for(4, service, sip=proof)
    assert manager.heard() == ["WATCHDOG_USEC=15000000", "WATCHDOG=1"]
    await fed_for(4, service, sip=proof)
    assert manager.heard() == ["WATCHDOG=1"]
    Notifier({"NOTIFY_SOCKET": manager.path}).stops(anew=True)
    assert manager.heard() == []
    service.stops(anew=False)
    assert manager.heard() == ["STOPPING=1"]


async def test_the_sip_port_of_a_real_server_answers_over_the_wire() -> None:
    world = SipWorld()
    async with world.server:
        host, port = world.server.addresses[0]
        assert await sip_answers(host, port)
    assert not await sip_answers(host, port), "nobody listens there any more"


async def test_a_port_that_takes_and_never_answers_is_deaf() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        before = asyncio.get_running_loop().time()
        assert not await sip_answers(*deaf.getsockname())
        assert asyncio.get_running_loop().time() - before == pytest.approx(ANSWER_SECONDS)
