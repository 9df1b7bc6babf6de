"""The search of the whole panel: a page of its own, and what the box of every page shows while somebody types."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from web.finding import LONGEST, SHORTEST, find

finding = Blueprint("finding", __name__)


@finding.get("/search")
def page() -> str:
    """What is found; within the box of a page the results alone."""
    text = request.args.get("q", "").strip()[:LONGEST]
    values = {"text": text, "groups": find(text), "is_short": len(text) < SHORTEST}
    return render_template("parts/found.html" if request.headers.get("HX-Request") else "search.html", **values)
