"""`make bench-sip`: registrations and calls a second between SIP phones, what they cost, and whether memory grows.

The daemon runs as a process of its own, without modems, recordings and panel; the phones are of this process. No
sound is sent: what a call's sound costs is measured by `make bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.demo.free_port import free_port
from tests.bench.cost import Interval, Watch, machine, resident_mib, usage
from tests.bench.sip_phones import BenchPhone, Failed, every

START_SECONDS = 60.0
PASSWORD = "a-password-for-the-bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What came of many of the same."""

    done: int
    failed: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        return self.done / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Of the daemon, for each."""
        return 1000 * self.cpu_seconds / max(1, self.done)


def main() -> int:
    """Measure, print; 1 when a call failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sip_load", description=__doc__)
    parser.add_argument("--phones", type=int, default=20, help="accounts, half of them callers")
    parser.add_argument("--rate", type=float, default=20.0, help="calls begun in a second")
    parser.add_argument("--talk", type=float, default=5.0, help="seconds of each call")
    parser.add_argument("--seconds", type=float, default=60.0, help="for so long calls are begun")
    parser.add_argument("--registering", type=float, default=10.0, help="seconds of registrations")
    parser.add_argument("--rounds", type=int, default=1, help="how often the calls are repeated, to see memory grow")
    given = parser.parse_args()
    print(f"Machine: {machine()}. Load average before: {os.getloadavg()[0]:.1f}.", flush=True)
    directory = Path(tempfile.mkdtemp(prefix="simbridge-sip-bench-"))
    failed = asyncio.run(_measure(directory, given))
    if failed:
        print(f"Logs are in {directory}.")
    else:
        shutil.rmtree(directory)
    return int(failed > 0)


async def _measure(directory: Path, given: argparse.Namespace) -> int:
    server = ("127.0.0.1", free_port(socket.SOCK_DGRAM))
    async with daemon_of(directory, server[1], given.phones) as daemon:
        phones = [
            BenchPhone(str(1001 + number), PASSWORD, server, f"127.0.{1 + number // 250}.{1 + number % 250}")
            for number in range(given.phones)
        ]
        try:
            for phone in phones:
                await phone.open()
            await until_served(phones[0])
            return await _all_figures(daemon, phones, given)
        finally:
            for phone in phones:
                phone.close()


async def _all_figures(daemon: int, phones: list[BenchPhone], given: argparse.Namespace) -> int:
    watch = Watch(daemon)
    registered = await _register(daemon, phones, given.registering)
    noise = watch.stop()
    print(
        f"registrations (each with its challenge): {registered.per_second:.0f} a second, {registered.failed} failed, "
        f"{registered.cpu_ms:.2f} ms of the daemon's processor time each; {_noise(noise)}",
        flush=True,
    )
    idle = resident_mib(daemon)
    failed = 0
    for turn in range(given.rounds):
        for phone in phones:  # they are registered for five minutes, and many rounds take longer
            await phone.register()
        watch = Watch(daemon)
        calls, peak = await _call(daemon, phones, given)
        noise = watch.stop()
        failed += calls.failed
        print(
            f"round {turn + 1}: {calls.done} calls of {given.talk:.0f} s, {given.rate:.0f} begun a second: "
            f"{calls.failed} failed; "
            f"{calls.cpu_ms:.2f} ms each from INVITE to BYE, {100 * noise.daemon_share:.0f} % of a core; "
            f"{_noise(noise)}",
            flush=True,
        )
        await asyncio.sleep(40)  # the last transactions live for 32 s
        print(
            f"memory: {idle:.1f} MiB before, {peak:.1f} MiB with {given.rate * given.talk:.0f} calls, "
            f"{resident_mib(daemon):.1f} MiB after {(turn + 1) * calls.done} calls",
            flush=True,
        )
    return failed + registered.failed


async def _register(daemon: int, phones: list[BenchPhone], seconds: float) -> Counted:
    """All phones register as fast as they can."""
    before, start = usage(daemon), time.monotonic()
    done = failed = 0

    async def again_and_again(phone: BenchPhone) -> None:
        nonlocal done, failed
        while time.monotonic() - start < seconds:
            try:
                await phone.register()
                done += 1
            except Failed as fault:
                failed += 1
                print(f"registration: {fault}", file=sys.stderr)

    await asyncio.gather(*(again_and_again(phone) for phone in phones))
    now = usage(daemon)
    return Counted(
        done=done, failed=failed, seconds=now.at - before.at, cpu_seconds=now.ran_seconds - before.ran_seconds
    )


async def _call(daemon: int, phones: list[BenchPhone], given: argparse.Namespace) -> tuple[Counted, float]:
    """Calls at the wanted rate, and the memory when as many as can be are up."""
    half = len(phones) // 2
    before = usage(daemon)
    tasks: list[asyncio.Task[None]] = []

    def begin(number: int) -> None:
        caller, callee = phones[number % half], phones[half + number % half]
        tasks.append(asyncio.get_running_loop().create_task(caller.call(callee.extension, given.talk)))

    await every(1 / given.rate, round(given.rate * given.seconds), begin)
    peak = resident_mib(daemon)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    faults = [each for each in outcomes if each is not None]
    for fault in faults[:10]:
        print(f"call: {fault}", file=sys.stderr)
    now = usage(daemon)
    counted = Counted(
        done=len(outcomes) - len(faults),
        failed=len(faults),
        seconds=now.at - before.at,
        cpu_seconds=now.ran_seconds - before.ran_seconds,
    )
    return counted, peak


async def until_served(phone: BenchPhone) -> None:
    """The daemon is there when it lets a phone register."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                await phone.register()
                return
            except Failed:
                continue


@asynccontextmanager
async def daemon_of(directory: Path, port: int, phones: int) -> AsyncIterator[int]:
    """Its process, with a shop of phones only."""
    config, shop = directory / "gateway.toml", directory / "shop.toml"
    config.write_text(
        f'data_dir = "data"\n[sip]\nbind = ["127.0.0.1"]\nport = {port}\nrtp_ports = [20000, 25999]\n'
        f'[api]\nbind = "127.0.0.1:{free_port(socket.SOCK_STREAM)}"\n'
    )
    shop.write_text(
        "".join(f'[[phones]]\nextension = "{1001 + number}"\npassword = "{PASSWORD}"\n' for number in range(phones))
    )
    python = (sys.executable, "-m", "gateway")
    with (directory / "daemon.log").open("wb") as log:
        setup = await asyncio.create_subprocess_exec(
            *(*python, "shop", "import", str(shop), "--config", str(config)), stdout=log, stderr=log
        )
        if await setup.wait() != 0:
            raise RuntimeError(f"the shop was not taken: {log.name}")
        process = await asyncio.create_subprocess_exec(
            *(*python, "run", "--config", str(config)), stdout=log, stderr=log
        )
        try:
            yield process.pid
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def _noise(noise: Interval) -> str:
    """Who else was busy."""
    return f"other programs used {100 * noise.others_share:.0f} % of the machine, load average {noise.load_average:.1f}"


if __name__ == "__main__":
    sys.exit(main())
