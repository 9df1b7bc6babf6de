"""The sound of a recording, passed through to a browser piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import TypeAlias

from flask import Response, request

Opened: TypeAlias = AbstractContextManager[tuple[int, Mapping[str, str], Iterator[bytes]]]

_PASSED_ON = ("Range", "If-Range", "If-None-Match")
_PASSED_BACK = (
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Accept-Ranges",
    "ETag",
    "X-Content-Type-Options",
    "Content-Disposition",
)


def pass_through(opened: Callable[[Mapping[str, str]], Opened], *, is_download: bool) -> Response:
    """What the gateway answers to the browser's headers; `opened` asks it."""
    wanted = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    with ExitStack() as stack:
        status, headers, pieces = stack.enter_context(opened(wanted))
        kept_open = stack.pop_all()

    def send() -> Iterator[bytes]:
        with kept_open:
            yield from pieces

    response = Response(send(), status=status, direct_passthrough=True)
    response.call_on_close(kept_open.close)
    for name in _PASSED_BACK:
        if name in headers:
            response.headers[name] = headers[name]
    if is_download:
        named = response.headers.get("Content-Disposition", "inline")
        response.headers["Content-Disposition"] = named.replace("inline", "attachment", 1)
    return response
