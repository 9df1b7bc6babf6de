"""`python -m tests.crash --rounds 1000 --lanes 8`: exit status 0 only when no promise was broken in any round."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.judge import Unkept
from tests.crash.lane import Broken, Round, lane


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    options = parser.parse_args()
    print(f"{options.rounds} rounds in {options.lanes} lanes, seed {options.seed}", flush=True)
    began = time.monotonic()
    rounds, faults = asyncio.run(_play(options.rounds, options.lanes, options.seed))
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
    for fault in faults:
        print(f"BROKEN {fault}")
    print(f"{len(rounds)} kills in {time.monotonic() - began:.0f} s, {len(faults)} promises broken")
    return 0 if len(rounds) >= options.rounds and not faults else 1


async def _play(count: int, lanes: int, seed: int) -> tuple[list[Round], list[str]]:
    rounds: list[Round] = []
    faults: list[str] = []
    left = iter(range(count))

    async def play(number: int) -> None:
        directory = Path(tempfile.mkdtemp(prefix=f"simbridge-crash-{number}-"))
        try:
            async with lane(directory, seed + number) as road:
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
