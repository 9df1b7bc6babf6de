"""Who did what: the audit log, for the screen and for a spreadsheet."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request

from web.gateway_client import Refused
from web.reader import asker, client, time_zone

audit = Blueprint("audit", __name__)

FILTERS = ("search", "from", "to")


@audit.get("/access/audit")
def page() -> str:
    """The log; its filters are in the address."""
    chosen = _chosen()
    rows: dict[str, Any] = {"items": [], "next": None}
    checked, refusal = None, None
    try:
        rows = client().audit(asker(), **_query(chosen), cursor=request.args.get("cursor"))
        if request.args.get("check"):
            checked = client().audit_check(asker())
    except Refused as problem:
        if problem.status not in (400, 503):
            raise
        refusal = problem
    given = {name: value for name, value in chosen.items() if value}
    return render_template("audit.html", page=rows, chosen=chosen, given=given, checked=checked, refusal=refusal)


@audit.get("/access/audit.csv")
def table() -> Response:
    """The log for a spreadsheet."""
    response = Response(client().audit_table(asker(), **_query(_chosen())), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response


def _chosen() -> dict[str, str]:
    return {name: request.args.get(name, "").strip()[:64] for name in FILTERS}


def _query(chosen: dict[str, str]) -> dict[str, str | int | None]:
    return {
        "search": chosen["search"],
        "since": _midnight(chosen["from"]),
        "until": _midnight(chosen["to"], days=1),
    }


def _midnight(day: str, *, days: int = 0) -> str | None:
    """When that day of the shop begins, or the one `days` later; None for what is no day."""
    try:
        begins = datetime.combine(date.fromisoformat(day) + timedelta(days=days), time(), time_zone())
    except (ValueError, OverflowError):
        return None
    return begins.astimezone(UTC).isoformat()
