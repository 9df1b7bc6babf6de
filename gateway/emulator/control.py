"""The control socket: JSON lines by which another process scripts everything.

A request is `{"id": 1, "do": "call-in", ...}` with the arguments of the verb; its answer is
`{"id": 1, "ok": {...}}` or `{"id": 1, "error": "a sentence", "kind": "LookupError"}`. Requests run
side by side, so answers come in the order in which they are ready; verbs that wait take `within`
seconds. `client.py` says all of it in Python.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias

Result: TypeAlias = dict[str, object]
Verb: TypeAlias = Callable[..., Result | Awaitable[Result]]
StoreWav: TypeAlias = Callable[[str, bytes], str]
"""Keeps s16le samples as a WAV of that name; its path."""

_MOST_REQUEST_BYTES = 1 << 20


class ControlServer:
    """Serves `verbs` on a Unix socket, until its `run` is cancelled."""

    def __init__(self, path: Path, verbs: Mapping[str, Verb]) -> None:
        self._path = path
        self._verbs = verbs
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Serve."""
        self._path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, self._path, limit=_MOST_REQUEST_BYTES)
        self.ready.set()
        try:
            async with server:
                await server.serve_forever()
        finally:
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.TaskGroup() as requests:
                while line := await reader.readline():
                    requests.create_task(self._one(line, writer))
        except* (ConnectionError, ValueError):
            pass  # the client went away, or sent a line without end: its requests go with it
        finally:
            writer.close()

    async def _one(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        identity: object = None
        try:
            request = json.loads(line)
            identity = request.pop("id", None)
            answer = {"id": identity, "ok": await self._do(request)}
        except TimeoutError:
            answer = {"id": identity, "error": "It did not happen in time.", "kind": "TimeoutError"}
        except (LookupError, ValueError, OSError, TypeError, AttributeError, RuntimeError) as fault:
            answer = {"id": identity, "error": str(fault), "kind": type(fault).__name__}
        writer.write(json.dumps(answer).encode() + b"\n")
        await writer.drain()

    async def _do(self, request: dict[str, object]) -> Result:
        verb = self._verbs.get(str(request.pop("do", "")))
        if verb is None:
            raise LookupError(f"There is no such verb; there are: {', '.join(sorted(self._verbs))}.")
        inspect.signature(verb).bind(**request)
        result = verb(**request)
        return await result if inspect.isawaitable(result) else result
