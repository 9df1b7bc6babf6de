"""What somebody has said in a recording comes from the worker, which opens and decodes whatever it was kept as."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from gateway.api.problems import RecordingAway, WorkerAway

_SECONDS = 10.0
LARGEST_BYTES = 16_000 * 600
"""Ten minutes: a message is no longer."""


class MessageSounds:
    """`of` gives what the caller has said."""

    def __init__(self, worker_socket: Path) -> None:
        self._socket = worker_socket

    async def of(self, recording_id: str) -> bytes:
        """Samples of 16 bits, little-endian, at 8 kHz. Raises RecordingAway and WorkerAway."""
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(self._socket)), timeout=timeout) as way,
                way.get(f"http://worker/api/v1/recordings/{recording_id}/caller") as answer,
            ):
                if answer.status >= 300:
                    raise RecordingAway(f"The worker does not give the recording: {await answer.text()}")
                data = await answer.content.read(LARGEST_BYTES)
                while len(data) < LARGEST_BYTES and (more := await answer.content.read(LARGEST_BYTES - len(data))):
                    data += more
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise WorkerAway("The worker does not answer.") from fault
        return data
