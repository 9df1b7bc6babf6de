"""Setting up a phone: the addresses of its files, told once, and a QR code for an app."""

from __future__ import annotations

import segno
from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.reader import asker, client, snapshot
from web.translation import gettext

phone_setup = Blueprint("phone_setup", __name__)

PORT = "PHONE_FILES_PORT"
"""The key of the application's settings that says where phones fetch their files; None: nowhere."""


@phone_setup.get("/phones/<extension>/setup")
def page(extension: str) -> str:
    """What will be done."""
    return _page(extension)


@phone_setup.post("/phones/<extension>/setup")
def begin(extension: str) -> str:
    """Let the files be fetched, and show where."""
    port = current_app.config[PORT]
    if port is None:
        abort(404)
    opened = client().open_phone_setup(asker(), extension)
    place = f"http://{_host()}:{port}/{opened['token']}/"
    addresses = {make: place + name for make, name in opened["files"].items()}
    code = segno.make(addresses["linphone"], error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff")
    return _page(extension, place=place, addresses=addresses, code=code, until=opened["expires_at"])


@phone_setup.post("/phones/<extension>/setup/close")
def close(extension: str) -> Response:
    """Let them be fetched no more."""
    try:
        client().close_phone_setup(asker(), extension)
    except Refused as refusal:
        if refusal.status != 404:
            raise
    flash(gettext("The files of this phone can no longer be downloaded."))
    return redirect(url_for("overview.phones"))


def _page(extension: str, **told: object) -> str:
    phone = next((each for each in snapshot()["phones"] if each["extension"] == extension), None)
    if phone is None:
        abort(404)
    return render_template("phone_setup.html", phone=phone, can_serve=current_app.config[PORT] is not None, **told)


def _host() -> str:
    """The host by which the person has found us: a phone in the same network finds us by it, too."""
    host = request.host
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
