"""What is slow (lists, recordings, waveforms) is passed through to the worker process, piece by piece."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from gateway.api.problems import WorkerAway

log = logging.getLogger(__name__)

_PASSED_ON = ("Accept-Language", "If-None-Match", "If-Range", "Range")
_PASSED_BACK = (
    "Accept-Ranges", "Allow", "Cache-Control", "Content-Disposition", "Content-Language", "Content-Length",
    "Content-Range", "Content-Type", "ETag", "Last-Modified", "X-Content-Type-Options",
)  # fmt: skip
_PIECE_BYTES = 64 * 1024
_CONNECT_SECONDS = 2.0
_SILENCE_SECONDS = 30.0


class Relay:
    """The way to the worker's Unix socket, with at most `connections` requests at a time."""

    def __init__(self, socket: Path, *, connections: int = 16) -> None:
        self._socket = socket
        self._connections = connections
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Ready; nothing is connected before the first request."""
        connector = aiohttp.UnixConnector(path=str(self._socket), limit=self._connections)
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, auto_decompress=False)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._stack.aclose()

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        """Ask the worker the same question, which has no body, and pass its answer back. Raises WorkerAway."""
        try:
            async with self._asked(request, request.raw_path, _PASSED_ON, _SILENCE_SECONDS, body=None) as answer:
                return await _copy(request, answer)
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            raise _away(error) from error

    async def pass_on_to(self, request: web.Request, path: str, content: object) -> web.StreamResponse:
        """POST `content` to the worker as JSON, and pass its answer back piece by piece. Raises WorkerAway."""
        body = json.dumps(content).encode()
        try:
            async with self._asked(request, path, _PASSED_ON, _SILENCE_SECONDS, body=body, method="POST") as answer:
                return await _copy(request, answer)
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            raise _away(error) from error

    async def answer_to(
        self,
        request: web.Request,
        path: str | None = None,
        *,
        also: tuple[str, ...] = (),
        silence_seconds: float = _SILENCE_SECONDS,
    ) -> web.Response:
        """What the worker says to the request's body, of whatever size, at `path` or the same. Raises WorkerAway.

        It is all here before any of it is passed back, so that what follows from it is done when it is seen. The
        headers `also` are passed on; the worker may be silent for `silence_seconds`.
        """
        passed_on = ("Accept-Language", "Content-Type", *also)
        body = request.content if request.can_read_body else None
        try:
            async with self._asked(request, path or request.raw_path, passed_on, silence_seconds, body=body) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _away(error) from error
        headers = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
        headers.pop("Content-Length", None)
        return web.Response(status=answer.status, body=content, headers=headers)

    def _asked(
        self,
        request: web.Request,
        path: str,
        passed_on: tuple[str, ...],
        silence_seconds: float,
        *,
        body: aiohttp.StreamReader | bytes | None,
        method: str | None = None,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        if self._session is None:
            raise WorkerAway("The relay is not open.")
        return self._session.request(
            method or request.method,
            f"http://worker{path}",
            headers={name: request.headers[name] for name in passed_on if name in request.headers},
            data=body,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=silence_seconds),
        )


def _away(error: Exception) -> WorkerAway:
    log.debug("The worker does not answer: %s", error)
    return WorkerAway("The worker does not answer.")


async def _copy(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status)
    for name in _PASSED_BACK:
        if name in answer.headers:
            response.headers[name] = answer.headers[name]
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        async for piece in answer.content.iter_chunked(_PIECE_BYTES):
            await response.write(piece)
        await response.write_eof()
    except ConnectionResetError:
        log.debug("The listener of %s is gone.", request.path)
    except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError) as error:
        # The head is on its way already: all we can do is not to end the body properly.
        log.info("The worker broke off the answer to %s: %s", request.path, error)
        if request.transport is not None:
            request.transport.abort()
    return response
