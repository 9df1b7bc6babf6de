"""The floor: what the same blocks and packets cost a program that only passes them on.

One process makes blocks on PTYs and packets on UDP sockets, as so many modems and phones would, 50 times a second
each; another, on an asyncio loop, reads each and writes it to the other side. What that costs is the price
of this machine and of the loop; only what a gateway costs above it is its own.

`python -m tests.bench.floor COUNT SECONDS` prints it, in per cent of one core per call. The other process alone, for
the engine, is `... source`, with the name of a codec behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import struct
import sys
import time
import tty
from collections.abc import AsyncIterator

from gateway.audio.codec import Codec
from gateway.audio.coder import new_coder
from gateway.audio.frame import FRAME_SAMPLES
from gateway.emulator.media_clock import take_real_time_priority
from gateway.priority import take_real_time_priority as take_daemon_priority
from tests.bench.cost import usage
from tests.bench.voices import speech_like

BLOCK, PACKET = bytes(320), bytes(172)
PERIOD_SECONDS = 0.020
SETTLE_SECONDS = 1.0
_SOURCE_PRIORITY = 10


async def floor(count: int, seconds: float = 5.0) -> float:
    """Per cent of one core per call, for `count` at once."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.floor", str(count), str(seconds), stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    return float(printed)


class Source:
    """The other process."""

    def __init__(self, pipe_in: asyncio.StreamWriter, pipe_out: asyncio.StreamReader, voice_ports: list[str]) -> None:
        self.voice_ports = voice_ports
        self._in = pipe_in
        self._out = pipe_out

    def send_to(self, ports: list[int]) -> None:
        """Where its packets go, on this machine; it begins at once."""
        self._in.write(" ".join(map(str, ports)).encode() + b"\n")

    async def address(self) -> tuple[str, int]:
        """Where packets for it go, once it has been told where to send."""
        return "127.0.0.1", int(await self._out.readline())


@contextlib.asynccontextmanager
async def source(count: int, seconds: float, codec: Codec = Codec.PCMU) -> AsyncIterator[Source]:
    """A process that is so many modems and phones, which speak that codec."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.floor", str(count), str(seconds), "source", codec,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("The source has no pipes.")
    try:
        yield Source(process.stdin, process.stdout, (await process.stdout.readline()).decode().split())
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _pass_on(count: int, seconds: float) -> float:
    async with source(count, seconds + 2 * SETTLE_SECONDS) as far:
        ports = [os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK) for name in far.voice_ports]
        sockets = [_udp() for _ in ports]
        far.send_to([each.getsockname()[1] for each in sockets])
        address = await far.address()
        loop = asyncio.get_running_loop()

        def from_modem(port: int, sink: socket.socket) -> None:
            sink.sendto(os.read(port, 16_384)[: len(PACKET)], address)

        def from_phone(sink: socket.socket, port: int) -> None:
            os.write(port, (sink.recv(2_048) * 2)[: len(BLOCK)])

        for port, sink in zip(ports, sockets, strict=True):
            tty.setraw(port)
            loop.add_reader(port, from_modem, port, sink)
            loop.add_reader(sink, from_phone, sink, port)
        take_daemon_priority()
        await asyncio.sleep(SETTLE_SECONDS)
        before = usage(os.getpid())
        await asyncio.sleep(seconds)
        after = usage(os.getpid())
        for port, sink in zip(ports, sockets, strict=True):  # the far side is about to go
            loop.remove_reader(port)
            loop.remove_reader(sink)
    return 100 * (after.ran_seconds - before.ran_seconds) / (after.at - before.at) / count


def _source(count: int, seconds: float, codec: Codec) -> None:
    """Says the names of its PTYs, hears the ports to send to, says its own; then keeps time."""
    masters, names = [], []
    for _ in range(count):
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        masters.append(master)
        names.append(os.ttyname(slave))
    print(*names, flush=True)
    addresses = [("127.0.0.1", int(port)) for port in sys.stdin.readline().split()]
    sink = _udp()
    print(sink.getsockname()[1], flush=True)
    take_real_time_priority(_SOURCE_PRIORITY)
    due = time.monotonic()
    end = due + seconds
    voice = itertools.cycle(_voice(codec))
    kind, ticks = codec.facts.payload, codec.facts.clock_rate // 50
    for number in itertools.count():
        if due >= end:
            break
        block, payload = next(voice)
        packet = struct.pack(">BBHII", 0x80, kind, number & 0xFFFF, number * ticks, 7) + payload
        for master, address in zip(masters, addresses, strict=True):
            _wait_until(due)
            os.write(master, block)
            _drain(master)
            due += PERIOD_SECONDS / count / 2
            _wait_until(due)
            sink.sendto(packet, address)
            _drain(sink.fileno())
            due += PERIOD_SECONDS / count / 2


def _voice(codec: Codec) -> list[tuple[bytes, bytes]]:
    """A second of something like speech: the modem's block and the packet's payload of each 20 ms."""
    voice, coder = speech_like(1.0, seed=1), new_coder(codec)
    frames = [voice[start : start + FRAME_SAMPLES] for start in range(0, len(voice), FRAME_SAMPLES)]
    return [(frame.astype("<i2").tobytes(), coder.encode(frame)) for frame in frames]


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _drain(descriptor: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.read(descriptor, 65_536)


def _udp() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.setblocking(False)
    return made


if __name__ == "__main__":
    if sys.argv[3:4] == ["source"]:
        _source(int(sys.argv[1]), float(sys.argv[2]), Codec(sys.argv[4]))
    else:
        print(asyncio.run(_pass_on(int(sys.argv[1]), float(sys.argv[2]))))
