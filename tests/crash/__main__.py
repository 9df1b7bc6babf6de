"""`python -m tests.crash --rounds 1000 --lanes 8 --power-cuts 1000`: exit status 0 only when no promise was broken."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.judge import Unkept
from tests.crash.lane import HUNG_UP_SECONDS, Broken, Round, lane
from tests.crash.power import cuts, play

POWER_SECONDS = 15.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--power-cuts", type=int, default=1000)
    parser.add_argument(
        "--hung-up-within", type=float, default=HUNG_UP_SECONDS, help="seconds from a start; more on a busy machine"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    options = parser.parse_args()
    faults = _power_cuts(options.power_cuts, options.seed) if options.power_cuts else []
    if options.rounds:
        faults += _rounds(options)
    for fault in faults:
        print(f"BROKEN {fault}")
    return 1 if faults else 0


def _rounds(options: argparse.Namespace) -> list[str]:
    """Kills; what was broken."""
    print(f"{options.rounds} rounds in {options.lanes} lanes, seed {options.seed}", flush=True)
    began = time.monotonic()
    rounds, faults = asyncio.run(_play(options.rounds, options.lanes, options.seed, options.hung_up_within))
    for name, values in (
        ("ready again", [each.ready_seconds for each in rounds]),
        (
            "modem hung up after the start",
            [each.hung_up_seconds for each in rounds if each.hung_up_seconds is not None],
        ),
        ("lost of a recording", [each.lost_seconds for each in rounds if each.lost_seconds is not None]),
    ):
        if values:
            print(f"{name}: p50 {statistics.median(values):.2f} s, most {max(values):.2f} s, in {len(values)} rounds")
    print(f"{len(rounds)} kills in {time.monotonic() - began:.0f} s, {len(faults)} promises broken")
    if len(rounds) < options.rounds and not faults:
        faults.append(f"only {len(rounds)} of {options.rounds} rounds were played")
    return faults


def _power_cuts(count: int, seed: int) -> list[str]:
    """Power cuts in a run of some seconds; what was broken."""
    directory, began = Path(tempfile.mkdtemp(prefix="simbridge-power-")), time.monotonic()
    story = play(directory, seconds=POWER_SECONDS)
    print(f"{count} power cuts among {len(story.operations)} operations of a disk, seed {seed}", flush=True)

    def tell(done: int) -> None:
        if done % 100 == 0:
            print(f"  {done} power cuts", flush=True)

    broken = cuts(story, count, seed, directory, tell)
    print(f"{count} power cuts in {time.monotonic() - began:.0f} s, {len(broken)} promises broken")
    if not broken:
        shutil.rmtree(directory)
    return broken


async def _play(count: int, lanes: int, seed: int, hung_up_within: float) -> tuple[list[Round], list[str]]:
    rounds: list[Round] = []
    faults: list[str] = []
    left = iter(range(count))

    async def play(number: int) -> None:
        directory = Path(tempfile.mkdtemp(prefix=f"simbridge-crash-{number}-"))
        try:
            async with lane(directory, seed + number, hung_up_within=hung_up_within) as road:
                for _ in left:
                    rounds.append(await road.round())
                    if len(rounds) % 50 == 0:
                        print(f"  {len(rounds)} kills", flush=True)
        except (Broken, Unkept, TimeoutError, OSError) as fault:
            faults.append(f"in lane {number} of seed {seed}: {fault!r}; what is left lies in {directory}")

    async with asyncio.TaskGroup() as group:
        for number in range(lanes):
            group.create_task(play(number))
    return rounds, faults


sys.exit(main())
