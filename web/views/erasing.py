"""Everything of a number goes: first what that would be, then a second button, then how far it is."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.reader import asker, client, snapshot

erasing = Blueprint("erasing", __name__)


@erasing.get("/erase")
def form() -> str:
    """The question: which number."""
    return _page(number=request.args.get("number", "").strip()[:64])


@erasing.post("/erase")
def plan() -> str:
    """What would go; nothing does."""
    number = request.form.get("number", "").strip()[:64]
    try:
        return _page(number=number, plan=client().erasure_plan(asker(), number))
    except Refused as refused:
        if refused.status != 400:
            raise
        return _page(number=number, refusal=refused)


@erasing.post("/erase/now")
def erase() -> Response:
    """Have it done. The number is in no address, which browsers and logs would keep."""
    order = client().erase(asker(), request.form.get("number", "").strip()[:64])
    return redirect(url_for("erasing.progress", order_id=order["id"]))


@erasing.get("/erase/orders/<order_id>")
def progress(order_id: str) -> str:
    """How far it is."""
    return _page(order=client().erasure(asker(), order_id))


def _page(**shown: Any) -> str:
    nothing: dict[str, Any] = {"number": "", "plan": None, "order": None, "refusal": None}
    return render_template("erase.html", snapshot=snapshot(), **{**nothing, **shown})
