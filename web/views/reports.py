"""How things went: statistics; and who was missed and waits to be called back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import format_date
from werkzeug.wrappers import Response as AnyResponse

from web import charts, parts
from web.comparison import compare, figure
from web.gateway_client import Refused
from web.notices import flash_not_done
from web.people import Directory, queue_title
from web.reader import asker, client, language, now, snapshot, time_zone, words
from web.translation import gettext
from web.undo import offer_undo, withdraw_offer

reports = Blueprint("reports", __name__)

PERIODS = {"today": 1, "week": 7, "month": 30, "year": 365}
"""Days, with today."""
GROUPINGS = ("day", "hour", "week-hour", "phone", "courier", "line", "queue")
OF_MISSED = ("show",)
USUAL_MISSED = {"show": "waiting"}
WITHIN = ("5", "9", "15", "20", "30", "60")
"""Seconds within which a caller counts as answered in time; nine are two rings."""
COMPARISONS = ("before", "none")
TABLES = ("rows", "comparison", "concurrency", "peaks")
OF_STATISTICS = ("period", "by", "from", "to", "within", "compare")
USUAL_STATISTICS = {"period": "week", "by": "day", "within": "9", "compare": "before"}
_OF_ALL = (
    "calls", "incoming", "answered", "missed", "missed_share", "service_level", "seconds_to_answer", "outgoing",
    "reached", "answer_seizure_ratio", "talk_seconds", "average_talk_seconds", "cost",
)  # fmt: skip
_OF_LINES = ("busy_seconds", "occupancy")
_MOST_DAYS = 400
_A_MONDAY = date(2027, 1, 4)


@reports.get("/missed")
def missed() -> str:
    """Customers who were not talked to: those who wait, or all of a time."""
    if request.args.get("show") != "all":
        return render_template("missed.html", chosen="waiting", snapshot=snapshot())
    found = parts.missed_or_reason(since=_days_ago(PERIODS["month"]).isoformat())
    return render_template(
        "missed.html",
        chosen="all",
        page=found,
        promises=parts.promises(),
        snapshot=snapshot(),
        directory=Directory(snapshot()),
    )


@reports.post("/missed/close")
def close() -> AnyResponse:
    """Nobody need call this customer back."""
    reason = request.form.get("reason", "").strip()
    whom = {name: value for name in ("number", "call_id") if (value := request.form.get(name, ""))}
    try:
        closure = client().close_missed(asker(), **whom, reason=reason[:200])
    except Refused as refusal:
        if refusal.status not in (400, 404):
            raise
        said = (
            gettext("State why no call back is needed.")
            if not reason
            else gettext("That customer is no longer waiting.")
        )
        flash_not_done(said)
    else:
        offer_undo(gettext("The customer has been removed from the list."), url_for("reports.reopen"), closure=closure)
    return redirect(url_for("reports.missed"))


@reports.post("/missed/reopen")
def reopen() -> AnyResponse:
    """Take that back: the customer waits again."""
    withdraw_offer()
    try:
        client().reopen_missed(asker(), request.form.get("closure", "")[:64])
    except Refused as refusal:
        if refusal.status != 404:
            raise
        flash_not_done(gettext("That can no longer be undone."))
    else:
        flash(gettext("The customer is on the list again."))
    return redirect(url_for("reports.missed"))


@reports.get("/missed.csv")
def missed_table() -> Response:
    """The list for a spreadsheet."""
    since = _days_ago(PERIODS["month"]).isoformat() if request.args.get("show") == "all" else None
    return _table(client().missed_table(asker(), since=since), "missed.csv")


@reports.get("/statistics")
def statistics() -> str:
    """The figures of a time; period and grouping are in the address."""
    chosen = _chosen()
    ways = {name: chosen[name] for name in ("within", "compare") if chosen[name] != USUAL_STATISTICS[name]}
    found, refusal = None, None
    try:
        found = client().statistics(asker(), **_query(chosen))
    except Refused as problem:
        if problem.status not in (400, 503):
            raise
        refusal = problem
    return render_template(
        "statistics.html",
        chosen=chosen,
        given={name: chosen[name] for name in ("period", "by", "from", "to") if chosen[name]} | ways,
        ways=ways,
        withins=WITHIN,
        is_usual=chosen == {**USUAL_STATISTICS, "from": "", "to": ""},
        periods=PERIODS,
        groupings=[each for each in GROUPINGS if each != "queue" or snapshot()["queue"]["queues"]],
        found=found,
        refusal=refusal,
        figure=figure,
        drawing=_drawing(found) if found is not None else None,
        compared=compare(found) if found is not None else {},
        snapshot=snapshot(),
        charts=charts,
    )


@reports.get("/statistics.csv")
def statistics_table() -> Response:
    """The figures for a spreadsheet."""
    chosen = _chosen()
    table = request.args.get("table", "")
    if table not in TABLES or table == "rows":
        return _table(client().statistics_table(asker(), **_query(chosen)), f"statistics-{chosen['by']}.csv")
    by = chosen["by"] if table == "comparison" else "line"
    return _table(client().statistics_table(asker(), **_query({**chosen, "by": by}), table=table), f"{table}.csv")


def _table(text: str, filename: str) -> Response:
    response = Response(text, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _chosen() -> dict[str, str]:
    """What the address says, with the usual where it says nothing that makes sense."""
    args = request.args
    period = args.get("period", "")
    days = {name: args.get(name, "") for name in ("from", "to")}
    is_free = any(_day(text) is not None for text in days.values())
    by = args.get("by", "")
    return {
        "period": "" if is_free else period if period in PERIODS else USUAL_STATISTICS["period"],
        "by": by if by in GROUPINGS else USUAL_STATISTICS["by"],
        "within": _one_of(WITHIN, "within"),
        "compare": _one_of(COMPARISONS, "compare"),
        **{name: text if is_free and _day(text) is not None else "" for name, text in days.items()},
    }


def _one_of(choices: tuple[str, ...], name: str) -> str:
    """What the address says of `name`, or the usual."""
    value = request.args.get(name, "")
    return value if value in choices else USUAL_STATISTICS[name]


def _query(chosen: dict[str, str]) -> dict[str, str]:
    """The period as moments: whole days by the shop's clock."""
    if chosen["period"]:
        since = _days_ago(PERIODS[chosen["period"]] - 1)
        until = now()
    else:
        today = now().astimezone(time_zone()).date()
        last = _day(chosen["to"]) or today
        first = _day(chosen["from"]) or last
        first, last = min(first, last), max(first, last)
        first = max(first, last - timedelta(days=_MOST_DAYS - 2))
        since, until = _midnight(first), _midnight(last + timedelta(days=1))
    if until <= since:  # midnight itself
        until = since + timedelta(minutes=1)
    return {
        "since": since.isoformat(), "until": until.isoformat(), "by": chosen["by"], "within": chosen["within"],
        "compare": chosen["compare"],
    }  # fmt: skip


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), time_zone()).astimezone(UTC)


def _days_ago(days: int) -> datetime:
    """The midnight that began the day so many days before today."""
    return _midnight(now().astimezone(time_zone()).date() - timedelta(days=days))


def _drawing(found: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of the rows: names for their keys, bars, or the shades of the week."""
    rows, by = found["rows"], found["by"]
    directory = Directory(snapshot())
    names = [_name(row["key"], by, directory) for row in rows]
    if by == "week-hour":
        return {
            "days": [str(format_date(_A_MONDAY + timedelta(days=each), "EEE")) for each in range(7)],
            "cells": {row["key"]: row for row in rows},
            "most": {name: max((row[name] for row in rows), default=0) for name in ("calls", "missed")},
        }
    kinds = ("answered", "missed", "outgoing")
    columns = _OF_ALL + (_OF_LINES if by == "line" else ())
    titles = [words("statistics", name)["title"] for name in columns]
    cells = [[figure(name, row[name], found["currency"]) for name in columns] for row in rows]
    return {
        "titles": titles,
        "rows": [(name, list(zip(titles, row, strict=True))) for name, row in zip(names, cells, strict=True)],
        "columns": charts.columns(rows, kinds, names),
        "kinds": kinds,
        "peaks": _peaks(found["concurrency"]),
    }


def _peaks(concurrency: dict[str, Any] | None) -> list[charts.Column]:
    """The most lines at once by the hour."""
    if concurrency is None:
        return []
    hours = [{"busy": most} for most in concurrency["peaks"]]
    return charts.columns(hours, ("busy",), [f"{hour:02}:00" for hour in range(24)])


def _name(key: str, by: str, directory: Directory) -> str:
    match by:
        case "day":
            return str(format_date(date.fromisoformat(key), "d MMM" if language() == "ru" else "MMM d"))
        case "hour":
            return f"{key}:00"
        case "phone" | "courier":
            party = directory.party(key)
            return f"{party.title} {party.note}".strip()
        case "queue":
            return queue_title(snapshot(), key)
        case _:
            return str(key)
