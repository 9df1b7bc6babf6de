"""Blocked numbers: what blocking does, the list, one more and one less; and notices that nobody wants to see again."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.formats import phone_number
from web.gateway_client import Refused
from web.people import Directory
from web.reader import asker, client, snapshot
from web.translation import gettext
from web.undo import offer_undo, withdraw_offer
from web.views.entry import own_path

blocking = Blueprint("blocking", __name__)

DAYS = (1, 7, 30, 365)


@blocking.get("/blocked")
def page() -> str:
    """The list; with `number` in the address the form has begun."""
    return _page(request.args.get("number", "").strip()[:64])


@blocking.post("/blocked")
def block() -> Response | str | tuple[str, int]:
    """Decline calls from a number."""
    number, days = request.form.get("number", "").strip()[:64], request.form.get("days", "")
    try:
        blocked = client().block(
            asker(), number, why=request.form.get("why", "").strip()[:200],
            days=int(days) if days in map(str, DAYS) else None,
        )["number"]  # fmt: skip
    except Refused as refusal:
        if refusal.status not in (400, 422):
            raise
        return _page(number, refusal), refusal.status
    offer_undo(gettext("%(number)s is blocked.", number=_shown(blocked)), url_for("blocking.unblock"), number=blocked)
    return redirect(url_for("blocking.page"))


@blocking.post("/blocked/remove")
def unblock() -> Response:
    """Let a number through again."""
    number = request.form.get("number", "").strip()[:64]
    try:
        client().unblock(asker(), number)
    except Refused as refusal:
        if refusal.status != 404:  # somebody was quicker
            raise
    withdraw_offer()
    flash(gettext("%(number)s may call again.", number=_shown(number)))
    return redirect(url_for("blocking.page"))


@blocking.post("/undo/not-wanted")
def keep_it() -> Response:
    """What was done stays: the notice goes."""
    withdraw_offer()
    return redirect(own_path(request.form.get("next", "/")))


def _page(number: str, refusal: Refused | None = None) -> str:
    return render_template(
        "blocked.html", blocked=client().blocked(asker()), number=number, refusal=refusal, days=DAYS,
        directory=Directory(snapshot()),
    )  # fmt: skip


def _shown(number: str) -> str:
    return phone_number(number, snapshot()["shop"]["country"])
