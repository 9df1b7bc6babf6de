"""Where modems are emulated: play the customer, the courier and the front desk, and pull modems out."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.reader import asker, client, snapshot
from web.translation import gettext

playground = Blueprint("playground", __name__)

CUSTOMER = "+79031112233"
"""Who speaks to whoever answers."""
HABITS = ("answer", "no-answer", "busy", "reject", "off")
_FIELDS = ("number", "sim", "text", "keys", "modem", "call", "extension", "to", "habit")


@playground.get("/playground")
def page() -> str:
    """What there is to play with."""
    return _page()


@playground.get("/parts/playground")
def now() -> str:
    """The calls as they are at this moment: a part of the page."""
    return render_template("parts/playground.html", world=client().playground(asker()))


@playground.post("/playground/<verb>")
def play(verb: str) -> Response | tuple[str, int]:
    """Do it."""
    given = {name: request.form[name].strip() for name in _FIELDS if request.form.get(name, "").strip()}
    try:
        client().play(asker(), do=verb, **given)
    except Refused as refusal:
        if refusal.status not in (400, 404, 409):
            raise
        return _page(refusal), refusal.status
    flash(gettext("Done. See the page Live calls and the dashboard for what happens."))
    return redirect(url_for("playground.page"))


def _page(refusal: Refused | None = None) -> str:
    world = client().playground(asker())
    mobiles = [courier["mobile"] for courier in snapshot()["couriers"]]
    return render_template(
        "playground.html", world=world, snapshot=snapshot(), refusal=refusal, customer=CUSTOMER, mobiles=mobiles,
        habits=HABITS, form=request.form,
    )  # fmt: skip
