"""Calls and their recordings: what has been."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from web import parts, timeline
from web.gateway_client import Refused
from web.passing import passed_on
from web.people import Directory, card_of, outside_of
from web.places import places_of
from web.reader import asker, client, snapshot
from web.sounds import pass_through
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
MOST_TICKED = 100
"""A page of the list has fewer; the API takes no more."""
MOST_OFFERED_TAGS = 20
"""More can be written, and found by the list's filter."""
CAPTURE_SECONDS = ("10", "30", "60")
FILTERS = ("show", "search", "courier", "line", "tag", "from", "to")


@history.get("/calls")
def calls() -> str:
    """The list of calls; its filters are in the address."""
    chosen = _chosen()
    given = {name: value for name, value in chosen.items() if value}
    page = parts.calls_or_reason(**_query(chosen), cursor=request.args.get("cursor"))
    return render_template(
        "calls.html",
        page=page,
        chosen=chosen,
        snapshot=snapshot(),
        directory=Directory(snapshot()),
        given=given,
        tags=_known_tags(),
        places=places_of(each[key] for each in page["items"] for key in ("caller", "called")),
    )


@history.get("/calls.csv")
def calls_table() -> Response:
    """All calls that the filters leave, for a spreadsheet."""
    zone = snapshot()["shop"]["time_zone"]
    return passed_on(client().calls_table(asker(), **_query(_chosen()), zone=zone))


@history.get("/calls/recordings")
def pack() -> str:
    """What a file of recordings would hold, before it is made: those of ticked calls, or all that the filters leave."""
    query = _pack_query()
    chosen = _chosen()
    return render_template(
        "recordings_pack.html",
        size=client().pack_size(asker(), **query),
        ticked=_ticked(),
        given={name: value for name, value in chosen.items() if value},
    )


@history.get("/calls/recordings.zip")
def pack_file() -> Response:
    """That file, passed through piece by piece."""
    zone = snapshot()["shop"]["time_zone"]
    return passed_on(client().recordings_pack(asker(), **_pack_query(), zone=zone))


def _known_tags() -> list[str]:
    """The most used first; none while the worker is away, which the page tells anyhow."""
    try:
        return [each["tag"] for each in client().call_tags(asker())]
    except Refused as refusal:
        if refusal.status != 503:
            raise
        return []


def _pack_query() -> dict[str, str | int | None]:
    ticked = _ticked()
    return {"calls": ",".join(ticked)} if ticked else _query(_chosen())


def _ticked() -> list[str]:
    return [each[:64] for each in request.args.getlist("call") if each][:MOST_TICKED]


def _chosen() -> dict[str, str]:
    return {name: request.args.get(name, "").strip()[:64] for name in FILTERS}


def _query(chosen: dict[str, str]) -> dict[str, str | int | None]:
    """What the API is asked for the filters of the address."""
    return {
        **CHIPS.get(chosen["show"], {}),
        "search": chosen["search"],
        "courier": chosen["courier"],
        "line": chosen["line"],
        "tag": chosen["tag"],
        "since": midnight(chosen["from"]),
        "until": midnight(chosen["to"], days=1),
    }


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
        tags=_known_tags()[:MOST_OFFERED_TAGS],
        snapshot=snapshot(),
        directory=directory,
    )


@history.post("/calls/<call_id>/hold")
def hold(call_id: str) -> AnyResponse:
    """Keep the recordings of a call for a dispute."""
    client().hold_call(asker(), call_id, request.form.get("why", "").strip()[:200])
    flash(gettext("The recordings of this call are kept for a dispute."))
    return redirect(url_for("history.call", call_id=call_id))


@history.post("/calls/<call_id>/release")
def release(call_id: str) -> AnyResponse:
    """Let them go when their time comes."""
    client().release_call(asker(), call_id)
    flash(gettext("The recordings of this call are no longer kept for a dispute."))
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
    is_download = "download" in request.args
    return pass_through(
        lambda headers: client().recording(asker(), recording_id, headers, is_download=is_download),
        is_download=is_download,
    )


@history.get("/recordings/<recording_id>/peaks.json")
def peaks(recording_id: str) -> dict[str, Any]:
    """The waveform."""
    return client().peaks(asker(), recording_id)
