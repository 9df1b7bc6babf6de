"""HTTP POST to servers outside, for what is delivered there: few connections, short patience, no redirections."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import aiohttp

from gateway.errors import TryLater
from gateway.messaging.alert_news import Answer

PATIENCE_SECONDS = 20.0
_MOST_CONNECTIONS = 4
_MOST_BYTES = 16 * 1024


class HttpPoster:
    """`async with HttpPoster() as poster`: `poster.post` is a Post."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Nothing is connected before the first delivery."""
        connector = aiohttp.TCPConnector(limit=_MOST_CONNECTIONS, keepalive_timeout=5.0)
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._stack.aclose()

    async def post(self, address: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """See Post."""
        if self._session is None:
            raise TryLater("The way outside is not open.")
        try:
            async with self._session.post(address, data=body, headers=headers, allow_redirects=False) as answer:
                return Answer(
                    answer.status, await answer.content.read(_MOST_BYTES), answer.headers.get("Retry-After", "")
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            # The fault's own words may hold the address, and that a token.
            raise TryLater(f"The server cannot be reached ({type(fault).__name__}).") from None
