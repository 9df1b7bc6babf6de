"""The second step at sign-in: setting it up on a phone, spare codes, switching it off, and who needs it."""

from __future__ import annotations

import segno
from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.reader import asker, client
from web.translation import gettext

second_step = Blueprint("second_step", __name__)

Page = str | Response | tuple[str, int]


@second_step.get("/account/second-step")
def page() -> str:
    """How it stands."""
    return _page()


@second_step.post("/account/second-step")
def begin() -> Page:
    """Show the secret to the phone."""
    try:
        offered = client().offer_second_step(asker(), request.form.get("password", ""))
    except Refused as refusal:
        return _again(refusal)
    return _page(offered=offered, picture=_picture(offered["uri"]))


@second_step.post("/account/second-step/confirm")
def confirm() -> Page:
    """Switch it on with the first code of the phone."""
    offered = {name: request.form.get(name, "")[:400] for name in ("secret", "uri")}
    try:
        codes = client().confirm_second_step(asker(), request.form.get("code", ""))
    except Refused as refusal:
        # The picture once more, from the form itself: the secret is kept nowhere in the panel.
        return _again(refusal, offered=offered, picture=_picture(offered["uri"]))
    return _page(codes=codes)


@second_step.post("/account/second-step/codes")
def renew() -> Page:
    """Other spare codes."""
    try:
        codes = client().renew_recovery_codes(asker(), request.form.get("password", ""))
    except Refused as refusal:
        return _again(refusal)
    return _page(codes=codes)


@second_step.post("/account/second-step/off")
def end() -> Page:
    """Be asked for no code any more."""
    try:
        client().end_second_step(asker(), request.form.get("password", ""))
    except Refused as refusal:
        return _again(refusal)
    flash(gettext("You now sign in with your password alone."))
    return redirect(url_for("second_step.page"))


@second_step.post("/access/users/<user_id>/second-step/off")
def end_of(user_id: str) -> Response:
    """Ask a person for no code any more, who has lost the phone."""
    client().end_second_step_of(asker(), user_id)
    flash(gettext("That person now signs in with the password alone."))
    return redirect(url_for("access.person", user_id=user_id))


@second_step.post("/access/second-step")
def require() -> Response:
    """Say which roles need it."""
    client().require_second_step(asker(), request.form.getlist("roles"))
    flash(gettext("Done."))
    return redirect(url_for("access.page"))


def _page(refusal: Refused | None = None, **told: object) -> str:
    values = {"offered": None, "picture": None, "codes": None, **told}
    return render_template("second_step.html", state=client().own_second_step(asker()), refusal=refusal, **values)


def _again(refusal: Refused, **told: object) -> tuple[str, int]:
    """The page once more, with the reason; what only the error page can say is left to it."""
    if refusal.status >= 500 or refusal.code in ("not-signed-in", "forbidden"):
        raise refusal
    return _page(refusal, **told), refusal.status


def _picture(uri: str) -> str:
    return str(segno.make(uri, error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff"))
