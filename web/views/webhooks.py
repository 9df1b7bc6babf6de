"""Webhooks: programs of the owner's that are told what happens, a test of each, and what became of what was sent."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.deliveries import try_again
from web.gateway_client import Refused
from web.reader import asker, client
from web.translation import gettext

webhooks = Blueprint("webhooks", __name__)

NEW = "new"
"""Stands for a program that is not kept yet."""
_WRONG = (400, 409, 422)


@webhooks.get("/webhooks")
def page() -> str:
    """Each program, and a form for one more."""
    return _page()


@webhooks.post("/webhooks")
def add() -> Response | tuple[str, int]:
    """Tell one more program."""
    values = _told()
    try:
        kept = client().add_webhook(asker(), values)
    except Refused as refusal:
        if refusal.status not in _WRONG:
            raise
        return _page(NEW, values=values, refusal=refusal), refusal.status
    flash(gettext("Saved. Send a test to see whether it arrives."))
    return redirect(url_for("webhooks.page", _anchor=kept["id"]))


@webhooks.post("/webhooks/<hook_id>")
def change(hook_id: str) -> Response | tuple[str, int]:
    """Tell it other things, or elsewhere; a secret that is left empty is kept."""
    values = _told()
    try:
        client().change_webhook(asker(), hook_id, values)
    except Refused as refusal:
        if refusal.status not in _WRONG:
            raise
        return _page(hook_id, values=values, refusal=refusal), refusal.status
    flash(gettext("Saved. Send a test to see whether it arrives."))
    return redirect(url_for("webhooks.page", _anchor=hook_id))


@webhooks.post("/webhooks/<hook_id>/remove")
def remove(hook_id: str) -> Response | tuple[str, int]:
    """Tell it nothing any more."""
    try:
        client().remove_webhook(asker(), hook_id)
    except Refused as refusal:
        if refusal.status != 409:
            raise
        return _page(hook_id, refusal=refusal), refusal.status
    flash(gettext("That program gets no more messages."))
    return redirect(url_for("webhooks.page"))


@webhooks.post("/webhooks/<hook_id>/test")
def test(hook_id: str) -> str:
    """Send a test, and say what the program has answered."""
    return _page(hook_id, tried=client().try_webhook(asker(), hook_id))


@webhooks.post("/webhooks/deliveries/<delivery_id>/retry")
def retry(delivery_id: str) -> Response:
    """Another try of what did not arrive."""
    try_again(delivery_id)
    return redirect(url_for("webhooks.page", _anchor="deliveries"))


def _told() -> dict[str, Any]:
    form = request.form
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in ("name", "url", "secret")}
    values["panel"] = form.get("panel", "").strip().rstrip("/")
    values["events"] = form.getlist("events")
    return {name: value for name, value in values.items() if value or name != "secret"}


def _page(
    hook_id: str = "",
    *,
    values: dict[str, Any] | None = None,
    refusal: Refused | None = None,
    tried: dict[str, Any] | None = None,
) -> str:
    hooks = client().webhooks(asker())
    blank = {"id": NEW, "name": "", "url": "", "events": [], "panel": request.host_url.rstrip("/"), "of_file": False}
    for hook in (*hooks, blank):
        if hook["id"] == hook_id and values is not None:
            hook |= {name: value for name, value in values.items() if name != "secret"}
    return render_template(
        "webhooks.html",
        hooks=hooks,
        blank=blank,
        chosen=hook_id,
        refusal=refusal,
        tried=tried,
        deliveries=client().webhook_deliveries(asker()),
    )
