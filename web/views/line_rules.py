"""The rules of a line: how much it may be used, how loud it is, its messages and its money."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.reader import asker, client, snapshot
from web.seen import is_outdated
from web.told import whole
from web.translation import gettext
from web.undo import offer_shop_undo, shop_number

line_rules = Blueprint("line_rules", __name__)

_WORDS = (
    "number", "kind", "queue", "operator", "contract", "holder", "employee", "from_mobile", "to_mobile", "keys",
    "balance_code", "balance_pattern",
)  # fmt: skip
_COUNTS = ("minutes_per_day", "minutes_per_month", "money_per_month", "sms_per_minute", "sms_per_day", "low_balance")
_LISTS = ("rings", "texts")
_SWITCHES = ("evens_out", "reduces_noise", "cancels_echo", "hide_number", "asks_extension", "roaming")


@line_rules.get("/lines/<line>/rules")
def form(line: str) -> str:
    """The rules as they are."""
    return _page(line)


@line_rules.post("/lines/<line>/rules")
def take(line: str) -> Response | tuple[str, int]:
    """Other rules; what the form leaves empty is as if it had never been set."""
    rules = _told()
    if is_outdated(client().line_rules(asker(), line)):
        return _page(line, rules, is_old=True), 409
    was = shop_number()
    try:
        client().change_line(asker(), line, rules | accepted())
    except Refused as refusal:
        if refusal.status not in (400, 422):
            raise
        return _page(line, rules, refusal), refusal.status
    text = gettext("The rules of line %(line)s have been changed.", line=line)
    offer_shop_undo(text, was, back=url_for("line_rules.form", line=line))
    return redirect(url_for("overview.lines"))


def accepted() -> dict[str, bool]:
    """What a form says beside the values: that callers are meant to be asked for digits before anybody rings."""
    return {"accepts_menu_first": True} if "accepts_menu_first" in request.form else {}


def _told() -> dict[str, Any]:
    told = {name: value.strip() for name, value in request.form.items()}
    rules: dict[str, Any] = {name: told.get(name) or None for name in _WORDS}
    rules |= {name: whole(told.get(name, "")) for name in _COUNTS}
    rules |= {name: told.get(name, "").replace(",", " ").split() for name in _LISTS}
    return rules | {name: name in told for name in _SWITCHES}


def _page(
    line: str, rules: dict[str, Any] | None = None, refusal: Refused | None = None, *, is_old: bool = False
) -> str:
    kept = client().line_rules(asker(), line)
    return render_template(
        "line_rules.html", line=line, rules=rules or kept, refusal=refusal, is_old=is_old, kept=kept,
        snapshot=snapshot(),
    )  # fmt: skip
