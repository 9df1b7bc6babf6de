"""What the sound of calls costs by itself: recorded or not, by codec, and each step of it, mixes included."""

from __future__ import annotations

import asyncio
import sys

from gateway.audio.codec import Codec
from gateway.audio.coder import available_codecs

SECONDS = 4.0


async def media_costs(count: int) -> str:
    """Lines for a reader: per cent of one core per call, for `count` at once, and microseconds of each step."""
    lines = [f"The sound alone, {count} calls at once, % of a core per call"]
    kinds = {"G.711, recorded": (Codec.PCMU, ()), "G.711, not recorded": (Codec.PCMU, ("unrecorded",))}
    kinds |= {f"{codec.facts.name}, recorded": (codec, ()) for codec in available_codecs() if codec.is_wide}
    for name, (codec, options) in kinds.items():
        try:
            share = f"{float(await _printed('tests.bench.engine', str(count), str(SECONDS), codec, *options)):6.2f}"
        except RuntimeError:  # the machine was taken away meanwhile: all else that was measured is worth telling
            share = "not measured"
        lines.append(f"  {name:36} {share}")
    steps = await _printed("tests.bench.bench_audio")
    return "\n".join([*lines, "", "Steps of it, each for 20 ms", *(f"  {line}" for line in steps.splitlines())])


async def _printed(module: str, *arguments: str) -> str:
    """What a program of the bench prints. Raises RuntimeError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"{module} has failed.")
    return printed.decode()
