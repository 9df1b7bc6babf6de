"""A phone in the browser: its page, and its messages from and to the daemon."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPException

from flask import Blueprint, Response, abort, render_template, request
from flask_wtf.csrf import generate_csrf

from web.own_phone import own_phone
from web.reader import asker, client, may, snapshot

browser_phone = Blueprint("browser_phone", __name__)

MOST_PHONES = 8
"""Each holds a thread."""
_LONGEST_MESSAGE = 65_535
_room = threading.BoundedSemaphore(MOST_PHONES)


@browser_phone.get("/phone")
def page() -> str:
    """The phone. It is one as soon as the person says so."""
    if not may("calls"):
        abort(403)
    return render_template("browser_phone.html", phones=snapshot()["phones"], own=own_phone())


@browser_phone.get("/phone/messages")
def messages() -> Response | tuple[str, int]:
    """Server-sent events: what the daemon says to the phone; 429 when too many browsers are phones.

    HEAD tells a phone why it has no stream: nobody is signed in, or there are too many.
    The form's token for what the phone sends comes first: a window that is left open outlives the panel that made it.
    """
    snapshot()  # whoever is not signed in is turned away here
    if not _room.acquire(blocking=False):
        return "", 429
    if request.method == "HEAD":
        _room.release()
        return "", 204
    stack = ExitStack()
    stack.callback(_room.release)
    with stack:
        lines = stack.enter_context(client().phone_messages(asker(), request.args.get("extension", "")))
        kept = stack.pop_all()
    response = Response(_pieces(generate_csrf(), lines), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(kept.close)
    return response


def _pieces(token: str, lines: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield f"data: {json.dumps({'token': token})}\n\n".encode()
        yield from lines
    except (OSError, HTTPException):
        return  # the daemon is gone, or says nothing any more: the browser opens the next one


@browser_phone.post("/phone/messages/<tunnel>")
def send(tunnel: str) -> tuple[str, int]:
    """One SIP message of the browser's."""
    message = request.get_data(cache=False, as_text=True)
    if not message or len(message) > _LONGEST_MESSAGE:
        abort(400)
    client().send_from_phone(asker(), tunnel, message)
    return "", 204
