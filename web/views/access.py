"""Who may sign in and with what right: people, their sessions, tokens of programs, and one's own account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.reader import asker, client, may, snapshot
from web.translation import gettext

access = Blueprint("access", __name__)

ROLES = ("owner", "admin", "operator", "courier", "viewer")
_TOKEN_SCOPES = {"viewer": ["read"], "operator": ["read", "calls", "orders"], "admin": ["admin"]}
"""A program's token is made for what people of that role do."""
_TOKEN_DAYS = (30, 90, 365, 0)


@access.get("/access")
def page() -> str:
    """Everybody, and every token."""
    return _page()


@access.post("/access/users")
def add_user() -> str | Response | tuple[str, int]:
    """Let one more person in."""
    form = request.form
    try:
        client().add_user(asker(), name=form.get("name", ""), password=form.get("password", ""), **_role(form))
    except Refused as refusal:
        return _again(refusal, _page, form=dict(form))
    flash(gettext("%(name)s can sign in now.", name=form.get("name", "")))
    return redirect(url_for("access.page"))


@access.get("/access/users/<user_id>")
def person(user_id: str) -> str:
    """One person: role, password, and where the person is signed in."""
    return _person(user_id)


@access.post("/access/users/<user_id>/role")
def change_role(user_id: str) -> str | Response | tuple[str, int]:
    """Another role."""
    return _done(user_id, lambda: client().change_user(asker(), user_id, **_role(request.form)))


@access.post("/access/users/<user_id>/password")
def set_password(user_id: str) -> str | Response | tuple[str, int]:
    """Another password, which signs the person out."""
    return _done(user_id, lambda: client().set_password(asker(), user_id, request.form.get("password", "")))


@access.post("/access/users/<user_id>/sessions/<session_id>/end")
def end_session(user_id: str, session_id: str) -> str | Response | tuple[str, int]:
    """Sign the person out there."""
    return _done(user_id, lambda: client().end_session_of(asker(), user_id, session_id))


@access.post("/access/users/<user_id>/tokens/<token_id>/revoke")
def revoke_token_of(user_id: str, token_id: str) -> str | Response | tuple[str, int]:
    """End a token that the person has made."""
    return _done(user_id, lambda: client().revoke_token_of(asker(), user_id, token_id))


@access.get("/access/everywhere")
def everywhere() -> str:
    """Where everybody is signed in, and every token."""
    held = [
        {
            "user": user,
            "sessions": client().sessions_of(asker(), user["id"]),
            "tokens": client().tokens_of(asker(), user["id"]),
        }
        for user in client().users(asker())
    ]
    return render_template("everywhere.html", held=held)


@access.post("/access/users/<user_id>/remove")
def remove(user_id: str) -> str | Response | tuple[str, int]:
    """Let the person in no more."""
    try:
        client().remove_user(asker(), user_id)
    except Refused as refusal:
        return _again(refusal, _person, user_id=user_id)
    flash(gettext("That person can no longer sign in."))
    return redirect(url_for("access.page"))


@access.post("/access/tokens")
def make_token() -> str | tuple[str, int]:
    """A token, shown once."""
    form = request.form
    days = int(form.get("days", "90")) if form.get("days", "90") in map(str, _TOKEN_DAYS) else 90
    until = (datetime.now(UTC) + timedelta(days=days)).isoformat() if days else None
    scopes = _TOKEN_SCOPES.get(form.get("role", ""), ["read"])
    try:
        made = client().make_token(asker(), name=form.get("name", ""), scopes=scopes, expires_at=until)
    except Refused as refusal:
        return _again(refusal, _page)
    return _page(token=made)


@access.post("/access/tokens/<token_id>/revoke")
def revoke_token(token_id: str) -> Response:
    """End a token."""
    try:
        client().revoke_token(asker(), token_id)
    except Refused as refusal:
        if refusal.status != 404:
            raise
    flash(gettext("The token no longer works."))
    return redirect(url_for("access.page"))


@access.get("/account")
def account() -> str:
    """One's own password and sessions."""
    return _account()


@access.post("/account/password")
def own_password() -> str | Response | tuple[str, int]:
    """Another password for oneself."""
    form = request.form
    try:
        client().set_own_password(asker(), old=form.get("old", ""), new=form.get("new", ""))
    except Refused as refusal:
        return _again(refusal, _account)
    session.clear()
    flash(gettext("The password has been changed; everywhere else you have been signed out."))
    return redirect(url_for("access.account"))


@access.post("/account/sessions/<session_id>/end")
def end_own_session(session_id: str) -> Response:
    """Sign oneself out somewhere else."""
    try:
        client().end_session(asker(), session_id)
    except Refused as refusal:
        if refusal.status != 404:
            raise
    return redirect(url_for("access.account"))


def _page(**more: Any) -> str:
    values = {"refusal": None, "form": {}, "token": None, **more}
    return render_template(
        "access.html", users=client().users(asker()), tokens=client().tokens(asker()), roles=ROLES,
        token_roles=tuple(_TOKEN_SCOPES), token_days=_TOKEN_DAYS, snapshot=snapshot(),
        needed_by=client().second_step_roles(asker()), is_owner=client().me(asker())["role"] == "owner", **values,
    )  # fmt: skip


def _person(user_id: str, refusal: Refused | None = None) -> str:
    user = next((each for each in client().users(asker()) if each["id"] == user_id), None)
    if user is None:
        abort(404)
    sessions, tokens = client().sessions_of(asker(), user_id), client().tokens_of(asker(), user_id)
    return render_template(
        "person.html", user=user, sessions=sessions, tokens=tokens, roles=ROLES, refusal=refusal, snapshot=snapshot()
    )


def _account(refusal: Refused | None = None) -> str:
    phones = snapshot()["phones"] if may("calls") else []
    return render_template(
        "account.html", me=client().me(asker()), sessions=client().sessions(asker()), phones=phones, refusal=refusal,
        step=client().own_second_step(asker()),
    )  # fmt: skip


def _role(form: Any) -> dict[str, Any]:
    role = form.get("role", "")
    if role == "courier" and not form.get("courier"):
        raise Refused(422, {"title": gettext("Choose which courier this person is.")})
    return {"role": role, "courier": form.get("courier") or None if role == "courier" else None}


def _done(user_id: str, verb: Callable[[], None]) -> str | Response | tuple[str, int]:
    try:
        verb()
    except Refused as refusal:
        return _again(refusal, _person, user_id=user_id)
    flash(gettext("Done."))
    if request.form.get("back") == "everywhere":
        return redirect(url_for("access.everywhere"))
    return redirect(url_for("access.person", user_id=user_id))


def _again(refusal: Refused, show: Callable[..., str], **given: Any) -> tuple[str, int]:
    """The page once more, with the reason; what only the error page can say is left to it."""
    if refusal.status >= 500 or refusal.code in ("not-signed-in", "forbidden", "not-found"):
        raise refusal
    return show(refusal=refusal, **given), refusal.status
