"""Wrong passwords: addresses that are shut out, phones that are guessed at, failed sign-ins; and how that is ended."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.reader import asker, client, snapshot
from web.translation import gettext

wrong_passwords = Blueprint("wrong_passwords", __name__)


@wrong_passwords.get("/access/wrong-passwords")
def page() -> str:
    """What the gateway remembers of them."""
    found = client().wrong_passwords(asker())
    names = {each["extension"]: each["name"] for each in snapshot()["phones"]}
    return render_template("wrong_passwords.html", found=found, names=names)


@wrong_passwords.post("/access/wrong-passwords/bans/<host>/lift")
def lift(host: str) -> Response:
    """Hear an address again."""
    return _done(
        lambda: client().lift_ban(asker(), host),
        gettext("%(address)s is heard again.", address=host),
        gettext("%(address)s was no longer blocked.", address=host),
    )


@wrong_passwords.post("/access/wrong-passwords/phones/<extension>/open")
def open_phone(extension: str) -> Response:
    """Let a phone sign in from anywhere again."""
    return _done(
        lambda: client().open_phone(asker(), extension),
        gettext("Phone %(extension)s can sign in from any address again.", extension=extension),
        gettext("Phone %(extension)s could sign in from any address already.", extension=extension),
    )


def _done(verb: Callable[[], None], said: str, said_when_too_late: str) -> Response:
    try:
        verb()
    except Refused as refusal:
        if refusal.status != 404:
            raise
        said = said_when_too_late
    flash(said)
    return redirect(url_for("wrong_passwords.page"))
