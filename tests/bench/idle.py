"""`python -m tests.bench.idle`: what modems cost that nobody calls, how long a command takes in a storm of news, and
how many messages are read in a second.

The modems are emulated, in a process of their own; the fleet that serves them is another one, without SIP, store
and API, so that its processor time is the modems' alone.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.emulator import sms_pdu
from gateway.emulator.client import EmulatorClient, running_emulator
from gateway.modem import commands, pdu
from gateway.modem.discovery import UsbBus
from gateway.settings import DiscoverySettings
from gateway.telephony.line import LineState
from gateway.telephony.shop import LineSettings
from tests.bench.cost import machine, usage
from tests.modem.fleet_room import room_for, settings_of, until

FAMILIES = ("huawei", "quectel", "simcom")
STORM_PER_SECOND = 10_000
_QUESTIONS = 200
_START_SECONDS = 30.0
_DECODE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Idle:
    """What was measured."""

    modems: int
    percent_of_core: float
    calm_ms: tuple[float, float]
    """p50 and p95 of a bare AT, in milliseconds; the emulator's own part is in it."""
    storm_ms: tuple[float, float]
    """The same while the modem is told to say so many lines a second."""
    messages_per_second: float
    """SMS PDUs that are decoded: short ones, parts of long ones, Cyrillic and delivery reports."""

    def __str__(self) -> str:
        calm, storm = (f"{p50:.1f} ms p50, {p95:.1f} ms p95" for p50, p95 in (self.calm_ms, self.storm_ms))
        return (
            f"{self.modems} idle modems: {self.percent_of_core:.3f} % of one core.\n"
            f"A command: {calm}; with {STORM_PER_SECOND} lines of news a second: {storm}.\n"
            f"SMS decoded: {self.messages_per_second:.0f} a second."
        )


async def measure(modems: int, seconds: float) -> Idle:
    """Serve so many modems for so long, then ask one of them, calm and in a storm."""
    with tempfile.TemporaryDirectory(prefix="simbridge-idle-") as name:
        directory = Path(name)
        families = tuple(itertools.islice(itertools.cycle(FAMILIES), modems))
        async with running_emulator(directory, modems=families) as emulator:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.bench.idle", "--serve", name,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            if process.stdout is None or process.stdin is None:
                raise RuntimeError("The fleet has no pipes.")
            async with asyncio.timeout(_START_SECONDS):
                await process.stdout.readline()
            before = usage(process.pid)
            await asyncio.sleep(seconds)
            after = usage(process.pid)
            calm = await _asked(process)
            (first, *_rest) = await emulator.modems()
            await first.misbehave("urc_storm", per_second=STORM_PER_SECOND)
            await asyncio.sleep(0.5)
            storm = await _asked(process)
            await first.behave()
            process.stdin.close()
            await process.wait()
    share = (after.ran_seconds - before.ran_seconds) / (after.at - before.at)
    return Idle(modems, share * 100, calm, storm, messages_per_second())


def messages_per_second() -> float:
    """Decode what a SIM may hold, for a second, in this process."""
    raw = [bytes.fromhex(each) for each in _messages()]
    for each in raw:
        pdu.decode(each)
    began, rounds = time.process_time(), 0
    while (taken := time.process_time() - began) < _DECODE_SECONDS:
        for each in raw:
            pdu.decode(each)
        rounds += 1
    return rounds * len(raw) / taken


def _messages() -> list[str]:
    """What a SIM may hold, in hex: a short text, parts of a long one in either alphabet, and a delivery report."""
    sender, centre, when = "+79031112233", "+79168999100", datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    messages = [sms_pdu.deliver("The courier is on the way.", sender, when, centre)]
    for text in ("The courier is on the way. " * 12, "Курьер уже в пути. " * 10):
        pieces = sms_pdu.split(text)
        messages += [
            sms_pdu.deliver(piece, sender, when, centre, sms_pdu.Concatenation(7, len(pieces), part))
            for part, piece in enumerate(pieces, 1)
        ]
    return [*messages, sms_pdu.status_report(7, sender, when, 0, centre)]


async def _asked(process: asyncio.subprocess.Process) -> tuple[float, float]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("The fleet has no pipes.")
    process.stdin.write(b"ask\n")
    p50, p95 = json.loads(await process.stdout.readline())
    return p50, p95


async def _serve(directory: Path) -> None:
    """The fleet's own process: serves until its standard input is closed, and asks when told to."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with EmulatorClient(directory) as emulator:
        modems = await emulator.modems()
    room = room_for(*(LineSettings(name=each.name, modem=each.name) for each in modems))
    # As in the daemon, but real modems of this machine are left alone.
    discovery = DiscoverySettings(ignore=tuple(each.path for each in UsbBus().modems()))
    async with room.fleet(settings_of(modems), discovery=discovery) as fleet:
        await until(lambda: all(line.state is LineState.READY for line in fleet.lines.values()), within=_START_SECONDS)
        await asyncio.sleep(2.0)
        print("ready", flush=True)
        while await reader.readline():
            session = fleet.modems[modems[0].name].service
            if session is None:
                raise RuntimeError("The first modem is not served.")
            taken = []
            for _ in range(_QUESTIONS):
                began = time.perf_counter()
                await session.ussd._channel.accepts(commands.ATTENTION)
                taken.append((time.perf_counter() - began) * 1000)
            taken.sort()
            print(json.dumps([taken[_QUESTIONS // 2], taken[_QUESTIONS * 95 // 100]]), flush=True)


def main() -> int:
    """Read the command line, measure, print; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.idle", description=__doc__)
    parser.add_argument("--modems", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=32.0, help="two turns of all questions (32)")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        asyncio.run(_serve(given.serve))
        return 0
    print(f"Machine: {machine()}.")
    print(asyncio.run(measure(given.modems, given.seconds)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
