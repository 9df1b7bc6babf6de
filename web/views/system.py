"""The machine: versions, what the doctor finds, backups, the log, and what to send to who helps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from web.gateway_client import Refused
from web.notices import flash_not_done
from web.passing import passed_on
from web.reader import asker, client
from web.translation import gettext

system = Blueprint("system", __name__)

_SHOWN_LINES = 300
_MOST_LINES = 5_000


@system.get("/system")
def page() -> str:
    """How the machine stands; problems first."""
    try:
        found, refusal = client().system(asker()), None
    except Refused as refused:
        if refused.status != 503:
            raise
        found, refusal = None, refused
    order = ("problem", "warning", "ok")
    findings = sorted(found["findings"], key=lambda each: order.index(each["severity"])) if found else []
    backups = client().backups(asker()) if found else None
    since = _switched_on(found) if found else None
    return render_template(
        "system.html", system=found, findings=findings, backups=backups, refusal=refusal, since=since
    )


def _switched_on(found: dict[str, Any]) -> str:
    """When the machine was."""
    return (datetime.fromisoformat(found["time"]) - timedelta(seconds=found["vitals"]["up_seconds"])).isoformat()


@system.get("/parts/backups")
def backups() -> str:
    """The part of the page that shows the backups, while one is being made."""
    return render_template("backups.html", backups=client().backups(asker()))


@system.post("/system/backups")
def make_backup() -> AnyResponse:
    """Have one made now."""
    client().begin_backup(asker())
    return redirect(url_for("system.page") + "#backups")


@system.get("/system/passphrase")
def passphrase() -> str:
    """The form in which the passphrase of the backups is chosen."""
    return _passphrase()


@system.post("/system/passphrase")
def keep_passphrase() -> AnyResponse | tuple[str, int]:
    """Choose it."""
    form = request.form
    if form.get("passphrase") != form.get("passphrase_again"):
        return _passphrase(differ=True), 422
    if not form.get("sure"):
        return _passphrase(unsure=True), 422
    try:
        client().keep_passphrase(asker(), form.get("passphrase", ""))
    except Refused as refusal:
        if refusal.status >= 500 or refusal.code in ("not-signed-in", "forbidden", "second-step-needed"):
            raise
        return _passphrase(refusal=refusal), refusal.status
    flash(gettext("From now on backups are encrypted with the new passphrase."))
    return redirect(url_for("system.page"))


def _passphrase(**told: object) -> str:
    backups = client().system(asker())["backups"]
    return render_template("passphrase.html", backups=backups, **{"refusal": None, **told})


@system.post("/alerts/test")
def test_alerts() -> AnyResponse:
    """Send a test to everywhere that alerts go."""
    if client().test_deliveries(asker()):
        flash(gettext("A test is on its way. Reload the page in a few seconds to see the result below."))
    else:
        flash_not_done(gettext("Alerts are not sent anywhere yet: first set where to."))
    return redirect(url_for("overview.alerts"))


@system.get("/system/log")
def log() -> str:
    """The last lines of the log, the newest first; those with a word, when one is in the address."""
    search, lines = _log_lines(_SHOWN_LINES)
    return render_template("system_log.html", lines=lines[::-1][:_SHOWN_LINES], search=search)


@system.get("/system/log.txt")
def log_file() -> AnyResponse:
    """The same as a file, and more of it, the oldest first."""
    _, lines = _log_lines(_MOST_LINES)
    headers = {"Content-Disposition": 'attachment; filename="simbridge-log.txt"'}
    return Response("".join(line + "\n" for line in lines), mimetype="text/plain", headers=headers)


def _log_lines(usual: int) -> tuple[str, list[str]]:
    """What is searched for, and the lines that have it, the oldest first: of all that can be had, if it is anything."""
    search = request.args.get("search", "").strip()[:64]
    lines = client().system_log(asker(), limit=_MOST_LINES if search else usual)
    return search, [line for line in lines if search.casefold() in line.casefold()]


@system.get("/system/backups/<backup_name>")
def backup(backup_name: str) -> Response:
    """A backup, for another disk than the gateway's."""
    return passed_on(client().backup(asker(), backup_name))


@system.get("/system/support-bundle")
def support_bundle() -> Response:
    """What helps to find a fault."""
    return passed_on(client().support_bundle(asker()))
