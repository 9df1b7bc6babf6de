"""Orders: the list, a form for one, and a table from a spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.notices import flash_not_done
from web.order_table import ROWS_AT_A_TIME, order_table
from web.reader import asker, client, language, snapshot
from web.seen import is_outdated
from web.translation import gettext
from web.undo import offer_undo, told_of_table, withdraw_offer

ordering = Blueprint("ordering", __name__)

STAGES = (
    "accepted", "confirmed", "packed", "shipped", "in-transit", "with-courier", "delivered", "returned", "cancelled",
)  # fmt: skip
_FIELDS = ("phone", "customer", "courier", "stage", "note", "delivery_on", "delivery_from", "delivery_to")
FILTERS = ("search", "courier", "stage")


@ordering.get("/orders")
def orders() -> str:
    """The orders, newest first, and forms for more."""
    return _page()


@ordering.get("/orders.csv")
def table() -> FlaskResponse:
    """All orders that the filters leave, for a spreadsheet."""
    who, link, chosen = asker(), client(), _chosen()
    pieces = order_table(lambda cursor: link.orders(who, **chosen, cursor=cursor, limit=ROWS_AT_A_TIME), language())
    response = FlaskResponse(pieces, mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="orders.csv"'
    return response


@ordering.post("/orders")
def add() -> str | Response | tuple[str, int]:
    """One more order. Where its number needs a star to be dialled, its page comes next and says so."""
    form = {name: request.form.get(name, "").strip() for name in ("number", *_FIELDS)}
    try:
        wanted: dict[str, str | bool] = {name: value for name, value in form.items() if value}
        taken = client().add_order(asker(), {**wanted, "callback_required": "callback_required" in request.form})
    except Refused as refusal:
        return _again(refusal, form=form)
    flash(gettext("Order %(number)s is saved.", number=form["number"]))
    is_unusual = taken["dial"].startswith("*")
    return redirect(url_for("ordering.order", number=taken["number"]) if is_unusual else url_for("ordering.orders"))


@ordering.post("/orders/import")
def take() -> str | Response | tuple[str, int]:
    """A whole table, all or nothing."""
    uploaded = request.files.get("file")
    content = uploaded.read() if uploaded else b""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("cp1251", errors="replace")  # as spreadsheets on Windows write it
    try:
        counts = client().import_orders(asker(), text)
    except Refused as refusal:
        return _again(refusal)
    offer_undo(
        gettext("New orders: %(added)s, changed: %(changed)s.", added=counts["added"], changed=counts["changed"]),
        url_for("ordering.take_back", import_id=counts["import"]),
    )
    return redirect(url_for("ordering.orders"))


@ordering.post("/orders/imports/<import_id>/take-back")
def take_back(import_id: str) -> Response:
    """Have all orders as they were before a table."""
    withdraw_offer()
    try:
        flash(told_of_table(client().take_orders_back(asker(), import_id)))
    except Refused as refusal:
        if refusal.status != 404:
            raise
        flash_not_done(gettext("That can no longer be undone."))
    return redirect(url_for("ordering.orders"))


@ordering.get("/orders/<path:number>")
def order(number: str) -> str:
    """One order, to be looked at and changed."""
    return _order(number)


@ordering.post("/orders/<path:number>/change")
def change(number: str) -> str | Response | tuple[str, int]:
    """Other values; what the form leaves empty is taken away."""
    values = {name: request.form.get(name, "").strip() for name in _FIELDS}
    if is_outdated({"changed_at": client().order(asker(), number)["changed_at"]}):
        return _order(number, typed=values, is_old=True), 409
    try:
        changed = client().change_order(asker(), number, {**values, "courier": values["courier"] or None})
    except Refused as refusal:
        if refusal.status != 422:
            raise
        return _order(number, refusal, values), refusal.status
    _offer_undo(gettext("The order has been changed."), changed)
    return redirect(url_for("ordering.order", number=number))


@ordering.post("/orders/<path:number>/close")
def close(number: str) -> Response:
    """End it at once."""
    closed = client().close_order(asker(), number)
    _offer_undo(gettext("The order is closed: its customer and its courier are no longer connected."), closed)
    return redirect(url_for("ordering.order", number=number))


@ordering.post("/orders/<path:number>/put-back")
def put_back(number: str) -> Response:
    """Have an order as it was before it was changed or closed."""
    withdraw_offer()
    try:
        client().put_order_back(asker(), number, request.form.get("changed_at", "")[:32])
    except Refused as refusal:
        if refusal.status not in (400, 404, 422):
            raise
        flash_not_done(refusal.detail if refusal.status == 422 else gettext("That can no longer be undone."))
    else:
        flash(gettext("The order is as it was."))
    return redirect(url_for("ordering.order", number=number))


@ordering.get("/orders/<path:number>/evidence.zip")
def evidence(number: str) -> FlaskResponse:
    """All that is kept of it, for a dispute."""
    with ExitStack() as stack:
        headers, pieces = stack.enter_context(client().order_evidence(asker(), number))
        kept_open = stack.pop_all()

    def send() -> Iterator[bytes]:
        with kept_open:
            yield from pieces

    response = FlaskResponse(send(), direct_passthrough=True, mimetype="application/zip")
    response.call_on_close(kept_open.close)
    response.headers["Content-Length"] = headers["Content-Length"]
    name = re.sub(r"[^0-9A-Za-z-]", "", number)[:32]  # a header takes no other
    response.headers["Content-Disposition"] = f'attachment; filename="order-{name}-evidence.zip"'
    return response


@ordering.post("/orders/<path:number>/hold")
def hold(number: str) -> Response:
    """Keep every recording of its calls for a dispute."""
    count = client().hold_order(asker(), number, request.form.get("why", "").strip()[:200])
    flash(gettext("Recordings of this order kept for the dispute: %(count)s.", count=count))
    return redirect(url_for("ordering.order", number=number))


@ordering.post("/orders/<path:number>/release")
def release(number: str) -> Response:
    """Let them go when their time comes."""
    count = client().release_order(asker(), number)
    flash(gettext("Recordings of this order no longer kept for a dispute: %(count)s.", count=count))
    return redirect(url_for("ordering.order", number=number))


def _offer_undo(text: str, order: dict[str, Any]) -> None:
    where = url_for("ordering.put_back", number=order["number"])
    offer_undo(f"{order['number']}: {text}", where, changed_at=order["changed_at"])


def _page(refusal: Refused | None = None, form: dict[str, str] | None = None) -> str:
    chosen = _chosen()
    page = client().orders(asker(), **chosen, cursor=request.args.get("cursor"))
    return render_template(
        "orders.html", page=page, chosen=chosen, stages=STAGES, refusal=refusal, form=form or {}, snapshot=snapshot(),
        given={name: value for name, value in chosen.items() if value},
    )  # fmt: skip


def _chosen() -> dict[str, str]:
    return {name: request.args.get(name, "").strip()[:64] for name in FILTERS}


def _order(
    number: str, refusal: Refused | None = None, typed: dict[str, str] | None = None, *, is_old: bool = False
) -> str:
    found = client().order(asker(), number)
    return render_template(
        "order.html", order=found, form=typed or found, stages=STAGES, refusal=refusal, is_old=is_old,
        snapshot=snapshot(),
    )  # fmt: skip


def _again(refusal: Refused, **given: Any) -> tuple[str, int]:
    if refusal.status not in (400, 409, 422):
        raise refusal
    return _page(refusal, **given), refusal.status
