"""The status of orders by telephone: its number, the shop's own program, the words of the stages, and a test."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from web.gateway_client import Refused
from web.reader import asker, client, snapshot
from web.seen import is_outdated
from web.told import whole
from web.translation import gettext
from web.undo import offer_shop_undo, shop_number
from web.views.ordering import STAGES

order_status = Blueprint("order_status", __name__)

_PATHS = ("stage", "phone", "delivery_on", "delivery_from", "delivery_to")
_LONGEST_NUMBER = 32
_MORE_ROWS = 3
"""Empty rows below those that are filled."""


@order_status.get("/order-status")
def page() -> str:
    """The rules, and forms for others."""
    return _page()


@order_status.post("/order-status")
def take() -> str | AnyResponse | tuple[str, int]:
    """Other rules, all of them; a secret that is left empty is kept."""
    rules = _told()
    if is_outdated(client().order_status(asker())):
        return _page(rules=rules, is_old=True), 409
    was = shop_number()
    try:
        client().change_order_status(asker(), rules)
    except Refused as refusal:
        if refusal.status not in (400, 422):
            raise
        return _page(rules=rules, refusal=refusal), refusal.status
    offer_shop_undo(
        gettext("Saved. The next caller is answered by these rules."), was, back=url_for("order_status.page")
    )
    return redirect(url_for("order_status.page"))


@order_status.post("/order-status/test")
def test() -> str | tuple[str, int]:
    """Look an order up as for a caller."""
    number = request.form.get("number", "").strip()[:_LONGEST_NUMBER]
    try:
        tried = client().try_order_status(asker(), number)
    except Refused as refusal:
        if refusal.status not in (400, 422):
            raise
        return _page(number=number, refusal=refusal), refusal.status
    return _page(number=number, tried=tried)


@order_status.get("/order-status/phrase/<key>.wav")
def sound(key: str) -> Response:
    """What a caller would hear: prompts by their keys, with commas between."""
    return Response(client().order_status_phrase(asker(), key[:1000]), mimetype="audio/wav")


def _told() -> dict[str, Any]:
    form = request.form
    words = zip(form.getlist("word"), form.getlist("means"), strict=False)
    headers = zip(form.getlist("header"), form.getlist("secret"), strict=False)
    return {
        "order_status": {
            "extension": form.get("extension", "").strip(), "ways": form.getlist("ways"),
            "tries": whole(form.get("tries", "")),
        },
        "order_source": {
            "url": form.get("url", "").strip(), "private": "private" in form,
            **{name: form.get(f"path_{name}", "").strip() for name in _PATHS},
        },
        "order_headers": [
            {"name": name.strip(), "secret": secret.strip() or None} for name, secret in headers if name.strip()
        ],
        "order_words": [{"word": word.strip(), "stage": stage} for word, stage in words if word.strip()],
    }  # fmt: skip


def _page(
    *,
    rules: dict[str, Any] | None = None,
    refusal: Refused | None = None,
    number: str = "",
    tried: dict[str, Any] | None = None,
    is_old: bool = False,
) -> str:
    known = client().order_status(asker())
    shown = {**known, **(rules or {})}
    with_secret = {header["name"] for header in known["order_headers"] if header["has_secret"]}
    return render_template(
        "order_status.html", rules=shown, with_secret=with_secret, stages=STAGES, refusal=refusal, number=number,
        is_old=is_old, kept=known, tried=tried, more=range(_MORE_ROWS), snapshot=snapshot(),
    )  # fmt: skip
