"""Click to call: the person's own phone rings, then whoever stands beside the button is called."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.notices import flash_not_done
from web.own_phone import COOKIE, own_phone
from web.reader import asker, client
from web.translation import gettext
from web.views.entry import keep_for_browser, own_path

calling = Blueprint("calling", __name__)


@calling.post("/calling")
def place() -> Response:
    """Have the own phone rung, and then that number."""
    to, extension = request.form.get("to", ""), own_phone()
    try:
        client().connect_two(asker(), extension=extension, to=to, key=request.form.get("key", ""))
    except Refused as refusal:
        if refusal.status >= 500 and refusal.code != "no-free-line":
            raise
        flash_not_done(" ".join(text for text in (refusal.title, refusal.advice) if text))
    else:
        flash(
            gettext(
                "Your phone %(extension)s is ringing. Pick it up, and %(to)s is called.", extension=extension, to=to
            )
        )
    return redirect(own_path(request.form.get("next", "/")))


@calling.post("/account/phone")
def choose() -> Response:
    """Which phone stands beside this browser; none: no buttons to call with."""
    response = redirect(url_for("access.account"))
    keep_for_browser(response, COOKIE, request.form.get("phone", "")[:16])
    flash(gettext("Saved for this browser."))
    return response
