"""What is slow (lists, recordings, waveforms) is passed through to the worker process, piece by piece."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
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

    async def pass_on(
        self,
        request: web.Request,
        *,
        with_body: bool = False,
        also: tuple[str, ...] = (),
        silence_seconds: float = _SILENCE_SECONDS,
    ) -> web.StreamResponse:
        """Ask the worker the same question and pass its answer back. Raises WorkerAway.

        With its body, of whatever size, where that is asked for, and the headers `also`. The worker may be silent for
        `silence_seconds`.
        """
        if self._session is None:
            raise WorkerAway("The relay is not open.")
        passed_on = (*_PASSED_ON, "Content-Type", *also) if with_body else _PASSED_ON
        headers = {name: request.headers[name] for name in passed_on if name in request.headers}
        body = request.content if with_body and request.can_read_body else None
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=silence_seconds)
        try:
            async with self._session.request(
                request.method,
                f"http://worker{request.raw_path}",
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=timeout,
            ) as answer:
                return await _copy(request, answer)
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            log.debug("The worker does not answer: %s", error)
            raise WorkerAway("The worker does not answer.") from error

    async def answer_to(
        self, request: web.Request, path: str, *, silence_seconds: float = _SILENCE_SECONDS
    ) -> web.Response:
        """What the worker says to the request's body, of whatever size, at another path. Raises WorkerAway."""
        if self._session is None:
            raise WorkerAway("The relay is not open.")
        headers = {
            name: request.headers[name] for name in ("Accept-Language", "Content-Type") if name in request.headers
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=silence_seconds)
        body = request.content if request.can_read_body else None
        try:
            async with self._session.post(
                f"http://worker{path}", headers=headers, data=body, timeout=timeout
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            log.debug("The worker does not answer: %s", error)
            raise WorkerAway("The worker does not answer.") from error
        return web.Response(status=answer.status, body=content, headers={"Content-Type": answer.content_type})


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
