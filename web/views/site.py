"""The shop's web site: the widget's rules, the line for the page, and what its visitors came to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from web.gateway_client import Refused
from web.reader import asker, client, now, snapshot
from web.seen import is_outdated
from web.told import whole
from web.translation import gettext
from web.undo import offer_shop_undo, shop_number

site = Blueprint("site", __name__)

DAYS = 30
_COUNTS = ("address_per_hour", "number_per_day", "per_day", "kept_days")
_TEXTS = ("title", "consent", "policy_url")


@site.get("/site")
def page() -> str:
    """The widget, and its visitors of late."""
    return _page()


@site.post("/site")
def take() -> str | AnyResponse | tuple[str, int]:
    """Other rules; a number that is left empty is as if it had never been set."""
    told = {name: value.strip() for name, value in request.form.items()}
    rules: dict[str, Any] = {name: whole(told.get(name, "")) for name in _COUNTS}
    rules |= {name: told.get(name, "") for name in _TEXTS}
    rules["on"] = "on" in told
    rules["origins"] = [each.rstrip("/").lower() for each in told.get("origins", "").split()]
    rules["rings"] = request.form.getlist("rings")
    if is_outdated(client().widget(asker())):
        return _page(rules, is_old=True), 409
    was = shop_number()
    try:
        client().change_widget(asker(), rules)
    except Refused as refusal:
        if refusal.status not in (400, 422):
            raise
        return _page(rules, refusal), refusal.status
    offer_shop_undo(gettext("The button now works by these rules."), was, back=url_for("site.page"))
    return redirect(url_for("site.page"))


@site.get("/site/metrica.csv")
def metrica() -> Response:
    """The calls of visitors as Yandex Metrica takes them."""
    by = "Yclid" if request.args.get("by") == "Yclid" else "ClientId"
    response = Response(client().metrica(asker(), by=by, **_period()), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="metrica-calls-{by.lower()}.csv"'
    return response


def _page(rules: dict[str, Any] | None = None, refusal: Refused | None = None, *, is_old: bool = False) -> str:
    found, away = None, None
    kept = client().widget(asker())
    try:
        found = client().widget_report(asker(), **_period())
    except Refused as problem:
        if problem.status != 503:
            raise
        away = problem
    return render_template(
        "site.html", rules=rules or kept, refusal=refusal, is_old=is_old, kept=kept, found=found, away=away,
        snapshot=snapshot(), script=url_for("site.page", _external=True).removesuffix("site") + "widget.js", days=DAYS,
    )  # fmt: skip


def _period() -> dict[str, str]:
    until = now() + timedelta(minutes=1)
    return {"since": (until - timedelta(days=DAYS)).isoformat(), "until": until.isoformat()}
