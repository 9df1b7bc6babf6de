"""The support bundle as the work of another process, for the daemon, which has no time for it."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from gateway.errors import TryLater

log = logging.getLogger(__name__)

LONGEST_SECONDS = 60.0


async def bundle_of(config: Path) -> bytes:
    """What `simbridge support-bundle` packs for that gateway.toml. Raises TryLater."""
    directory = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="simbridge-support-")
    target = Path(directory.name) / "bundle.tar.gz"
    command = (sys.executable, "-m", "gateway", "support-bundle", "--config", str(config), "--output", str(target))
    try:
        process = await asyncio.create_subprocess_exec("nice", "-n", "10", *command)
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                status = await process.wait()
        except TimeoutError:
            process.kill()
            status = await process.wait()
        if status != 0:
            raise TryLater("The support bundle could not be packed; the log says more.")
        return await asyncio.to_thread(target.read_bytes)
    finally:
        await asyncio.to_thread(directory.cleanup)
