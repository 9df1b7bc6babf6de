"""When the shop is open: the week, other days, public holidays, a calendar, and what comes of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import format_date
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.notices import flash_not_done
from web.reader import asker, client, snapshot
from web.seen import is_outdated
from web.told import spans
from web.translation import gettext
from web.undo import offer_shop_undo, shop_number

hours = Blueprint("hours", __name__)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NEW_ROWS = 3


@hours.get("/shop/hours")
def form() -> str:
    """The hours as they are, and the next two weeks of them, or those from a moment that is asked for."""
    at = request.args.get("at") or None
    try:
        return _page(client().hours(asker()), at=at)
    except Refused as refusal:
        if refusal.status != 400:
            raise
        return _page(client().hours(asker()), refusal)


@hours.post("/shop/hours")
def take() -> Response | tuple[str, int]:
    """Other hours; exceptions of a calendar stay."""
    told, kept = _told(), client().hours(asker())
    if is_outdated(kept):
        return _page(told, is_old=True), 409
    own = len(told["exceptions"])
    told["exceptions"] += [each for each in kept["exceptions"] if each["imported"]]
    was = shop_number()
    try:
        client().change_hours(asker(), told)
    except Refused as refusal:
        if refusal.status not in (400, 422):
            raise
        told["exceptions"] = told["exceptions"][:own]
        return _page(told, refusal), refusal.status
    offer_shop_undo(gettext("The hours have been changed."), was, back=url_for("hours.form"))
    return redirect(url_for("hours.form"))


@hours.post("/shop/hours/calendar")
def take_calendar() -> Response | tuple[str, int]:
    """The events of a calendar in the place of those of the calendar before."""
    uploaded = request.files.get("file")
    try:
        text = uploaded.read().decode("utf-8") if uploaded else ""
    except UnicodeDecodeError:
        flash_not_done(gettext("That file is not a text file."))
        return redirect(url_for("hours.form"))
    was = shop_number()
    try:
        client().take_calendar(asker(), text, request.form.get("timed", "closed"))
    except Refused as refusal:
        if refusal.status not in (400, 422):
            raise
        return _page(client().hours(asker()), refusal), refusal.status
    offer_shop_undo(gettext("The calendar has been imported."), was, back=url_for("hours.form"))
    return redirect(url_for("hours.form"))


def _told() -> dict[str, Any]:
    told: dict[str, Any] = {weekday: spans(request.form.get(weekday, "")) for weekday in WEEKDAYS}
    told["holidays"] = request.form.get("holidays", "")
    told["holiday_hours"] = spans(request.form.get("holiday_hours", ""))
    columns = (request.form.getlist(name) for name in ("day", "until", "hours", "name"))
    rows = [tuple(cell.strip() for cell in row) for row in zip(*columns, strict=False)]
    told["exceptions"] = [
        {"day": day, "until": until if until != day else None, "hours": spans(text), "name": name}
        for day, until, text, name in rows
        if day or until or text or name
    ]
    for exception in told["exceptions"]:
        exception["until"] = exception["until"] or None
    return told


def _page(table: dict[str, Any], refusal: Refused | None = None, at: str | None = None, *, is_old: bool = False) -> str:
    own = [each for each in table["exceptions"] if not each.get("imported")]
    blank = {"day": "", "until": "", "hours": [], "name": ""}
    opening = client().opening(asker(), at)
    days = [{**day, "shown": format_date(date.fromisoformat(day["day"]), "EEE d MMMM")} for day in opening["days"]]
    return render_template(
        "hours.html",
        hours=table,
        weekdays=_weekdays(),
        exceptions=own + [blank] * _NEW_ROWS,
        imported=[each for each in table["exceptions"] if each.get("imported")],
        country=table["holidays"] or snapshot()["shop"]["country"],
        opening=opening,
        days=days,
        at=at,
        refusal=refusal,
        is_old=is_old,
        kept=client().hours(asker()),
    )


def _weekdays() -> list[tuple[str, str]]:
    return [
        ("monday", gettext("Monday")),
        ("tuesday", gettext("Tuesday")),
        ("wednesday", gettext("Wednesday")),
        ("thursday", gettext("Thursday")),
        ("friday", gettext("Friday")),
        ("saturday", gettext("Saturday")),
        ("sunday", gettext("Sunday")),
    ]
