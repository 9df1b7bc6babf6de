"""The daemon's loop: the voice is served first and to the point, and everything else as on any loop."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.media_loop import Lateness, MediaLoop, deadline, no_longer_readable, on_readable
from gateway.sip.pacer import Pacer


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=MediaLoop, debug=True) as runner:
        runner.run(work)


def test_what_can_be_read_is_told_until_nobody_wants_to_know() -> None:
    async def work() -> None:
        ours, theirs = socket.socketpair()
        heard: list[bytes] = []
        came = asyncio.Event()

        def read() -> None:
            heard.append(ours.recv(100))
            came.set()

        on_readable(ours.fileno(), read)
        for text in (b"one", b"two"):
            came.clear()
            theirs.send(text)
            async with asyncio.timeout(5):
                await came.wait()
        no_longer_readable(ours.fileno())
        no_longer_readable(ours.fileno())
        theirs.send(b"three")
        await asyncio.sleep(0.02)
        assert heard == [b"one", b"two"]
        ours.close()
        theirs.close()

    run(work())


def test_what_a_voice_gives_the_loop_to_do_is_done_at_once() -> None:
    async def work() -> None:
        ours, theirs = socket.socketpair()
        told = asyncio.Event()

        def read() -> None:
            ours.recv(100)
            told.set()

        on_readable(ours.fileno(), read)
        theirs.send(b"!")
        async with asyncio.timeout(5):
            await told.wait()
        at = deadline(told.set)
        told.clear()
        at.set(asyncio.get_running_loop().time() + 0.01)
        async with asyncio.timeout(5):
            await told.wait()
        at.close()
        no_longer_readable(ours.fileno())
        ours.close()
        theirs.close()

    run(work())


def test_all_else_of_a_loop_works_beside_it() -> None:
    async def work() -> None:
        reader, writer = os.pipe()
        line: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def read() -> None:
            if not line.done():
                line.set_result(os.read(reader, 9))

        asyncio.get_running_loop().add_reader(reader, read)
        await asyncio.to_thread(os.write, writer, b"a thread")
        assert await line == b"a thread"
        asyncio.get_running_loop().remove_reader(reader)
        os.close(reader)
        os.close(writer)
        process = await asyncio.create_subprocess_exec("echo", "a process", stdout=asyncio.subprocess.PIPE)
        assert (await process.communicate())[0] == b"a process\n"

    run(work())


def test_a_deadline_that_is_moved_or_closed_does_not_come_before() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        came: list[float] = []
        at, never = deadline(lambda: came.append(loop.time())), deadline(lambda: came.append(-1.0))
        began = loop.time()
        at.set(began + 0.005)
        never.set(began + 0.010)
        at.set(began + 0.050)
        never.close()
        never.close()
        await asyncio.sleep(0.2)
        assert len(came) == 1
        assert came[0] >= began + 0.050
        assert isinstance(loop, MediaLoop)
        assert sum(loop.lateness.counts) == 1
        at.close()

    run(work())


def test_the_beat_of_prompts_says_how_late_it_was() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MediaLoop)
        pacer, ticks, done = Pacer(), [], asyncio.Event()

        def tick() -> None:
            ticks.append(loop.time())
            if len(ticks) == 3:
                pacer.leave(tick)
                done.set()

        pacer.join(tick)
        async with asyncio.timeout(30):
            await done.wait()
        assert sum(loop.lateness.counts) == 3
        assert loop.lateness.worst_seconds < 30

    run(work())


def test_after_a_stall_what_has_come_is_served_before_what_was_due() -> None:
    """What was due is to make something up; where the voice itself is there, it calls that off."""

    async def work() -> None:
        ours, theirs = socket.socketpair()
        done: list[str] = []
        kept = deadline(lambda: done.append("kept"))
        called_off = deadline(lambda: done.append("called off"))

        def read() -> None:
            ours.recv(100)
            done.append("read")
            called_off.set(None)

        on_readable(ours.fileno(), read)
        due = asyncio.get_running_loop().time() + 0.001
        kept.set(due)
        called_off.set(due)
        theirs.send(b"!")
        time.sleep(0.005)  # noqa: ASYNC251  # the machine stands still
        await asyncio.sleep(0.02)
        assert done == ["read", "kept"]
        for each in (kept, called_off):
            each.close()
        no_longer_readable(ours.fileno())
        ours.close()
        theirs.close()

    run(work())


async def test_on_another_loop_a_deadline_is_a_timer() -> None:
    loop = asyncio.get_running_loop()
    came: list[float] = []
    at = deadline(lambda: came.append(loop.time()))
    began = loop.time()
    at.set(began + 5)
    at.set(began + 7)
    await asyncio.sleep(6)
    assert not came
    at.set(began + 6.5)
    await asyncio.sleep(10)
    assert came == [pytest.approx(began + 6.5)]
    at.set(began + 20)
    at.set(None)
    await asyncio.sleep(30)
    assert len(came) == 1
    at.close()


def test_a_fault_of_one_voice_ends_neither_the_others_nor_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        ours, theirs = socket.socketpair()
        tries: list[int] = []

        def stumble() -> None:
            ours.recv(100)
            tries.append(len(tries))
            raise ValueError("a voice stumbles")

        on_readable(ours.fileno(), stumble)
        at = deadline(stumble_late)
        at.set(asyncio.get_running_loop().time())
        for _ in range(2):
            theirs.send(b"!")
            await asyncio.sleep(0.02)
        assert len(tries) == 2
        at.close()
        no_longer_readable(ours.fileno())
        ours.close()
        theirs.close()

    def stumble_late() -> None:
        raise ValueError("a deadline stumbles")

    run(work())
    assert caplog.text.count("ValueError: a voice stumbles") == 2
    assert caplog.text.count("ValueError: a deadline stumbles") == 1


def test_lateness_is_counted_by_its_size() -> None:
    lateness = Lateness()
    for late in (0.0, 0.000_05, 0.003, 7.0):
        lateness.note(late)
    assert lateness.counts == [2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    assert lateness.worst_seconds == 7.0


def test_an_idle_loop_with_deadlines_does_not_spin() -> None:
    async def work() -> None:
        at = deadline(lambda: None)
        at.set(asyncio.get_running_loop().time() + 0.3)
        before = time.process_time()
        await asyncio.sleep(0.25)
        assert time.process_time() - before < 0.1
        at.close()

    run(work())
