"""`python -m tests.bench`: what a call costs in time and in work, beside the references.

Emulated modems, SIP phones, daemon and worker each run as a process of their own. With `--repeat` a level is
run more than once and the run in which other programs used least of the machine is shown. The whole takes about
nine minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import os
import shutil
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tests.bench.awake import awake
from tests.bench.calls import Round, Way, play_round
from tests.bench.cost import Watch, commit_ms, machine, resident_mib
from tests.bench.floor import floor
from tests.bench.idle import measure as measure_idle
from tests.bench.media_cost import media_costs
from tests.bench.place import Place, Wanted, place
from tests.bench.report import family_table, table
from tests.bench.results import Level
from tests.bench.strain import Strain, late, strained

IDLE_SECONDS = 3.0
STRAINED_CALLS = 8
IDLE_MODEM_SECONDS = 32.0
BUSY_LOAD = 0.5
"""Load average per core above which the machine counts as busy before anything is started."""


def main() -> int:
    """Read the command line, measure, print; the exit status."""
    given = _arguments()
    print(f"Machine: {machine()}.")
    load = os.getloadavg()[0]
    if load > BUSY_LOAD * (os.cpu_count() or 1):
        print(f"WARNING: the machine is busy already (load average {load:.1f}); the figures will show it.")
    directory = Path(tempfile.mkdtemp(prefix="simbridge-bench-"))
    try:
        levels = asyncio.run(_all_levels(directory, given))
        strains = asyncio.run(_all_strains(directory, given))
    except (TimeoutError, RuntimeError, OSError) as fault:
        print(f"The bench failed: {fault or 'nothing happened in time'}. Logs are in {directory}.")
        raise
    shutil.rmtree(directory)
    print(f"\n{table(levels)}\n\n{family_table(levels[-1])}")
    if strains:
        print(f"\n{table(strains)}")
    if given.media:
        print(f"\n{asyncio.run(media_costs(STRAINED_CALLS))}")
    if given.idle:
        print(f"\n{asyncio.run(measure_idle(STRAINED_CALLS, IDLE_MODEM_SECONDS))}")
    for level in (*levels, *strains):
        for reason in level.noise():
            print(f"WARNING: at {level.title} {reason}.")
    if given.json is not None:
        given.json.write_text(json.dumps(_wire([*levels, *strains], given), indent=2) + "\n", encoding="utf-8")
    return 0


async def _all_levels(directory: Path, given: argparse.Namespace) -> list[Level]:
    async with awake(wanted=given.awake):
        return [await _quietest(directory, count, given) for count in given.levels]


async def _all_strains(directory: Path, given: argparse.Namespace) -> list[Level]:
    levels = []
    async with awake(wanted=given.awake):
        for strain in Strain if given.strains else ():
            print(f"{STRAINED_CALLS} at once, {strain} ...", flush=True)
            levels.append(await _measure(directory / strain.name.lower(), STRAINED_CALLS, given, strain))
    return levels


async def _quietest(directory: Path, count: int, given: argparse.Namespace) -> Level:
    runs = []
    for turn in range(given.repeat):
        print(f"{count} at once, run {turn + 1} of {given.repeat} ...", flush=True)
        runs.append(await _measure(directory / f"{count}-{turn}", count, given))
    return min(runs, key=lambda level: level.others_share)


async def _measure(directory: Path, count: int, given: argparse.Namespace, strain: Strain | None = None) -> Level:
    wanted = Wanted(
        families=tuple(itertools.islice(itertools.cycle(given.families), count)),
        calls="all" if given.recording or strain is Strain.PANEL else "none",
        notice=given.notice,
        panel=strain is not None,
    )
    async with place(directory, wanted) as where:
        probe = await asyncio.to_thread(commit_ms, directory)
        watch = Watch(where.daemon)
        await asyncio.sleep(IDLE_SECONDS)
        idle, idle_mib = watch.stop(), resident_mib(where.daemon)
        if strain is Strain.PANEL:
            await play_round(where, Way.OUTGOING, seconds=2.0, stagger_seconds=0.0)  # there is something to hear
        before = await late(where.api, directory)
        async with nullcontext() if strain is None else strained(where, strain):
            rounds = await _rounds(where, given)
        after = await late(where.api, directory)
        lateness = await where.phone_network.lateness()
    return Level(
        floor_percent=await floor(count),
        count=count,
        rounds=rounds,
        idle_share=idle.daemon_share,
        idle_mib=idle_mib,
        phone_lateness_ms={name: value * 1000 for name, value in lateness.items() if name != "ticks"},
        commit_ms=probe,
        beside="" if strain is None else strain,
        late_p99_ms=after.p99_ms(before),
        late_worst_ms=after.worst_seconds * 1000,
    )


async def _rounds(where: Place, given: argparse.Namespace) -> list[Round]:
    return [
        await play_round(where, way, seconds=given.seconds, stagger_seconds=given.stagger)
        for _ in range(given.rounds)
        for way in Way
    ]


def _wire(levels: list[Level], given: argparse.Namespace) -> dict[str, Any]:
    return {
        "machine": machine(),
        "families": list(given.families),
        "seconds": given.seconds,
        "recorded": given.recording,
        "awake": given.awake,
        "notice": given.notice,
        "levels": [
            {
                "calls": level.count,
                "beside": level.beside,
                "figures": _without_nan(level.figures()),
                "families": {name: _without_nan(each) for name, each in level.by_family().items()},
                "noise": level.noise(),
            }
            for level in levels
        ],
    }


def _without_nan(figures: dict[str, float]) -> dict[str, float | None]:
    return {name: round(value, 4) if math.isfinite(value) else None for name, value in figures.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--levels", type=_counts, default=(1, 4, 8, 16), metavar="N,N", help="calls at once: 1,4,8,16")
    parser.add_argument(
        "--families", type=lambda text: tuple(text.split(",")), default=("huawei", "quectel", "simcom"),
        metavar="FAMILY,FAMILY", help="modems, in turn: huawei,quectel,simcom",
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, default=10.0, help="how long both speak in each call (10)")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of calls each way per level (1)")
    parser.add_argument("--repeat", type=int, default=1, help="runs per level; the quietest is shown (1)")
    parser.add_argument("--quick", action="store_true", help="4 seconds, and 1 and 4 calls only")
    parser.add_argument("--stagger", type=float, default=0.25, help="seconds from one call's beginning to the next")
    parser.add_argument("--no-recording", dest="recording", action="store_false", help="record no call")
    parser.add_argument("--notice", choices=("none", "beep", "announce"), default="none", help="before the recording")
    parser.add_argument(
        "--idle", action=argparse.BooleanOptionalAction, default=True,
        help="also what modems cost that nobody calls, commands in a storm of news, and messages a second (yes)",
    )  # fmt: skip
    parser.add_argument(
        "--strains", action=argparse.BooleanOptionalAction, default=True,
        help="also with a mix beside the calls, a panel in use, every core busy (yes)",
    )  # fmt: skip
    parser.add_argument(
        "--media", action=argparse.BooleanOptionalAction, default=True,
        help="also what the sound alone costs: recorded or not, each codec, mixes (yes)",
    )  # fmt: skip
    parser.add_argument("--awake", action="store_true", help="keep the processors awake: for virtual machines")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here as well")
    given = parser.parse_args()
    if given.quick:
        given.seconds, given.levels, given.strains = 4.0, (1, 4), False
    return given


def _counts(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(","))


if __name__ == "__main__":
    raise SystemExit(main())
