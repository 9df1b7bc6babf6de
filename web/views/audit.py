"""Who did what: the audit log, for the screen and for a spreadsheet."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request

from web.gateway_client import Refused
from web.reader import asker, client
from web.told import midnight

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
        "since": midnight(chosen["from"]),
        "until": midnight(chosen["to"], days=1),
    }
