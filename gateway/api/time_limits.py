"""How long an answer may take to begin. What is sent piece by piece after that has the limits of its source."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.errors import TryLater

LONGEST_REQUEST_SECONDS = 30.0
LONGEST_QUESTION_SECONDS = 75.0
"""For what an operator is asked: its network answers within a minute, or not at all."""
_WITHOUT = ("/api/v1/phones/", "/api/v1/restore", "/api/v1/setup/restore", "/api/v1/contacts/import")
"""Sound that comes and goes, and files that are looked through before anything can be said of them."""
_LIMIT = web.RequestKey("time limit", asyncio.Timeout)


def limit_times(app: web.Application) -> None:
    """End what has no answer in time, by the error `try-later`; an answer that has begun is sent to its end."""
    app.middlewares.append(_time_limit)
    app.on_response_prepare.append(_has_begun)


@web.middleware
async def _time_limit(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith(_WITHOUT) or request.path.endswith("/evidence"):
        return await handler(request)
    asks_operator = request.path.endswith(("/ussd", "/balance", "/pcap", "/support-bundle"))
    try:
        async with asyncio.timeout(LONGEST_QUESTION_SECONDS if asks_operator else LONGEST_REQUEST_SECONDS) as limit:
            request[_LIMIT] = limit
            try:
                return await handler(request)
            finally:
                del request[_LIMIT]
    except TimeoutError as error:
        raise TryLater("The answer took too long.") from error


async def _has_begun(request: web.Request, _answer: web.StreamResponse) -> None:
    limit = request.get(_LIMIT)
    if limit is not None:
        limit.reschedule(None)
