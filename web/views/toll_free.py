"""The guard of toll-free numbers: what today has cost, who is blocked, and the rules."""

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

toll_free = Blueprint("toll_free", __name__)

_COUNTS = (
    "daily_budget", "caller_per_hour", "prefix_per_minute", "number_per_minute", "number_at_once", "short_seconds",
    "short_calls", "block_hours",
)  # fmt: skip
_WORDS = ("per_minute", "when_spent", "forward_to")


@toll_free.get("/shop/toll-free")
def page() -> str:
    """How it stands, and the rules as they are."""
    return _page()


@toll_free.post("/shop/toll-free")
def take() -> Response | tuple[str, int]:
    """Other rules; what the form leaves empty is as if it had never been set."""
    told = {name: value.strip() for name, value in request.form.items()}
    rules: dict[str, Any] = {name: whole(told.get(name, "")) for name in _COUNTS}
    rules |= {name: told.get(name) or None for name in _WORDS} | {"bills_ringing": "bills_ringing" in told}
    if is_outdated(client().toll_free(asker())["rules"]):
        return _page(rules, is_old=True), 409
    was = shop_number()
    try:
        client().change_toll_free(asker(), rules)
    except Refused as refusal:
        if refusal.status not in (400, 422):
            raise
        return _page(rules, refusal), refusal.status
    offer_shop_undo(gettext("Saved. The next call is checked by these rules."), was, back=url_for("toll_free.page"))
    return redirect(url_for("toll_free.page"))


@toll_free.post("/shop/toll-free/blocks/<caller>/lift")
def lift(caller: str) -> Response:
    """The caller is let through again."""
    try:
        client().lift_block(asker(), caller)
    except Refused as refusal:
        if refusal.status != 404:
            raise
        flash_not_done(gettext("That caller is no longer blocked."))
    else:
        flash(gettext("The block is lifted."))
    return redirect(url_for("toll_free.page"))


def _page(rules: dict[str, Any] | None = None, refusal: Refused | None = None, *, is_old: bool = False) -> str:
    guard = client().toll_free(asker())
    return render_template(
        "toll_free.html", guard=guard, rules=rules or guard["rules"], refusal=refusal, is_old=is_old,
        kept=guard["rules"], snapshot=snapshot(),
    )  # fmt: skip
