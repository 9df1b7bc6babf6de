"""A backup comes back: in place of an owner's account at the first set-up, or in the place of everything there is."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.reader import asker, client, panel
from web.security import SESSION_COOKIE

restoring = Blueprint("restoring", __name__)

LARGEST_BACKUP_BYTES = 8 * 1024**3
"""With recordings; what is larger is restored by the command."""

Page = str | Response | tuple[str, int]


@restoring.get("/setup/restore")
def at_setup() -> str | Response:
    """The form that begins with a backup."""
    if panel().is_set_up:
        return redirect(url_for("entry.login"))
    return render_template("setup_restore.html", form={}, refusal=None)


@restoring.post("/setup/restore")
def take_at_setup() -> Page:
    """Have a backup put in place of nothing."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return render_template("setup_restore.html", form=request.form, refusal=None, nothing=True), 422
    try:
        found = client().restore_at_setup(
            asker(), sent.stream, code=request.form.get("code", ""), passphrase=request.form.get("passphrase", "")
        )
    except Refused as refusal:
        if refusal.status >= 500 and refusal.code != "worker-away":
            raise
        return render_template("setup_restore.html", form=request.form, refusal=refusal), refusal.status
    return _under_way(found)


@restoring.get("/restore")
def form() -> str:
    """The form that puts a backup in the place of everything."""
    return render_template("restore.html", refusal=None)


@restoring.post("/restore")
def take() -> Page:
    """Do it."""
    sent = request.files.get("file")
    if sent is None or not sent.filename or not request.form.get("sure"):
        return render_template("restore.html", refusal=None, nothing=True), 422
    try:
        found = client().restore(asker(), sent.stream, passphrase=request.form.get("passphrase", ""))
    except Refused as refusal:
        if refusal.status not in (403, 422, 503) or refusal.code == "forbidden":
            raise
        return render_template("restore.html", refusal=refusal), refusal.status
    return _under_way(found)


def _under_way(found: dict[str, Any]) -> Response:
    """The users are those of the backup from now on, so nobody is signed in."""
    response = Response(render_template("restored.html", found=found), mimetype="text/html")
    response.delete_cookie(SESSION_COOKIE, samesite="Lax", httponly=True)
    return response
