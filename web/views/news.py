"""The browser's event stream: which topics are out of date."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

from flask import Blueprint, Response, request

from web.live_feed import Listener, LiveFeed
from web.reader import asker, panel, snapshot

news = Blueprint("news", __name__)


@news.get("/news")
def stream() -> Response | tuple[str, int]:
    """Server-sent events: `{"topics": [...]}`; 429 when too many pages are open, then a page asks by itself."""
    snapshot()  # whoever is not signed in is turned away here
    feed = panel().feed
    connection = request.environ.get("gunicorn.socket")
    listener = Listener(asker(), is_gone=lambda: _has_hung_up(connection))
    if not feed.join(listener):
        return "", 429
    response = Response(_messages(feed, listener), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(lambda: feed.leave(listener))
    return response


def _has_hung_up(connection: object) -> bool:
    """The browser has closed its end. Where that cannot be looked at (TLS), the next write finds out."""
    if type(connection) is not socket.socket:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _messages(feed: LiveFeed, listener: Listener) -> Iterator[bytes]:
    try:
        yield b"retry: 1000\n\n"
        for topics in listener.topics():
            yield b":\n\n" if topics is None else f"data: {json.dumps({'topics': topics})}\n\n".encode()
    finally:
        feed.leave(listener)
