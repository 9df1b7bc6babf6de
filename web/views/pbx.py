"""The shop's PBX: where it is, which couriers are extensions there, and whether they are registered."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.own_pbx import TriedCourier, Typed, tried_there, typed
from web.reader import asker, client, snapshot
from web.seen import is_outdated
from web.translation import gettext
from web.undo import offer_shop_undo, shop_number

pbx = Blueprint("pbx", __name__)

_SAID = (400, 409, 422)


@pbx.get("/shop/pbx")
def page() -> str:
    """What there is, and the form."""
    return _page()


@pbx.post("/shop/pbx")
def take() -> Response | tuple[str, int]:
    """Keep it."""
    form = typed(request.form)
    if form.problem:
        return _page(form, problem=form.problem), 422
    if is_outdated(_seen(client().pbx(asker()))):
        return _page(form, is_old=True), 409
    was = shop_number()
    try:
        client().change_pbx(asker(), form.changes())
    except Refused as refusal:
        if refusal.status not in _SAID:
            raise
        return _page(form, refusal=refusal), refusal.status
    text = gettext("Your PBX is saved; the couriers will register with it within seconds.")
    offer_shop_undo(text, was, back=url_for("pbx.page"))
    return redirect(url_for("pbx.page"))


@pbx.post("/shop/pbx/try")
def try_it() -> str | tuple[str, int]:
    """What the PBX says; nothing is kept. Of a form that stays open only this is shown anew."""
    form = typed(request.form)
    is_part = bool(request.headers.get("HX-Request"))
    if form.problem:
        return (_part(problem=form.problem)) if is_part else (_page(form, problem=form.problem), 422)
    try:
        said = tried_there(form, client().pbx(asker()))
    except Refused as refusal:
        if refusal.status not in _SAID:
            raise
        return _part(refusal=refusal) if is_part else (_page(form, refusal=refusal), refusal.status)
    return _part(tried=said) if is_part else _page(form, tried=said)


@pbx.post("/shop/pbx/remove")
def remove() -> Response:
    """Take it away, with the passwords there."""
    was = shop_number()
    try:
        client().remove_pbx(asker())
    except Refused as refusal:
        if refusal.status != 404:
            raise
    text = gettext("The PBX has been removed, with the couriers' passwords for it.")
    offer_shop_undo(text, was, back=url_for("pbx.page"))
    return redirect(url_for("pbx.page"))


def _part(*, tried: list[TriedCourier] | None = None, refusal: Refused | None = None, problem: str = "") -> str:
    return render_template("parts/pbx_tried.html", tried=tried or [], refusal=refusal, problem=problem)


def _page(
    form: Typed | None = None,
    *,
    tried: list[TriedCourier] | None = None,
    refusal: Refused | None = None,
    problem: str = "",
    is_old: bool = False,
) -> str:
    """Without `form`: as it is kept."""
    kept = client().pbx(asker())
    values = form or typed({name: str(value) for name, value in (kept["pbx"] or {}).items()})
    return render_template(
        "pbx.html",
        kept=kept,
        form=values,
        tried=tried or [],
        refusal=refusal,
        problem=problem,
        is_old=is_old,
        seen=_seen(kept),
        snapshot=snapshot(),
    )


def _seen(kept: dict[str, Any]) -> dict[str, Any]:
    """What the form is filled from; who is registered changes without anybody."""
    return {"pbx": kept["pbx"]}
