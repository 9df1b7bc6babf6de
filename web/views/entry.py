"""Coming in and going out: first set-up by the one-time code, sign-in, sign-out, language and theme."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.reader import LANGUAGES, THEMES, asker, client, panel
from web.security import SESSION_COOKIE

entry = Blueprint("entry", __name__)

_YEAR_SECONDS = 365 * 24 * 3600


@entry.get("/setup")
def setup() -> str | Response:
    """The form that makes the owner."""
    if panel().is_set_up:
        return redirect(url_for("entry.login"))
    return render_template("setup.html", form={}, refusal=None)


@entry.post("/setup")
def finish_setup() -> str | Response | tuple[str, int]:
    """Make the owner, and let them in."""
    form = request.form
    if form.get("password") != form.get("password_again"):
        return render_template("setup.html", form=form, refusal=None, differ=True), 422
    try:
        opened = client().set_up(
            asker(), code=form.get("code", ""), name=form.get("name", ""), password=form.get("password", "")
        )
    except Refused as refusal:
        if refusal.status >= 500:
            raise
        return render_template("setup.html", form=form, refusal=refusal), refusal.status
    panel().is_set_up = True
    return _let_in(opened, "/start")


@entry.get("/login")
def login() -> str:
    """The sign-in form."""
    return render_template("login.html", form={}, refusal=None, next=request.args.get("next", ""))


@entry.post("/login")
def finish_login() -> str | Response | tuple[str, int]:
    """Sign in."""
    form = request.form
    try:
        opened = client().sign_in(asker(), name=form.get("name", ""), password=form.get("password", ""))
    except Refused as refusal:
        if refusal.status >= 500:
            raise
        return render_template("login.html", form=form, refusal=refusal, next=form.get("next", "")), refusal.status
    if "ticket" in opened:
        return render_template("login_code.html", ticket=opened["ticket"], refusal=None, next=form.get("next", ""))
    return _let_in(opened, own_path(form.get("next", "")))


@entry.post("/login/code")
def finish_code() -> str | Response | tuple[str, int]:
    """Sign in with the code that is asked for after the password."""
    form = request.form
    ticket = form.get("ticket", "")[:100]
    try:
        opened = client().finish_sign_in(asker(), ticket=ticket, code=form.get("code", ""))
    except Refused as refusal:
        if refusal.status >= 500 or refusal.code == "not-signed-in":
            raise
        page = render_template("login_code.html", ticket=ticket, refusal=refusal, next=form.get("next", ""))
        return page, refusal.status
    return _let_in(opened, own_path(form.get("next", "")))


@entry.post("/logout")
def logout() -> Response:
    """End the session, here and at the daemon."""
    try:
        client().sign_out(asker())
    except Refused as refusal:
        if refusal.status >= 500:
            raise
    session.clear()
    response = redirect(url_for("entry.login"))
    response.delete_cookie(SESSION_COOKIE, samesite="Lax", httponly=True)
    return response


@entry.post("/preferences")
def preferences() -> Response:
    """Keep the language or the theme for this browser."""
    response = redirect(own_path(request.form.get("next", "")))
    for name, choices in (("language", LANGUAGES), ("theme", THEMES)):
        if request.form.get(name) in choices:
            keep_for_browser(response, name, request.form[name])
    return response


def keep_for_browser(response: Response, name: str, value: str) -> None:
    """Have the browser say this with each request, for a year."""
    response.set_cookie(name, value, max_age=_YEAR_SECONDS, httponly=True, samesite="Lax", secure=_is_secure())


def own_path(wanted: str) -> str:
    """A path of this panel to go back to; anything that could lead elsewhere is the dashboard."""
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith("//") and not parts.scheme and not parts.netloc
    if not is_ours or "\\" in wanted or any(ord(character) < 33 for character in wanted):
        return "/"
    return wanted


def _let_in(opened: dict[str, Any], target: str) -> Response:
    session.clear()  # a session of before the sign-in is worth nothing after it (T-W2)
    response = redirect(target)
    response.set_cookie(
        SESSION_COOKIE,
        opened["token"],
        expires=datetime.fromisoformat(opened["expires_at"]),
        httponly=True,
        samesite="Lax",
        secure=_is_secure(),
    )
    return response


def _is_secure() -> bool:
    return bool(request.is_secure or current_app.config["SESSION_COOKIE_SECURE"])
