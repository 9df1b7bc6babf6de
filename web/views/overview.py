"""Dashboard, running calls, couriers, lines, phones, alerts: what is known at once."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web import parts
from web.gateway_client import Refused
from web.notices import flash_not_done
from web.reader import asker, client, may, now, snapshot, start_of_day
from web.translation import gettext
from web.views.entry import own_path

overview = Blueprint("overview", __name__)


@overview.get("/")
def dashboard() -> str:
    """How things are, at a glance."""
    return render_template("dashboard.html")


@overview.get("/live")
def live() -> str:
    """The calls that run now."""
    return render_template("live.html")


@overview.get("/couriers")
def couriers() -> str:
    """The people on the road, and what their customers will see."""
    day = client().courier_day(asker(), since=start_of_day().isoformat(), until=now().isoformat())
    return render_template("couriers.html", routes=client().presented(asker()), day=day, snapshot=snapshot())


@overview.post("/couriers/<extension>/shift")
def shift(extension: str) -> Response:
    """A courier's shift begins or ends."""
    client().set_shift(asker(), extension, on_shift=request.form.get("on_shift") == "yes")
    return redirect(url_for("overview.couriers"))


@overview.get("/lines")
def lines() -> str:
    """SIM lines and the modems that carry them."""
    return render_template("lines.html")


@overview.get("/phones")
def phones() -> str:
    """The shop's SIP phones."""
    return render_template("phones.html")


@overview.get("/alerts")
def alerts() -> str:
    """What a person should know."""
    return render_template("alerts.html", deliveries=client().deliveries(asker()) if may("shop") else [])


@overview.get("/more")
def more() -> str:
    """The rest of the menu, on a small screen."""
    return render_template("more.html")


@overview.get("/parts/<name>")
def part(name: str) -> str:
    """One live part of a page, by itself."""
    if name not in parts.PARTS:
        abort(404)
    return parts.render(name)


@overview.post("/calls/<call_id>/silence")
def keep_silence(call_id: str) -> Response:
    """Keep nothing of what is said, card data for instance, or keep it again."""
    verb = client().pause_recording if request.form.get("paused") == "yes" else client().resume_recording
    try:
        verb(asker(), call_id)
    except Refused as refusal:
        if refusal.status not in (404, 409):
            raise
        flash_not_done(gettext("That call is no longer being recorded."))
    return redirect(url_for("overview.live"))


@overview.post("/calls/<call_id>/hangup")
def hang_up(call_id: str) -> Response:
    """End a running call."""
    try:
        client().hang_up(asker(), call_id)
    except Refused as refusal:
        if refusal.status != 404:
            raise
        flash_not_done(gettext("That call is already over."))
    else:
        flash(gettext("The call is being ended."))
    return redirect(own_path(request.form.get("next", "/live")))


@overview.post("/calls/<call_id>/transfer")
def transfer(call_id: str) -> Response:
    """Connect who talks to a phone of the shop with somebody else."""
    to = request.form.get("to", "")
    try:
        client().transfer(asker(), call_id, to=to, key=request.form.get("key", ""))
    except Refused as refusal:
        if refusal.status not in (400, 403, 404, 409):
            raise
        flash_not_done(gettext("That call cannot be handed over to %(to)s now.", to=to))
    else:
        flash(gettext("The call is handed over as soon as %(to)s answers.", to=to))
    return redirect(url_for("overview.live"))


@overview.post("/calls/<call_id>/join")
def join(call_id: str) -> Response:
    """Ring a phone that joins a running call."""
    extension, mode = request.form.get("extension", ""), request.form.get("mode", "")
    try:
        if mode in ("conference", "consult"):
            client().confer(asker(), call_id, extension=extension, mode=mode)
        else:
            client().join_call(asker(), call_id, extension=extension, mode=mode)
    except Refused as refusal:
        if refusal.status not in (404, 409):
            raise
        flash_not_done(gettext("That is not possible now: the call is over, or the phone is away or already in it."))
    else:
        flash(gettext("The phone %(extension)s rings.", extension=extension))
    return redirect(url_for("overview.live"))


@overview.post("/calls/<call_id>/parties/<leg_id>/drop")
def drop(call_id: str, leg_id: str) -> Response:
    """Let one party of a running call go."""
    try:
        client().drop_party(asker(), call_id, leg_id)
    except Refused as refusal:
        if refusal.status not in (404, 409):
            raise
        flash_not_done(gettext("That person has already left the call."))
    return redirect(url_for("overview.live"))


@overview.post("/calls/<call_id>/parties/<leg_id>/hand-over")
def hand_over(call_id: str, leg_id: str) -> Response:
    """Whoever is consulted goes on with the customer."""
    try:
        client().hand_over(asker(), call_id, leg_id)
    except Refused as refusal:
        if refusal.status not in (404, 409):
            raise
        flash_not_done(gettext("Nobody consults that party any more."))
    return redirect(url_for("overview.live"))


@overview.post("/alerts/<alert_id>/acknowledge")
def acknowledge(alert_id: str) -> Response:
    """Note that the alert was seen."""
    try:
        client().acknowledge(asker(), alert_id)
    except Refused as refusal:
        if refusal.status != 404:
            raise
        flash_not_done(gettext("That alert is already over."))
    return redirect(url_for("overview.alerts"))
