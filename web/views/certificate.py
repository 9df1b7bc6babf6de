"""The panel's certificate: what browsers are shown, and an owner's own in its place."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.own_certificate import KeyDoesNotFit, PanelCertificate, certificates_in, check_pair, key_in
from web.reader import asker, client
from web.security import is_one_of
from web.translation import gettext

certificate = Blueprint("certificate", __name__)

CERTIFICATE = "PANEL_CERTIFICATE"
"""Where the application keeps what it is served with."""
_LARGEST_FILE_BYTES = 64 * 1024


@certificate.get("/system/certificate")
def page() -> str:
    """What is shown now, and the form for another."""
    return _page()


@certificate.post("/system/certificate")
def take() -> Response | tuple[str, int]:
    """Show the one that is sent, if it is good."""
    panel = _changeable()
    chain, key = _sent("certificate"), _sent("key")
    given, secret = certificates_in(chain), key_in(key) or key_in(chain)
    try:
        read = client().read_certificate(asker(), given or "-")
        if not secret:
            return _page(problem=gettext("There is no private key in these files.")), 422
        check_pair(given, secret)
        host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
        if not is_one_of(host.strip("[]"), frozenset(read["names"])) and not request.form.get("sure"):
            return _page(unlike=read, host=host), 422
        client().keep_certificate(asker(), given)
        panel.keep(given, secret, read["names"])
    except Refused as refusal:
        if refusal.status != 422 and refusal.code != "owners-only":
            raise
        return _page(refusal=refusal), refusal.status
    except KeyDoesNotFit:
        return _page(problem=gettext("Certificate and key do not belong together, or the key has a passphrase.")), 422
    except OSError as fault:
        return _page(problem=gettext("The files could not be saved: %(reason)s", reason=str(fault))), 500
    flash(gettext("Browsers now get the new certificate. Reload the page to see it."))
    return redirect(url_for("certificate.page"))


@certificate.post("/system/certificate/forget")
def forget() -> Response | tuple[str, int]:
    """Show one of our own making again."""
    panel = _changeable()
    try:
        client().forget_certificate(asker())
    except Refused as refusal:
        if refusal.code != "owners-only":
            raise
        return _page(refusal=refusal), refusal.status
    panel.forget()
    flash(gettext("Browsers again get the certificate made here."))
    return redirect(url_for("certificate.page"))


def _panel() -> PanelCertificate | None:
    found: PanelCertificate | None = current_app.config[CERTIFICATE]
    return found


def _changeable() -> PanelCertificate:
    panel = _panel()
    if panel is None or panel.directory is None:
        abort(409)
    return panel


def _sent(name: str) -> str:
    """A file as text; what is too large or no text holds nothing that we look for."""
    file = request.files.get(name)
    return file.read(_LARGEST_FILE_BYTES).decode("ascii", errors="replace") if file is not None else ""


def _page(**told: Any) -> str:
    panel, shown = _panel(), None
    is_owner = client().me(asker())["role"] == "owner"
    if panel is not None and (pem := panel.shown()):
        try:
            shown = client().read_certificate(asker(), pem)
        except Refused as refusal:
            if refusal.status not in (422, 503):
                raise
    values = {"refusal": None, "problem": None, "unlike": None, "host": "", **told}
    return render_template("certificate.html", panel=panel, shown=shown, is_owner=is_owner, **values)
