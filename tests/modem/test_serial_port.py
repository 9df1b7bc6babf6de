"""Real descriptors: exclusive, raw, and lost once."""

from __future__ import annotations

import asyncio
import os
import termios
from pathlib import Path

import pytest

from gateway.errors import ModemLost, PortBusy
from gateway.modem.serial_port import SerialPort

pytestmark = pytest.mark.real_time


class Pty:
    """A pseudo-terminal whose other side is the test's."""

    def __init__(self) -> None:
        self.master, slave = os.openpty()
        self.path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.master, False)

    def close(self) -> None:
        if self.master >= 0:
            os.close(self.master)
            self.master = -1


async def test_bytes_pass_unchanged_both_ways() -> None:
    pty, got = Pty(), bytearray()
    port = SerialPort(pty.path, got.extend, lambda: None)
    every = bytes(range(256))
    os.write(pty.master, every)
    port.write(every)
    async with asyncio.timeout(2):
        while len(got) < 256:  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0.001)
    assert bytes(got) == every
    assert os.read(pty.master, 1000) == every
    attributes = termios.tcgetattr(pty.master)
    assert attributes[3] & (termios.ECHO | termios.ICANON) == 0
    port.close()
    port.close()
    assert not port.is_open
    port.write(b"nothing happens")
    pty.close()


async def test_it_is_held_by_one_and_free_again_afterwards() -> None:
    pty = Pty()
    port = SerialPort(pty.path, lambda _: None, lambda: None)
    with pytest.raises(PortBusy):
        SerialPort(pty.path, lambda _: None, lambda: None)
    port.close()
    SerialPort(pty.path, lambda _: None, lambda: None).close()
    pty.close()


async def test_a_lost_port_says_so_once_and_leaves_the_loop() -> None:
    pty, lost = Pty(), []
    port = SerialPort(pty.path, lambda _: None, lambda: lost.append(True))
    pty.close()
    async with asyncio.timeout(2):
        while not lost:  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0.001)
    port.write(b"x")
    await asyncio.sleep(0.05)
    assert lost == [True]
    assert not port.is_open


async def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModemLost):
        SerialPort(str(tmp_path / "none"), lambda _: None, lambda: None)


@pytest.mark.real_time
@pytest.mark.parametrize("carries_voice", [False, True])
async def test_a_file_is_no_port(tmp_path: Path, *, carries_voice: bool) -> None:
    (tmp_path / "file").write_text("Nothing to talk to.")
    with pytest.raises(ModemLost, match="is no port"):
        SerialPort(str(tmp_path / "file"), lambda _: None, lambda: None, carries_voice=carries_voice)


async def test_a_port_that_does_not_drain_is_lost_not_waited_for() -> None:
    pty, lost = Pty(), []
    port = SerialPort(pty.path, lambda _: None, lambda: lost.append(True))
    for _ in range(200):
        port.write(b"x" * 1000)
    assert lost == [True]
    pty.close()


async def test_what_was_stored_for_an_earlier_call_is_dropped() -> None:
    pty, got = Pty(), bytearray()
    port = SerialPort(pty.path, got.extend, lambda: None)
    os.write(pty.master, b"stale")
    await asyncio.sleep(0)
    port.flush_input()
    os.write(pty.master, b"fresh")
    async with asyncio.timeout(2):
        while not got.endswith(b"fresh"):  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0.001)
    port.close()
    pty.close()
