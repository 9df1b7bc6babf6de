"""Calls and their recordings: what has been."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from web import parts, timeline
from web.gateway_client import Refused
from web.people import Directory, card_of, outside_of
from web.places import places_of
from web.reader import asker, client, snapshot
from web.told import midnight
from web.translation import gettext

history = Blueprint("history", __name__)

CHIPS = {
    "missed": {"direction": "incoming", "outcome": "missed"},
    "incoming": {"direction": "incoming"},
    "outgoing": {"direction": "outgoing"},
    "internal": {"direction": "internal"},
    "recorded": {"recorded": "true"},
}
CAPTURE_SECONDS = ("10", "30", "60")
FILTERS = ("show", "search", "courier", "line", "from", "to")
_PASSED_ON = ("Range", "If-Range", "If-None-Match")
_PASSED_BACK = (
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Accept-Ranges",
    "ETag",
    "X-Content-Type-Options",
    "Content-Disposition",
)


@history.get("/calls")
def calls() -> str:
    """The list of calls; its filters are in the address."""
    chosen = {name: request.args.get(name, "").strip()[:64] for name in FILTERS}
    query: dict[str, str | int | None] = {
        **CHIPS.get(chosen["show"], {}),
        "search": chosen["search"],
        "courier": chosen["courier"],
        "line": chosen["line"],
        "since": midnight(chosen["from"]),
        "until": midnight(chosen["to"], days=1),
        "cursor": request.args.get("cursor"),
    }
    page = parts.calls_or_reason(**query)
    return render_template(
        "calls.html",
        page=page,
        chosen=chosen,
        snapshot=snapshot(),
        directory=Directory(snapshot()),
        given={name: value for name, value in chosen.items() if value},
        places=places_of(each[key] for each in page["items"] for key in ("caller", "called")),
    )


@history.get("/calls/<call_id>")
def call(call_id: str) -> str:
    """One call: who, when, how it went, what was recorded."""
    found = client().call(asker(), call_id)
    directory = Directory(snapshot())
    wires = timeline.wires(found)
    if not found["ended_at"]:
        try:
            wires = client().call_trace(asker(), call_id)
        except Refused as refusal:  # it has ended in this moment
            if refusal.status != 404:
                raise
    return render_template(
        "call.html",
        wires=wires,
        places=places_of((found["caller"], found["called"])),
        capture_seconds=CAPTURE_SECONDS,
        call=found,
        story=timeline.tell(found, directory),
        card=card_of(outside_of(found)),
        snapshot=snapshot(),
        directory=directory,
    )


@history.post("/calls/<call_id>/hold")
def hold(call_id: str) -> AnyResponse:
    """Keep the recordings of a call for a dispute."""
    client().hold_call(asker(), call_id, request.form.get("why", "").strip()[:200])
    flash(gettext("The recordings of this call are held."))
    return redirect(url_for("history.call", call_id=call_id))


@history.post("/calls/<call_id>/release")
def release(call_id: str) -> AnyResponse:
    """Let them go when their time comes."""
    client().release_call(asker(), call_id)
    flash(gettext("The recordings of this call are no longer held."))
    return redirect(url_for("history.call", call_id=call_id))


@history.post("/calls/<call_id>/packets")
def packets(call_id: str) -> Response:
    """What passes on the wires of a running call for some seconds, as a file for network people."""
    seconds = request.form.get("seconds", "")
    content = client().call_packets(asker(), call_id, seconds=int(seconds) if seconds in CAPTURE_SECONDS else 10)
    name = "".join(each for each in call_id if each.isalnum() or each in "-_")
    return Response(
        content,
        mimetype="application/vnd.tcpdump.pcap",
        headers={"Content-Disposition": f'attachment; filename="{name}.pcap"', "Cache-Control": "no-store"},
    )


@history.get("/recordings/<recording_id>.wav")
def recording(recording_id: str) -> Response:
    """The sound, passed through piece by piece."""
    wanted = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    with ExitStack() as stack:
        status, headers, pieces = stack.enter_context(
            client().recording(asker(), recording_id, wanted, is_download="download" in request.args)
        )
        kept_open = stack.pop_all()

    def send() -> Iterator[bytes]:
        with kept_open:
            yield from pieces

    response = Response(send(), status=status, direct_passthrough=True)
    response.call_on_close(kept_open.close)
    for name in _PASSED_BACK:
        if name in headers:
            response.headers[name] = headers[name]
    if "download" in request.args:
        named = response.headers.get("Content-Disposition", "inline")
        response.headers["Content-Disposition"] = named.replace("inline", "attachment", 1)
    return response


@history.get("/recordings/<recording_id>/peaks.json")
def peaks(recording_id: str) -> dict[str, Any]:
    """The waveform."""
    return client().peaks(asker(), recording_id)
