"""A form that was sent in vain, as the session was over or the gateway away: its page has what was typed once more.

The browser alone keeps that, until the window is closed (`static/unsent.js`). A cookie tells it that it was in vain.
"""

from __future__ import annotations

from flask import current_app, request
from werkzeug.wrappers import Response

COOKIE = "unsent"
_SECONDS = 1800


def unsent(response: Response) -> Response:
    """The answer, which tells the browser that the form was not taken; to what is no form it adds nothing."""
    if request.method == "POST":
        is_secure = bool(request.is_secure or current_app.config["SESSION_COOKIE_SECURE"])
        response.set_cookie(COOKIE, "1", max_age=_SECONDS, samesite="Lax", secure=is_secure)
    return response
