"""Keeps every processor awake while something is measured.

The host of a virtual machine takes away a processor that has nothing to do and is slow to give it back: then an
idle machine measures worse than a busy one. A loop in the idle class on each processor gives way to anything.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def awake(*, wanted: bool = True) -> AsyncIterator[None]:
    """One loop of class SCHED_IDLE on each processor, until the end; nothing when it is not `wanted`."""
    cores = sorted(os.sched_getaffinity(0)) if wanted else []
    loops = [
        await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.awake", str(core)) for core in cores
    ]
    try:
        yield
    finally:
        for each in loops:
            each.kill()
            await each.wait()


if __name__ == "__main__":
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    os.sched_setaffinity(0, {int(sys.argv[1])})
    while True:
        pass
