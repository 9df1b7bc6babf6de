"""Alerts that leave the machine: where they go, a test that shows what happens, and another try of what is missing."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.deliveries import try_again
from web.gateway_client import Refused
from web.reader import asker, client
from web.translation import gettext

alerting = Blueprint("alerting", __name__)

_LINES = {"webhook": ("url", "secret"), "telegram": ("token",), "mail": ("server", "sender", "user", "password")}
"""What is typed as one line, by way."""
_LISTS = {"telegram": "chats", "mail": "to", "sms": "numbers"}
_SECRETS = frozenset({"secret", "token", "password"})


@alerting.get("/alerts/ways")
def page() -> str:
    """Each way, and forms for others."""
    return _page()


@alerting.post("/alerts/ways/<way>")
def take(way: str) -> Response | tuple[str, int]:
    """Let alerts take it; a secret that is left empty is kept."""
    values = _told(way)
    try:
        client().set_alert_way(asker(), way, values)
    except Refused as refusal:
        if refusal.status not in (400, 409, 422):
            raise
        return _page(way, values=values, refusal=refusal), refusal.status
    flash(gettext("Saved. Send a test to see whether it arrives."))
    return redirect(url_for("alerting.page", _anchor=way))


@alerting.post("/alerts/ways/<way>/remove")
def remove(way: str) -> Response | tuple[str, int]:
    """Let no alert take it any more."""
    try:
        client().remove_alert_way(asker(), way)
    except Refused as refusal:
        if refusal.status != 409:
            raise
        return _page(way, refusal=refusal), refusal.status
    flash(gettext("Alerts are no longer sent there."))
    return redirect(url_for("alerting.page", _anchor=way))


@alerting.post("/alerts/ways/<way>/test")
def test(way: str) -> str | tuple[str, int]:
    """Send a test, and say what each place has answered."""
    try:
        tried = client().try_alert_way(asker(), way)
    except Refused as refusal:
        if refusal.status != 409:
            raise
        return _page(way, refusal=refusal), refusal.status
    return _page(way, tried=tried)


@alerting.post("/alerts/deliveries/<delivery_id>/retry")
def retry(delivery_id: str) -> Response:
    """Another try of what did not arrive."""
    try_again(delivery_id)
    return redirect(url_for("overview.alerts"))


def _told(way: str) -> dict[str, Any]:
    form = request.form
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in _LINES.get(way, ())}
    values = {name: value for name, value in values.items() if value or name not in _SECRETS}
    if way in _LISTS:
        values[_LISTS[way]] = [each for each in re.split(r"[\s,;]+", form.get(_LISTS[way], "")) if each]
    if way == "sms":
        values["always"] = "always" in form
    return values


def _page(
    way: str = "",
    *,
    values: dict[str, Any] | None = None,
    refusal: Refused | None = None,
    tried: list[dict[str, Any]] | None = None,
) -> str:
    ways = client().alert_ways(asker())
    if way in ways and values is not None:
        ways[way] |= {name: value for name, value in values.items() if name not in _SECRETS}
    return render_template("alert_ways.html", ways=ways, way=way, refusal=refusal, tried=tried)
