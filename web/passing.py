"""Downloads that come from the daemon and go to a browser, piece by piece: some are larger than our memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack

from flask import Response


def passed_on(download: AbstractContextManager[tuple[Mapping[str, str], Iterator[bytes]]]) -> Response:
    """A response of its pieces, under its name; it is let go of when the browser has it, or is gone."""
    with ExitStack() as stack:
        headers, pieces = stack.enter_context(download)
        kept_open = stack.pop_all()

    def send() -> Iterator[bytes]:
        with kept_open:
            yield from pieces

    response = Response(send(), content_type=headers["Content-Type"], direct_passthrough=True)
    response.call_on_close(kept_open.close)
    for name in ("Content-Disposition", "Content-Length"):
        if name in headers:
            response.headers[name] = headers[name]
    return response
