"""The floor: what the same blocks and packets cost a program that only passes them on.

One process makes blocks on PTYs and packets on UDP sockets, as so many modems and phones would, 50 times a second
each; another, on an asyncio loop, reads each and writes it to the other side. What that costs is the price
of this machine and of the loop; only what a gateway costs above it is its own.

`python -m tests.bench.floor COUNT SECONDS` prints it, in per cent of one core per call.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
import tty

from gateway.emulator.media_clock import take_real_time_priority
from gateway.priority import take_real_time_priority as take_daemon_priority
from tests.bench.cost import usage

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


async def _pass_on(count: int, seconds: float) -> float:
    source = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.floor", str(count), str(seconds + 2 * SETTLE_SECONDS), "source",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    if source.stdin is None or source.stdout is None:
        raise RuntimeError("The source has no pipes.")
    ports = [
        os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK) for name in (await source.stdout.readline()).split()
    ]
    sockets = [_udp() for _ in ports]
    source.stdin.write(b" ".join(b"%d" % each.getsockname()[1] for each in sockets) + b"\n")
    source_address = ("127.0.0.1", int(await source.stdout.readline()))
    loop = asyncio.get_running_loop()

    def from_modem(port: int, sink: socket.socket) -> None:
        sink.sendto(os.read(port, 16_384)[: len(PACKET)], source_address)

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
    source.terminate()
    await source.wait()
    return 100 * (after.ran_seconds - before.ran_seconds) / (after.at - before.at) / count


def _source(count: int, seconds: float) -> None:
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
    while due < end:
        for master, address in zip(masters, addresses, strict=True):
            _wait_until(due)
            os.write(master, BLOCK)
            _drain(master)
            due += PERIOD_SECONDS / count / 2
            _wait_until(due)
            sink.sendto(PACKET, address)
            _drain(sink.fileno())
            due += PERIOD_SECONDS / count / 2


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
    if sys.argv[3:] == ["source"]:
        _source(int(sys.argv[1]), float(sys.argv[2]))
    else:
        print(asyncio.run(_pass_on(int(sys.argv[1]), float(sys.argv[2]))))
