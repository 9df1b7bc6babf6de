"""The live parts of pages: each is rendered within its page, and again by itself when news of its topics come."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import render_template
from markupsafe import Markup

from web.gateway_client import Refused
from web.own_pbx import accounts_at_pbx
from web.people import Directory, cards_of, queue_title
from web.reader import asker, client, snapshot, start_of_day

_MOST_OF_A_DAY = 200
_RECENT = 8
_LINE_NAMES = ("red", "blue", "green", "white", "black", "yellow")


@dataclass(frozen=True, slots=True)
class Part:
    """`load` gives the template its values; `topics` are what puts it out of date."""

    topics: tuple[str, ...]
    load: Callable[[], dict[str, Any]]


def render(name: str) -> Markup:
    """A part as HTML; its template is `parts/<name>.html`."""
    values = {"snapshot": snapshot(), "directory": Directory(snapshot()), **PARTS[name].load()}
    return Markup(render_template(f"parts/{name}.html", **values))  # noqa: S704  # rendered with autoescape


def calls_or_reason(**query: str | int | None) -> dict[str, Any]:
    """A page of calls; where lists are not to be had now, an empty one with the reason (`refusal`)."""
    try:
        return {**client().calls(asker(), **query), "refusal": None}
    except Refused as refusal:
        if refusal.status not in (400, 503):
            raise
        return {"items": [], "next": None, "refusal": refusal}


def missed_or_reason(**query: str | int | None) -> dict[str, Any]:
    """Customers who were missed; where lists are not to be had now, none with the reason (`refusal`)."""
    try:
        return {**client().missed(asker(), **query), "refusal": None}
    except Refused as refusal:
        if refusal.status not in (400, 503):
            raise
        return {"items": [], "count": 0, "refusal": refusal}


def _live_calls() -> dict[str, Any]:
    """`key` makes what is asked of a call by this page happen once, however often its button is pressed."""
    return {"key": secrets.token_urlsafe(12), "cards": cards_of(snapshot()["calls"])}


def _tiles() -> dict[str, Any]:
    today = calls_or_reason(since=start_of_day().isoformat(), limit=_MOST_OF_A_DAY)
    calls = today["items"]
    states = [line["state"] for line in snapshot()["lines"]]
    return {
        "today": len(calls),
        "is_more": today["next"] is not None,
        "answered": sum(1 for call in calls if call["answered_at"]),
        "waiting": missed_or_reason(limit=1),
        "refusal": today["refusal"],
        "lines_good": sum(1 for state in states if state in ("ready", "busy")),
        "lines_busy": states.count("busy"),
        "talking": sum(1 for call in snapshot()["calls"] if call["state"] == "talking"),
        "registered": sum(1 for phone in snapshot()["phones"] if phone["registered"]),
    }


def is_missed(call: dict[str, Any]) -> bool:
    """Somebody from outside called, the call is over, and neither did anybody speak with them nor were they served."""
    is_in_vain = call["direction"] == "incoming" and not call["answered_at"] and bool(call["ended_at"])
    return is_in_vain and not is_self_served(call) and not is_turned_away(call)


def is_turned_away(call: dict[str, Any]) -> bool:
    """The caller's number is blocked."""
    return call.get("flow") == "refuse" and call.get("cause") == "rejected"


def is_self_served(call: dict[str, Any]) -> bool:
    """The caller asked for the status of an order and was told, by nobody."""
    return call.get("flow") == "order-status" and bool(call.get("order"))


def _pause_reasons() -> list[str]:
    reasons: list[str] = client().queue(asker())["rules"]["pause_reasons"]
    return reasons


def _found() -> dict[str, Any]:
    """A colour for the next line, as people name SIMs; and whether modems are emulated."""
    taken = {line["name"] for line in snapshot()["lines"]}
    free = next((name for name in _LINE_NAMES if name not in taken), f"line-{len(taken) + 1}")
    return {"free_line": free, "emulated": client().emulated_modems(asker())}


def _nothing() -> dict[str, Any]:
    return {}


PARTS = {
    "tiles": Part(("calls", "queue", "history", "missed", "lines", "phones", "alerts"), _tiles),
    "missed": Part(("history", "missed", "orders"), lambda: {"page": missed_or_reason()}),
    "live_calls": Part(("calls", "contacts"), _live_calls),
    "recent_calls": Part(("history",), lambda: {"calls": calls_or_reason(limit=_RECENT)}),
    "lines": Part(("calls", "lines"), _nothing),
    "start_modems": Part(("lines",), _found),
    "modems": Part(("lines",), _nothing),
    "couriers": Part(("calls",), _nothing),
    "queue": Part(("calls", "queue"), lambda: {"reasons": _pause_reasons(), "queue_title": queue_title}),
    "unheard": Part(("voicemail",), _nothing),
    "phones": Part(("phones", "calls"), _nothing),
    "pbx": Part(("trunks",), lambda: {"accounts": accounts_at_pbx()}),
    "alerts": Part(("alerts",), _nothing),
    "health": Part(("alerts", "lines"), _nothing),
}
