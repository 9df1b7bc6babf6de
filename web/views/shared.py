"""The calls of all gateways that share a database, and how far each of them has sent what it has."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from web import timeline
from web.gateway_client import Refused
from web.people import Directory
from web.reader import asker, client, snapshot
from web.sounds import pass_through
from web.told import midnight

shared = Blueprint("shared", __name__)

CHIPS = {
    "missed": {"direction": "incoming", "outcome": "missed"},
    "incoming": {"direction": "incoming"},
    "outgoing": {"direction": "outgoing"},
}
FILTERS = ("show", "search", "gateway", "from", "to")
NOT_SHARED = "not-shared"


@shared.get("/gateways")
def page() -> str:
    """The gateways, and the list of their calls; its filters are in the address."""
    chosen = {name: request.args.get(name, "").strip()[:64] for name in FILTERS}
    query: dict[str, str | int | None] = {
        **CHIPS.get(chosen["show"], {}),
        "search": chosen["search"],
        "gateway": chosen["gateway"],
        "since": midnight(chosen["from"]),
        "until": midnight(chosen["to"], days=1),
        "cursor": request.args.get("cursor"),
    }
    refusal: Refused | None = None
    known: dict[str, Any] | None = None
    calls: dict[str, Any] = {"items": [], "next": None}
    try:
        known = client().gateways(asker())
        calls = client().gateway_calls(asker(), **query)
    except Refused as problem:
        if problem.status not in (400, 503) and problem.code != NOT_SHARED:
            raise
        refusal = problem
    return render_template(
        "gateways.html",
        known=known,
        page=calls,
        refusal=refusal,
        chosen=chosen,
        given={name: value for name, value in chosen.items() if value},
        directory=Directory(snapshot()),
    )


@shared.get("/gateways/calls/<call_id>")
def call(call_id: str) -> str:
    """One call of any of them."""
    found = client().gateway_call(asker(), call_id)
    directory = Directory(snapshot())
    return render_template(
        "gateway_call.html", call=found, story=timeline.tell(found, directory), directory=directory,
        back=url_for("shared.page"),
    )  # fmt: skip


@shared.get("/gateways/recordings/<recording_id>.wav")
def recording(recording_id: str) -> Response:
    """Its sound, from the store that they share."""
    is_download = "download" in request.args
    return pass_through(
        lambda headers: client().gateway_recording(asker(), recording_id, headers, is_download=is_download),
        is_download=is_download,
    )
