"""The queue: who waits and who takes calls, for the owner its rules; and the messages that callers have left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.notices import flash_not_done
from web.people import Directory, queue_title
from web.reader import asker, client, snapshot
from web.seen import is_outdated
from web.told import whole
from web.translation import gettext
from web.undo import offer_shop_undo, shop_number

queueing = Blueprint("queueing", __name__)

_COUNTS = ("step_seconds", "wrap_up_seconds", "announce_seconds", "overflow_callers", "overflow_seconds")
_WORDS = ("strategy", "overflow", "overflow_number")
_LISTS = ("overflow_phones", "message_phones")


@queueing.get("/queue")
def page() -> str:
    """Who waits, who takes calls, and by which rules."""
    return _page()


@queueing.post("/queue")
def take() -> str | Response | tuple[str, int]:
    """Other rules; a number that is left empty is as if it had never been set."""
    told = {name: value.strip() for name, value in request.form.items()}
    rules: dict[str, Any] = {name: whole(told.get(name, "")) for name in _COUNTS}
    rules |= {name: told.get(name, "") for name in _WORDS}
    rules |= {name: request.form.getlist(name) for name in _LISTS}
    reasons = (line.strip() for line in request.form.get("pause_reasons", "").splitlines())
    rules["pause_reasons"] = [reason for reason in reasons if reason]
    if is_outdated(client().queue(asker())["rules"]):
        return _page(rules, is_old=True), 409
    was = shop_number()
    try:
        client().change_queue(asker(), rules)
    except Refused as refusal:
        if refusal.status not in (400, 422):
            raise
        return _page(rules, refusal), refusal.status
    offer_shop_undo(gettext("Saved. These rules apply to the next caller."), was, back=url_for("queueing.page"))
    return redirect(url_for("queueing.page"))


@queueing.post("/queue/staff/<extension>/pause")
def pause(extension: str) -> Response:
    """The queue leaves a phone alone."""
    return _change(extension, lambda: client().pause_staff(asker(), extension, request.form.get("reason", "")))


@queueing.post("/queue/staff/<extension>/resume")
def resume(extension: str) -> Response:
    """It takes calls again."""
    return _change(extension, lambda: client().resume_staff(asker(), extension))


@queueing.get("/voicemail")
def voicemail() -> str:
    """The messages that callers have left."""
    return render_template(
        "voicemail.html",
        messages=client().voicemail(asker()),
        directory=Directory(snapshot()),
        queue_title=queue_title,
        snapshot=snapshot(),
    )


@queueing.post("/voicemail/<message_id>/heard")
def mark_heard(message_id: str) -> Response:
    """Nobody need listen to it any more."""
    try:
        client().mark_heard(asker(), message_id)
    except Refused as refusal:
        if refusal.status != 404:
            raise
        flash_not_done(gettext("That message is gone."))
    return redirect(url_for("queueing.voicemail"))


def _change(extension: str, verb: Callable[[], None]) -> Response:
    try:
        verb()
    except Refused as refusal:
        if refusal.status != 404:
            raise
        flash_not_done(gettext("There is no phone %(extension)s.", extension=extension))
    return redirect(url_for("queueing.page"))


def _page(rules: dict[str, Any] | None = None, refusal: Refused | None = None, *, is_old: bool = False) -> str:
    shown = client().queue(asker())
    return render_template(
        "queue.html", rules=rules or shown["rules"], paused=shown["paused"], refusal=refusal, snapshot=snapshot(),
        is_old=is_old, kept=shown["rules"],
        directory=Directory(snapshot()),
    )  # fmt: skip
