"""One modem: how it is, its restart, the PIN of its SIM, and the dialogue with it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.notices import flash_not_done
from web.reader import asker, client, snapshot
from web.translation import gettext

modems = Blueprint("modems", __name__)


@modems.get("/modems/<modem>")
def page(modem: str) -> str:
    """What can be done with it."""
    return _page(modem)


@modems.get("/parts/modems/<modem>")
def now(modem: str) -> str:
    """The part of the page that says how it is."""
    return render_template("parts/modem_now.html", modem=_seen(modem), name=modem)


@modems.get("/parts/modems/<modem>/vitals")
def vitals(modem: str) -> str:
    """What it says when it is asked, which takes it a moment."""
    try:
        found = client().modem_vitals(asker(), modem)
    except Refused as refusal:
        if refusal.status not in (503, 504):
            raise
        return render_template("parts/modem_vitals.html", vitals=None, name=modem)
    return render_template("parts/modem_vitals.html", vitals=found, name=modem)


@modems.post("/modems/<modem>/restart")
def restart(modem: str) -> Response | tuple[str, int]:
    """Begin to restart it."""
    form = request.form
    try:
        client().restart_modem(asker(), modem, form.get("step", ""), ends_call="ends_call" in form)
    except Refused as refusal:
        if refusal.status not in (400, 409):
            raise
        return _page(modem, refusal), refusal.status
    flash(gettext("Modem %(modem)s is being restarted. Its line will be back in a moment.", modem=modem))
    return redirect(url_for("modems.page", modem=modem))


@modems.post("/modems/<modem>/test-call")
def test_call(modem: str) -> Response | tuple[str, int]:
    """Have its line call a number; the page then says what becomes of it."""
    line = str(client().modem(asker(), modem)["line"])
    number, key = request.form.get("number", "").strip(), request.form.get("key", "")
    try:
        call = client().begin_line_test_call(asker(), line, number=number, key=key)
    except Refused as refusal:
        if refusal.status >= 500 and refusal.code != "no-free-line":
            raise
        return _page(modem, refusal), refusal.status
    return redirect(url_for("modems.page", modem=modem, call=call, _anchor="test-call"))


@modems.post("/modems/<modem>/pin")
def enter_pin(modem: str) -> Response | tuple[str, int]:
    """Give its SIM the PIN."""
    form = request.form
    try:
        client().enter_pin(
            asker(), modem, form.get("pin", "").strip(), keeps="keeps" in form, last_try="last_try" in form
        )
    except Refused as refusal:
        if refusal.status not in (400, 409, 422, 503, 504):
            raise
        return _page(modem, refusal), refusal.status
    flash(gettext("The SIM card has accepted its PIN."))
    return redirect(url_for("modems.page", modem=modem))


@modems.post("/modems/<modem>/pin/forget")
def forget_pin(modem: str) -> Response:
    """Keep the PIN no longer."""
    try:
        client().forget_pin(asker(), modem)
    except Refused as refusal:
        if refusal.status != 404:
            raise
        flash_not_done(gettext("No PIN is stored for this SIM card."))
    else:
        flash(gettext("The PIN is no longer stored. The SIM card will ask for it at the next start."))
    return redirect(url_for("modems.page", modem=modem))


@modems.get("/modems/<modem>/dialogue")
def dialogue(modem: str) -> str:
    """What was said between the gateway and it."""
    return _dialogue(modem)


@modems.post("/modems/<modem>/dialogue")
def ask(modem: str) -> str | tuple[str, int]:
    """Ask it one of the questions."""
    question = request.form.get("question", "")
    try:
        reply = client().ask_modem(asker(), modem, question)
    except Refused as refusal:
        if refusal.status not in (400, 409, 503, 504):
            raise
        return _dialogue(modem, refusal=refusal), refusal.status
    return _dialogue(modem, question=question, reply=reply)


def _page(modem: str, refusal: Refused | None = None) -> str:
    found = client().modem(asker(), modem)
    running = [call for call in snapshot()["calls"] if any(leg["line"] == found["line"] for leg in call["legs"])]
    return render_template(
        "modem.html", found=found, modem=_seen(modem), name=modem, refusal=refusal,
        running=running if found["in_call"] else [],
    )  # fmt: skip


def _dialogue(modem: str, **shown: Any) -> str:
    found = client().modem(asker(), modem)
    lines = client().modem_dialogue(asker(), modem)
    return render_template("modem_dialogue.html", found=found, lines=lines[::-1], name=modem, **shown)


def _seen(modem: str) -> dict[str, Any] | None:
    """What is known of it; None: it has gone since."""
    return next((each for each in snapshot()["modems"] if each["name"] == modem), None)
