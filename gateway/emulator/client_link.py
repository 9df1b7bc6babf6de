"""The other end of the control socket: requests that cross, each with its answer."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from pathlib import Path
from typing import Any

_MOST_ANSWER_BYTES = 1 << 28
_SLACK_SECONDS = 2.0


class EmulatorRefused(RuntimeError):
    """The emulator says that it cannot; the message is its sentence."""


class ControlLink:
    """A connection to a control socket. `open` and `close` it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect; OSError when no emulator serves it."""
        reader, self._writer = await asyncio.open_unix_connection(str(self._path), limit=_MOST_ANSWER_BYTES)
        self._reading = asyncio.create_task(self._read(reader))

    async def close(self) -> None:
        """Disconnect."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def ask(self, verb: str, /, *, within: float | None = None, **arguments: Any) -> dict[str, Any]:
        """One request, for verbs that have no coroutine of their own; see control_network.py for all of them."""
        if self._writer is None:
            raise EmulatorRefused("The emulator is not connected.")
        identity = next(self._ids)
        if within is not None:
            arguments["within"] = within
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[identity] = answer
        self._writer.write(json.dumps({"id": identity, "do": verb, **arguments}).encode() + b"\n")
        await self._writer.drain()
        try:
            async with asyncio.timeout(None if within is None else within + _SLACK_SECONDS):
                return await answer
        finally:
            self._waiting.pop(identity, None)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._take(json.loads(line))
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ConnectionError("The emulator has gone."))

    def _take(self, answer: dict[str, Any]) -> None:
        future = self._waiting.get(answer["id"])
        if future is None or future.done():
            return
        if "ok" in answer:
            future.set_result(answer["ok"])
        elif answer["kind"] == "TimeoutError":
            future.set_exception(TimeoutError(answer["error"]))
        else:
            future.set_exception(EmulatorRefused(answer["error"]))
