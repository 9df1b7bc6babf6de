"""The courier's own page: today's orders, one tap to call a customer, and the shift. It knows no customer's number."""

from __future__ import annotations

import secrets

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.notices import flash_not_done
from web.reader import asker, client, may
from web.translation import gettext

my_orders = Blueprint("my_orders", __name__)


@my_orders.get("/my")
def page() -> str | Response:
    """The orders that live; each form has a key of its own, which makes one call of it however often it is sent."""
    if may("read"):
        return redirect(url_for("overview.dashboard"))  # the office has pages of its own
    orders = [{**order, "key": secrets.token_hex(16)} for order in client().own_orders(asker())]
    return render_template("my_orders.html", me=client().own_self(asker()), orders=orders)


@my_orders.post("/my/<path:number>/call")
def call(number: str) -> Response:
    """Have one's mobile rung, and then the customer."""
    try:
        client().call_own_customer(asker(), number, key=request.form.get("key", ""))
    except Refused as refusal:
        if refusal.status not in (400, 404, 409, 503):
            raise
        flash_not_done(f"{refusal.title} {refusal.detail or refusal.advice}".strip())
    else:
        flash(gettext("Your mobile will ring in a moment. Press 1 on it, and the customer is called."))
    return redirect(url_for("my_orders.page"))


@my_orders.post("/my/<path:number>/stage")
def stage(number: str) -> Response:
    """Say how far an order is."""
    try:
        client().set_own_stage(asker(), number, request.form.get("stage", ""))
    except Refused as refusal:
        if refusal.status not in (400, 404):
            raise
        flash_not_done(refusal.title)
    return redirect(url_for("my_orders.page"))


@my_orders.post("/my/shift")
def shift() -> Response:
    """Begin or end the shift."""
    client().set_own_shift(asker(), on_shift=request.form.get("on_shift") == "yes")
    return redirect(url_for("my_orders.page"))
