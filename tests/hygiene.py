"""What a test must not leave behind, and where it must not go: checked around every test.

A leak is found where it was made, not forty tests later: threads, file descriptors (so also ports
and PTYs) and child processes are compared before and after; log lines are formatted even where
nobody would print them; sockets reach this machine only.
"""

from __future__ import annotations

import gc
import ipaddress
import logging
import os
import random
import re
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from traceback import clear_frames, walk_tb
from types import TracebackType
from typing import Any

import pytest

GRACE_SECONDS = 2.0
"""A thread that is about to end, or a child that is being reaped, gets so long in real time."""

call_passed = pytest.StashKey[bool]()
run_seed = pytest.StashKey[int]()


@dataclass(frozen=True, slots=True)
class Belongings:
    """What the test process holds at one moment."""

    threads: frozenset[threading.Thread]
    descriptors: frozenset[tuple[int, str]]
    """Number and target of each open file descriptor."""
    children: frozenset[int]

    @classmethod
    def now(cls) -> Belongings:
        return cls(frozenset(threading.enumerate()), _descriptors(), _children())

    def added_since(self, before: Belongings) -> list[str]:
        """What is here and was not here `before`, in words; listening ports are named."""
        return [
            *(f"thread {thread.name}" for thread in self.threads - before.threads),
            *(f"descriptor {number}: {_named(target)}" for number, target in self.descriptors - before.descriptors),
            *(f"child process {number}: {_command(number)}" for number in self.children - before.children),
        ]


def _descriptors() -> frozenset[tuple[int, str]]:
    found = set()
    for descriptor in list(Path("/proc/self/fd").iterdir()):
        try:
            found.add((int(descriptor.name), str(descriptor.readlink())))
        except FileNotFoundError:  # the descriptor of the listing itself
            continue
    return frozenset(found)


def _children() -> frozenset[int]:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # the cheap answer, and nearly always the right one
        return frozenset()
    own = str(os.getpid())
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # The name, in parentheses, may hold anything; state and parent follow it (proc_pid_stat(5)).
            parent = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if parent == own:
            found.add(int(process.name))
    return frozenset(found)


def _command(number: int) -> str:
    try:
        words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return "gone"
    return b" ".join(words).decode(errors="replace").strip() or "ended, but nobody waited for it"


def _named(target: str) -> str:
    """`target`, with the local address where it is a socket of the internet families."""
    inode = re.fullmatch(r"socket:\[(\d+)\]", target)
    if inode is None:
        return target
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[9] == inode[1]:
                listening = ", listening" if table.startswith("tcp") and columns[3] == "0A" else ""
                return f"{table} port {int(columns[1].rpartition(':')[2], 16)}{listening}"
    return f"{target} (not an internet socket)"


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """No thread, file descriptor, port or child process may outlive the test that made it."""
    before = Belongings.now()
    yield
    if not request.node.stash.get(call_passed, False):
        # The test has failed already; what it left is a consequence, and must not become another's.
        for child in Belongings.now().children - before.children:
            os.kill(child, signal.SIGKILL)
        return
    if not Belongings.now().added_since(before):
        return
    gc.collect()  # what only the collector would close is closed late, but closed
    deadline = time.monotonic() + GRACE_SECONDS
    while left := Belongings.now().added_since(before):
        if time.monotonic() > deadline:
            pytest.fail("the test left behind: " + "; ".join(sorted(left)))
        time.sleep(0.01)


def let_go(traceback: TracebackType) -> None:
    """Let go of what a failed test still held, without a word: unclosed files and unfinished programs would else be
    reported in another test, whenever the traceback goes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        clear_frames(traceback)
        for frame, _ in walk_tb(traceback):
            frame.f_locals  # noqa: B018  # what somebody has looked at is a copy, renewed by looking again (PEP 667)
        gc.collect()


class _LineFormatter(logging.Handler):
    """Formats every record and keeps what went wrong; prints nothing."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.faults: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            record.getMessage()
        except (TypeError, ValueError, KeyError) as fault:
            self.faults.append(f"{record.pathname}:{record.lineno}: {record.msg!r} with {record.args!r}: {fault}")


@pytest.fixture(autouse=True)
def logs_can_be_formatted() -> Iterator[None]:
    """Each log call of ours is formatted, DEBUG too: a wrong placeholder must not wait for a bad day."""
    handler = _LineFormatter()
    ours = [logging.getLogger(name) for name in ("gateway", "web")]
    levels = [logger.level for logger in ours]
    for logger in ours:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield
    for logger, level in zip(ours, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)
    if handler.faults:
        pytest.fail("log lines that cannot be formatted: " + "; ".join(handler.faults))


class NetworkRefused(AssertionError):
    """A test reached for a machine that is not this one."""


def _is_here(address: object) -> bool:
    """Whether a socket address is of this machine: loopback, a Unix path, or another local family."""
    if not isinstance(address, tuple):
        return True
    return is_local_host(address[0])


def is_local_host(host: object) -> bool:
    """Whether a host as given to connect() or getaddrinfo() can only mean this machine."""
    if isinstance(host, bytes):
        host = host.decode("ascii", errors="replace")
    if not isinstance(host, str) or host in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _is_numeric(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return True


@pytest.fixture(autouse=True, scope="session")
def refusals() -> Iterator[list[str]]:
    """Refuse every address but this machine's, for the whole run; the list says what was tried."""
    tried: list[str] = []

    def refuse(what: str) -> None:
        tried.append(what)
        raise NetworkRefused(f"tests reach this machine only, and this one tried {what}")

    def guarded(name: str) -> Callable[..., Any]:
        original = getattr(socket.socket, name)

        def call(self: socket.socket, *arguments: Any) -> Any:
            if not _is_here(arguments[-1]):
                refuse(f"{name} {arguments[-1]}")
            return original(self, *arguments)

        return call

    def guarded_lookup(host: Any, *arguments: Any, **options: Any) -> Any:
        if not (is_local_host(host) or _is_numeric(host)):
            refuse(f"to look up {host!r}")
        return original_lookup(host, *arguments, **options)

    original_lookup = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, guarded(name))
        patch.setattr(socket, "getaddrinfo", guarded_lookup)
        yield tried


@pytest.fixture(autouse=True)
def this_machine_only(refusals: list[str]) -> Iterator[None]:
    """A refused address fails the test, also where the code under test made nothing of it."""
    refusals.clear()
    yield
    if refusals:
        pytest.fail("the test reached beyond this machine: " + "; ".join(refusals))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A number for `random.Random`: other in every run, the same with the SIMBRIDGE_TEST_SEED that the run prints."""
    number = random.Random(f"{request.config.stash[run_seed]}:{request.node.nodeid}").getrandbits(32)
    print(f"seed {number} (run seed {request.config.stash[run_seed]})")
    return number


@pytest.fixture(autouse=True)
def seeded(request: pytest.FixtureRequest) -> None:
    """The module-level `random` follows the run's seed too, test by test, in whatever order they run."""
    random.seed(f"{request.config.stash[run_seed]}:{request.node.nodeid}")
