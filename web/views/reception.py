"""The reception: promised call-backs for everybody, and for the owner its rules with their line of time."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.notices import flash_not_done
from web.reader import asker, client, snapshot
from web.seen import is_outdated
from web.told import whole
from web.translation import gettext
from web.undo import offer_shop_undo, shop_number

reception = Blueprint("reception", __name__)

_COUNTS = (
    "quiet_rings", "greeting_seconds", "music_rings", "repeat_seconds", "patience_minutes", "call_back_tries",
    "call_back_gap_minutes", "call_back_hours", "night_seconds",
)  # fmt: skip
_WORDS = ("call_back_first", "night_to")
_SWITCHES = ("on", "offers_call_back", "night_hours", "night_confirms", "night_message")


@reception.get("/reception")
def page() -> str:
    """What callers go through, and who waits to be called back."""
    return _page()


@reception.post("/reception")
def take() -> str | Response | tuple[str, int]:
    """Other rules; a number that is left empty is as if it had never been set."""
    told = {name: value.strip() for name, value in request.form.items()}
    rules: dict[str, Any] = {name: whole(told.get(name, "")) for name in _COUNTS}
    rules |= {name: told.get(name, "") for name in _WORDS} | {name: name in told for name in _SWITCHES}
    if is_outdated(client().reception(asker())["rules"]):
        return _page(rules, is_old=True), 409
    was = shop_number()
    try:
        client().change_reception(asker(), rules)
    except Refused as refusal:
        if refusal.status not in (400, 422):
            raise
        return _page(rules, refusal), refusal.status
    offer_shop_undo(gettext("These rules apply from the next caller on."), was, back=url_for("reception.page"))
    return redirect(url_for("reception.page"))


@reception.post("/reception/call-backs/<promise_id>/cancel")
def cancel(promise_id: str) -> Response:
    """The customer is not called."""
    try:
        client().cancel_call_back(asker(), promise_id)
    except Refused as refusal:
        if refusal.status != 404:
            raise
        flash_not_done(gettext("That call-back is no longer waiting."))
    else:
        flash(gettext("The customer is not called back."))
    return redirect(url_for("reception.page"))


def _page(rules: dict[str, Any] | None = None, refusal: Refused | None = None, *, is_old: bool = False) -> str:
    shown = client().reception(asker())
    return render_template(
        "reception.html", rules=rules or shown["rules"], phases=shown["phases"], advice=shown["advice"],
        call_backs=client().call_backs(asker()), refusal=refusal, snapshot=snapshot(),
        is_old=is_old, kept=shown["rules"],
    )  # fmt: skip
