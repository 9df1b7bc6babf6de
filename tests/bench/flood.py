"""`make bench-flood`: a thousand packets a second from 200 addresses and 200 half-open connections, while a call talks.

The figures are those of the threats T-S11 and T-S12. The daemon runs as a process of its own, and so do the attackers;
the honest phones are of this process. The caller speaks noise that no 20 ms of repeat: what the callee gets within
200 ms and is the same counts as heard.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import socket
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.demo.free_port import free_port
from tests.bench.cost import Watch, machine, resident_mib
from tests.bench.sip_load import PASSWORD, daemon_of, until_served
from tests.bench.sip_phones import BenchPhone, Failed

ADDRESSES = 200
PACKETS_A_SECOND = 1_000
CONNECTIONS = 200
LATE_SECONDS = 0.2
FRAME_SECONDS = 0.02
LOGIN_EVERY_SECONDS = 0.5
NEW_PHONES = 20
"""Each comes for the first time in the midst of the flood, from an address of its own."""


class Voice(BenchPhone):
    """A phone that speaks and listens, both by the port of its signalling; who is called says again what it hears."""

    def __init__(self, *words: str, server: tuple[str, int], host: str) -> None:
        super().__init__(words[0], words[1], server, host)
        self.heard: dict[bytes, float] = {}
        """What came, and when."""
        self._speaks = False

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Sound is kept."""
        if data[:1] == b"\x80":
            self.heard.setdefault(data[12:], time.monotonic())
            if not self._speaks:
                self.send_to(data, address)
        else:
            super().datagram_received(data, address)

    async def speak(self, extension: str, seconds: float) -> dict[bytes, float]:
        """Call, and speak that long: each 20 ms, and when they were sent. Raises Failed."""
        sent: dict[bytes, float] = {}
        dice = random.Random(1)
        self._speaks = True
        async with self.calling(extension) as remote:
            began = time.monotonic()
            for number in range(round(seconds / FRAME_SECONDS)):
                await asyncio.sleep(max(0.0, began + number * FRAME_SECONDS - time.monotonic()))
                payload = dice.randbytes(160)
                header = struct.pack(">BBHII", 0x80, 8, number & 0xFFFF, 160 * number, 7)
                sent[payload] = time.monotonic()
                self.send_to(header + payload, remote)
            await asyncio.sleep(1)
        return sent


def main() -> int:
    """Measure, print; 1 when a figure is not met."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.flood", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the flood")
    parser.add_argument("--attack", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.attack:
        _attack(("127.0.0.1", given.attack), given.seconds)
        return 0
    print(f"Machine: {machine()}. Load average before: {os.getloadavg()[0]:.1f}.", flush=True)
    directory = Path(tempfile.mkdtemp(prefix="simbridge-flood-"))
    is_good = asyncio.run(_measure(directory, given.seconds))
    if is_good:
        shutil.rmtree(directory)
    else:
        print(f"Logs are in {directory}.")
    return int(not is_good)


async def _measure(directory: Path, seconds: float) -> bool:
    server = ("127.0.0.1", free_port(socket.SOCK_DGRAM))
    count = 3 + NEW_PHONES
    async with daemon_of(directory, server[1], count) as daemon:
        voices = [
            Voice(str(1001 + index), PASSWORD, server=server, host=f"127.0.1.{1 + index}") for index in range(count)
        ]
        try:
            for phone in voices[:3]:
                await phone.open()
            await until_served(voices[0])
            for phone in voices[1:3]:
                await phone.register()
            await asyncio.sleep(2)
            return await _flooded(daemon, server, voices, seconds)
        finally:
            for phone in voices:
                phone.close()


async def _flooded(daemon: int, server: tuple[str, int], voices: list[Voice], seconds: float) -> bool:
    files = _open_files(daemon)
    watch = Watch(daemon)
    talk = asyncio.create_task(voices[0].speak(voices[1].extension, seconds + 4))
    await asyncio.sleep(2)
    resident = resident_mib(daemon)  # with the call, whose first packets need memory of their own
    async with _attackers(server[1], seconds):
        logins = asyncio.create_task(_log_in_again_and_again(voices[2], seconds))
        strange = asyncio.create_task(_first_logins(voices[3:], seconds))
        slow = asyncio.create_task(_half_open(server))
        times, missed = await logins
        peak = resident_mib(daemon)
        first, never = await strange
        closed_after = await slow
    sent = await talk
    noise = watch.stop()
    await asyncio.sleep(60)
    heard = [voices[1].heard.get(payload, float("inf")) - at for payload, at in sent.items()]
    share = sum(delay <= LATE_SECONDS for delay in heard) / len(heard)
    delays = [1000 * delay for delay in heard if delay < float("inf")]
    p95 = 1000 * statistics.quantiles(times, n=20)[18] if len(times) > 1 else float("inf")
    after, files_after = resident_mib(daemon), _open_files(daemon)
    first_p95 = 1000 * statistics.quantiles(first, n=20)[18] if len(first) > 1 else float("inf")
    newcomers = f"p95 {first_p95:.0f} ms, longest {1000 * max(first):.0f} ms of {len(first)}"
    rows = (
        ("the running call is heard", f"{100 * share:.2f} % of {len(heard)} windows", share >= 0.99),
        ("its added delay", f"p50 {statistics.median(delays):.1f} ms, longest {max(delays):.0f} ms", True),
        (
            "a phone that is known logs in",
            f"p95 {p95:.0f} ms of {len(times)}, {missed} missed",
            p95 < 500 and not missed,
        ),
        (
            "a phone from a new address logs in",
            f"{newcomers}, {never} missed",
            first_p95 < 500 and not never,
        ),
        ("memory", f"{resident:.1f} MiB before, {peak:.1f} during, {after:.1f} a minute later", peak - resident < 20),
        (f"{CONNECTIONS} half-open connections", f"all closed after {closed_after:.0f} s", closed_after <= 40),
        ("open files", f"{files} before, {files_after} after", files_after <= files),
    )
    for name, figure, is_good in rows:
        print(f"{'ok  ' if is_good else 'MISS'} {name}: {figure}", flush=True)
    others = f"other programs used {100 * noise.others_share:.0f} % of the machine"
    print(f"{others}, load average {noise.load_average:.1f}; the daemon {100 * noise.daemon_share:.0f} % of a core")
    return all(is_good for _, _, is_good in rows)


# Honest phones.


async def _log_in_again_and_again(phone: Voice, seconds: float) -> tuple[list[float], int]:
    """How long each login took, and how many came to nothing."""
    times: list[float] = []
    missed = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            await phone.register()
            times.append(time.monotonic() - began)
        except Failed:
            missed += 1
        await asyncio.sleep(LOGIN_EVERY_SECONDS)
    return times, missed


async def _first_logins(phones: list[Voice], seconds: float) -> tuple[list[float], int]:
    """Phones that nobody has heard of come one after the other: how long each login took, and how many came to nothing.

    The first one comes when the flood has lasted for a sixth of its time.
    """
    times: list[float] = []
    missed = 0
    began = time.monotonic()
    for index, phone in enumerate(phones):
        await asyncio.sleep(max(0.0, began + seconds * (1 / 6 + 0.75 * index / len(phones)) - time.monotonic()))
        await phone.open()
        asked = time.monotonic()
        try:
            await phone.register()
            times.append(time.monotonic() - asked)
        except Failed:
            missed += 1
    return times or [float("inf")], missed


# Attackers.


async def _half_open(server: tuple[str, int]) -> float:
    """Connections that begin a message and never end it; after how many seconds the last one was closed."""
    began = time.monotonic()

    async def hold(number: int) -> None:
        reader, writer = await asyncio.open_connection(*server, local_addr=(f"127.0.5.{1 + number // 20}", 0))
        writer.write(
            b"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.5.1;branch=z9hG4bKslow\r\nContent-Length:"
        )
        try:
            await reader.read()
        except ConnectionError:
            return
        finally:
            writer.close()

    await asyncio.gather(*(hold(number) for number in range(CONNECTIONS)))
    return time.monotonic() - began


@asynccontextmanager
async def _attackers(port: int, seconds: float) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.flood", "--attack", str(port), "--seconds", str(seconds)
    )
    try:
        yield
        await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _attack(server: tuple[str, int], seconds: float) -> None:
    """REGISTER, INVITE and OPTIONS of strangers, and what is no message at all, from each address in turn."""
    sources = []
    for number in range(ADDRESSES):
        source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        source.bind((f"127.0.3.{1 + number}", 0))
        source.setblocking(False)
        sources.append(source)
    began, count = time.monotonic(), 0
    while (now := time.monotonic()) - began < seconds:
        while count < (now - began) * PACKETS_A_SECOND:
            source = sources[count % ADDRESSES]
            source.sendto(_packet(count, *source.getsockname()), server)
            count += 1
        time.sleep(0.001)
    print(f"{count} packets in {time.monotonic() - began:.0f} s from {ADDRESSES} addresses", flush=True)
    for source in sources:
        source.close()


def _packet(count: int, host: str, port: int) -> bytes:
    method = ("REGISTER", "INVITE", "OPTIONS", "")[count % 4]
    if not method:
        return random.Random(count).randbytes(200)
    lines = [
        f"{method} sip:1001@127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bKflood{count}",
        "Max-Forwards: 70",
        f"From: <sip:{1000 + count % 9000}@127.0.0.1>;tag=f{count}",
        "To: <sip:1001@127.0.0.1>",
        f"Call-ID: flood-{count}",
        f"CSeq: 1 {method}",
        f"Contact: <sip:x@{host}:{port}>",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _open_files(process: int) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


if __name__ == "__main__":
    sys.exit(main())
