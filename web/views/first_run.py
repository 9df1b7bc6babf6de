"""The first steps of a new shop, each done where it is shown; and modems to try things without any."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.first_steps import start_page
from web.gateway_client import Refused
from web.own_phone import COOKIE
from web.reader import asker, client
from web.told import spans
from web.translation import gettext
from web.trunk_trial import tried
from web.views.entry import keep_for_browser

first_run = Blueprint("first_run", __name__)

_WORKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
_LINE = ("imei", "modem", "number")
_TRUNK = ("host", "user", "password", "number", "transport")
_SAID = (400, 404, 409, 422, 503)


@first_run.post("/start/emulated")
def begin() -> Response | tuple[str, int]:
    """Modems that are emulated."""
    text = gettext("There are now three emulated modems with SIM cards, and a courier. No call leaves the gateway.")
    return _done("modems", lambda: client().begin_emulated_modems(asker()), text)


@first_run.post("/start/emulated/end")
def end() -> Response | tuple[str, int]:
    """No more of them."""
    text = gettext("The emulated modems are gone, with their lines, calls and recordings.")
    return _done("modems", lambda: client().end_emulated_modems(asker()), text)


@first_run.post("/start/line")
def line() -> Response | tuple[str, int]:
    """A modem that was found becomes a line."""
    name = _told("name")
    if _is_taken("lines", "name", name):
        return _page_again("modems", taken=name)
    values = {each: _told(each) for each in _LINE if _told(each)}
    text = gettext("%(name)s is now a line.", name=name)
    return _done("modems", lambda: client().change_part(asker(), "lines", name or " ", values), text)


@first_run.post("/start/courier")
def courier() -> Response | tuple[str, int]:
    """One more courier."""
    extension = _told("extension")
    if _is_taken("couriers", "extension", extension):
        return _page_again("couriers", taken=extension)
    values = {"name": _told("name"), "mobile": _told("mobile")}
    text = gettext("%(name)s is saved.", name=values["name"] or extension)
    return _done("couriers", lambda: client().change_part(asker(), "couriers", extension or " ", values), text)


@first_run.post("/start/phone")
def phone() -> Response | tuple[str, int]:
    """A phone, which this browser will be."""
    extension = _told("extension")
    if _is_taken("phones", "extension", extension):
        return _page_again("phones", taken=extension)
    values = {"name": _told("name")}
    text = gettext("Phone %(extension)s is saved. Switch it on in its own window.", extension=extension)
    answer = _done("phones", lambda: client().change_part(asker(), "phones", extension or " ", values), text)
    if isinstance(answer, Response):
        keep_for_browser(answer, COOKIE, extension)
    return answer


@first_run.post("/start/provider/try")
def try_provider() -> str | tuple[str, int]:
    """What a provider says to an account; nothing is kept. Of a form that stays open only this is shown anew."""
    form = {name: _told(name) for name in ("name", *_TRUNK)}
    if request.headers.get("HX-Request"):
        try:
            return render_template("parts/tried.html", tried=tried(form))
        except Refused as refusal:
            return render_template("parts/tried.html", refusal=refusal)
    shown = {**form, "password": ""}
    try:
        return start_page(at="trunks", tried=tried(form), form=shown)
    except Refused as refusal:
        return _refused("trunks", refusal, shown)


@first_run.post("/start/provider")
def provider() -> Response | tuple[str, int]:
    """Keep a provider's account."""
    form = {name: _told(name) for name in ("name", *_TRUNK)}
    if _is_taken("trunks", "name", form["name"]):
        return _page_again("trunks", taken=form["name"])
    values = {name: form[name] for name in _TRUNK if form[name]}
    text = gettext("%(name)s is saved.", name=form["name"])
    return _done("trunks", lambda: client().change_part(asker(), "trunks", form["name"] or " ", values), text)


@first_run.post("/start/hours")
def hours() -> Response | tuple[str, int]:
    """The same hours on all working days; whatever else is set stays."""
    table = client().hours(asker())
    table |= dict.fromkeys(_WORKDAYS, spans(_told("workdays")))
    table |= {day: spans(_told(day)) for day in ("saturday", "sunday")}
    return _done("hours", lambda: client().change_hours(asker(), table), gettext("The hours have been changed."))


@first_run.post("/start/recording")
def recording() -> Response | tuple[str, int]:
    """What is recorded, and how people are told."""
    values = {name: _told(name) for name in ("recorded_calls", "recording_notice")}
    if values["recorded_calls"] != "none" and "told" not in request.form:
        problem = gettext("Tick that you have decided how people are warned about recording.")
        return start_page(at="recording", problem=problem, form=values), 400
    text = gettext("The shop has been changed.")
    return _done("recording", lambda: client().change_general(asker(), values), text)


@first_run.post("/start/call")
def call() -> Response | str | tuple[str, int]:
    """Ring a phone for a test call; of an open page only what becomes of it is shown anew."""
    is_part = bool(request.headers.get("HX-Request"))
    try:
        made = client().begin_test_call(asker(), _told("extension"))
    except Refused as refusal:
        if refusal.status not in _SAID:
            raise
        return render_template("parts/tried.html", refusal=refusal) if is_part else _refused("call", refusal, _typed())
    if is_part:
        return call_now(made)
    return redirect(url_for("parties.start", call=made, _anchor="call"))


@first_run.get("/start/call/<call_id>")
def call_now(call_id: str) -> str:
    """What has become of a test call so far: a part of the page."""
    return render_template("parts/test_call.html", trial=client().test_call(asker(), call_id), call_id=call_id)


def _told(name: str) -> str:
    return request.form.get(name, "").strip()


def _typed() -> dict[str, str]:
    """What was typed, but secrets."""
    return {name: value for name, value in request.form.items() if name not in ("password", "csrf_token")}


def _is_taken(kind: str, key: str, wanted: str) -> bool:
    return any(each[key] == wanted for each in client().shop_parts(asker(), kind))


def _done(step: str, act: Callable[[], None], text: str) -> Response | tuple[str, int]:
    try:
        act()
    except Refused as refusal:
        return _refused(step, refusal, _typed())
    return _step(step, text)


def _step(step: str, text: str) -> Response:
    flash(text)
    return redirect(url_for("parties.start", _anchor=step))


def _page_again(step: str, *, taken: str) -> tuple[str, int]:
    problem = gettext("There is already one with that name.") + f" ({taken})"
    return start_page(at=step, problem=problem, form=_typed()), 409


def _refused(step: str, refusal: Refused, form: dict[str, str]) -> tuple[str, int]:
    if refusal.status not in _SAID:
        raise refusal
    return start_page(refusal=refusal, at=step, form=form), refusal.status
