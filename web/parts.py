"""The live parts of pages: each is rendered within its page, and again by itself when news of its topics come."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import render_template
from markupsafe import Markup

from web.comparison import compare_shares
from web.gateway_client import Refused
from web.own_pbx import ACCOUNT, accounts_at_pbx
from web.people import Directory, cards_of, queue_title
from web.reader import asker, client, may, snapshot
from web.timeline import step_title
from web.trunk_trial import in_words

_RECENT = 10
_MOST_ALERTS = 5
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


def promises() -> dict[str, dict[str, Any]]:
    """By the customer's number the call-back that is promised, or else the last one that came to nothing."""
    found = client().call_backs(asker())
    in_vain = [each for each in found["over"] if each["state"] in ("failed", "expired")]
    return {each["number"]: each for each in (*reversed(in_vain), *found["waiting"])}


def _live_calls() -> dict[str, Any]:
    """`key` makes what is asked of a call by this page happen once, however often its button is pressed."""
    return {
        "key": secrets.token_urlsafe(12),
        "cards": cards_of(snapshot()["calls"]),
        "queue_title": queue_title,
        "step_title": step_title,
    }


def _tiles() -> dict[str, Any]:
    """What the snapshot alone tells: it is shown anew whenever a phone rings."""
    states = [line["state"] for line in snapshot()["lines"]]
    return {
        "lines_free": states.count("ready"),
        "lines_busy": states.count("busy"),
        "talking": sum(1 for call in snapshot()["calls"] if call["state"] == "talking"),
        "registered": sum(1 for phone in snapshot()["phones"] if phone["registered"]),
    }


def _today() -> dict[str, Any]:
    """What the calls of the day came to; None with the reason (`refusal`) where that is not to be had now."""
    try:
        found = client().overview(asker())
    except Refused as refusal:
        if refusal.status != 503:
            raise
        return {"found": None, "refusal": refusal}
    today, before = found["today"], found["days_before"]
    guard = client().toll_free(asker()) if may("shop") else None
    return {
        "found": found,
        "refusal": None,
        "quick": compare_shares(today["service_level"], before["service_level"], good=1),
        "lost": compare_shares(today["missed_share"], before["missed_share"], good=-1),
        "guard": guard if guard is not None and guard["rules"]["daily_budget"] else None,
    }


def _attention() -> dict[str, Any]:
    """What is not as it should be: alerts, the newest first, and lines, providers and phones that are away."""
    found = snapshot()
    told = {(alert["code"], alert["subject"].removeprefix("line ")) for alert in found["alerts"]}
    return {
        "alerts": sorted(found["alerts"], key=lambda alert: str(alert["raised_at"]), reverse=True)[:_MOST_ALERTS],
        "lines": [
            line
            for line in found["lines"]
            if line["state"] not in ("ready", "busy") and not told & {(line["reason"], line["name"])}
        ],
        "trunks": [
            (trunk, in_words(trunk, "trunk_reasons", good="ready") if trunk["reason"] else None)
            for trunk in found["trunks"]
            if trunk["state"] != "ready" and not trunk["name"].startswith(ACCOUNT)
        ],
        "phones": [phone for phone in found["phones"] if not phone["registered"]],
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


def _queue() -> dict[str, Any]:
    """`talking` and `ringing` are the extensions of phones that are in a call, or ring, now."""
    legs = [leg for call in snapshot()["calls"] for leg in call["legs"] if leg["line"] is None]
    phones = snapshot()["phones"]
    return {
        "reasons": _pause_reasons(),
        "queue_title": queue_title,
        "talking": {leg["peer"] for leg in legs if leg["state"] == "up" or leg["direction"] == "incoming"},
        "ringing": {leg["peer"] for leg in legs if leg["state"] == "ringing" and leg["direction"] == "outgoing"},
        "away": {phone["extension"] for phone in phones if not phone["registered"]},
    }


def _found() -> dict[str, Any]:
    """A colour for the next line, as people name SIMs; and whether modems are emulated."""
    taken = {line["name"] for line in snapshot()["lines"]}
    free = next((name for name in _LINE_NAMES if name not in taken), f"line-{len(taken) + 1}")
    return {"free_line": free, "emulated": client().emulated_modems(asker())}


def _nothing() -> dict[str, Any]:
    return {}


PARTS = {
    "tiles": Part(("calls", "queue", "lines", "phones"), _tiles),
    "today": Part(("history", "missed", "contacts"), _today),
    "attention": Part(("alerts", "lines", "trunks", "phones"), _attention),
    "sims": Part(("lines", "history"), _nothing),
    "missed": Part(("history", "missed", "orders"), lambda: {"page": missed_or_reason(), "promises": promises()}),
    "live_calls": Part(("calls", "contacts"), _live_calls),
    "recent_calls": Part(("history",), lambda: {"calls": calls_or_reason(limit=_RECENT)}),
    "lines": Part(("calls", "lines"), _nothing),
    "start_modems": Part(("lines",), _found),
    "modems": Part(("lines",), _nothing),
    "couriers": Part(("calls",), _nothing),
    "queue": Part(("calls", "queue"), _queue),
    "unheard": Part(("voicemail",), _nothing),
    "phones": Part(("phones", "calls"), _nothing),
    "pbx": Part(("trunks",), lambda: {"accounts": accounts_at_pbx()}),
    "alerts": Part(("alerts",), _nothing),
    "health": Part(("alerts", "lines"), _nothing),
}
