"""The parts of a shop by forms; what is so of the whole; and the first steps of a new one."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.first_steps import start_page
from web.gateway_client import Refused
from web.part_fields import PartForm
from web.part_forms import KINDS, form_of
from web.reader import asker, client, language, snapshot
from web.seen import is_outdated
from web.translation import gettext
from web.undo import offer_shop_undo, shop_number
from web.views.entry import own_path
from web.views.line_rules import accepted
from web.views.routing import route_trial

parties = Blueprint("parties", __name__)

_GENERAL = ("name", "language", "time_zone", "currency", "country", "recorded_calls", "recording_notice")


@parties.get("/start")
def start() -> str:
    """What a new shop still lacks, in the order in which it is needed."""
    return start_page()


@parties.get("/shop/general")
def general() -> str:
    """Name, language, time zone; what is recorded."""
    return _general_page(client().general(asker()))


@parties.post("/shop/general")
def change_general() -> Response | tuple[str, int]:
    """Other values."""
    told = {name: request.form.get(name, "").strip() for name in _GENERAL}
    if told["recorded_calls"] != "none" and "told" not in request.form:
        text = gettext("Tick that you have decided how people are warned about recording.")
        return _general_page(told, missing=text), 400
    kept = client().general(asker())
    if is_outdated(kept):
        return _general_page(told, is_old=True), 409
    was = shop_number()
    try:
        client().change_general(asker(), told)
    except Refused as refusal:
        if refusal.status not in (400, 422):
            raise
        return _general_page(told, refusal), refusal.status
    offer_shop_undo(gettext("The shop has been changed."), was, back=url_for("parties.general"))
    return redirect(own_path(request.args.get("next") or url_for("parties.general")))


@parties.get("/shop/<kind>")
def parts(kind: str) -> str:
    """All of a kind."""
    form = _form(kind)
    return render_template(
        "parts_list.html", form=form, entries=client().shop_parts(asker(), kind), snapshot=snapshot(), kinds=_kinds()
    )


@parties.get("/shop/<kind>/new")
def new(kind: str) -> str:
    """A form for a new one; the address may fill it in, as the list of modems does."""
    form = _form(kind)
    known = {each.name for each in form.fields} | {form.key}
    return _page(form, {name: value for name, value in request.args.items() if name in known}, is_new=True)


@parties.post("/shop/<kind>/new")
def add(kind: str) -> Response | tuple[str, int]:
    """A new one, unless there is one of that name."""
    form = _form(kind)
    key = request.form.get(form.key, "").strip()
    told = form.told(request.form)
    if any(each[form.key] == key for each in client().shop_parts(asker(), kind)):
        return _page(form, {**told, form.key: key}, is_new=True, taken=True), 409
    return _keep(form, key, told, is_new=True)


@parties.get("/shop/<kind>/edit/<part>")
def edit(kind: str, part: str) -> str:
    """One of them."""
    form = _form(kind)
    found = _kept(form, part)
    if found is None:
        abort(404)
    return _page(form, found, is_new=False)


@parties.post("/shop/<kind>/edit/<part>")
def change(kind: str, part: str) -> Response | tuple[str, int]:
    """Other values."""
    form = _form(kind)
    told = form.told(request.form)
    kept = _kept(form, part)
    if kept is not None and is_outdated(kept):
        return _page(form, {**told, form.key: part}, is_new=False, is_old=True), 409
    return _keep(form, part, told, is_new=False)


@parties.post("/shop/<kind>/edit/<part>/remove")
def remove(kind: str, part: str) -> Response | tuple[str, int]:
    """Take it away."""
    form, was = _form(kind), shop_number()
    try:
        client().remove_part(asker(), kind, part)
    except Refused as refusal:
        if refusal.status != 422:
            raise
        return _page(form, _kept(form, part) or {form.key: part}, refusal, is_new=False), refusal.status
    text = gettext("%(name)s has been removed.", name=part)
    offer_shop_undo(text, was, back=url_for("parties.parts", kind=kind))
    return redirect(url_for("parties.parts", kind=kind))


@parties.post("/shop/phones/edit/<part>/password")
def renew(part: str) -> Response:
    """Another password, which nobody knows: whoever had the old one is out."""
    client().change_part(asker(), "phones", part, {"password": None})
    flash(gettext("Phone %(extension)s has a new password: set it up again.", extension=part))
    return redirect(url_for("overview.phones"))


def _form(kind: str) -> PartForm:
    form = form_of(kind)
    if form is None:
        abort(404)
    return form


def _kept(form: PartForm, part: str) -> dict[str, Any] | None:
    """As it is now; None: there is none of that name."""
    return next((each for each in client().shop_parts(asker(), form.kind) if each[form.key] == part), None)


def _kinds() -> list[PartForm]:
    return [form for form in map(form_of, KINDS) if form is not None]


def _keep(form: PartForm, key: str, told: dict[str, Any], *, is_new: bool) -> Response | tuple[str, int]:
    was = shop_number()
    try:
        client().change_part(asker(), form.kind, key or " ", told | accepted())
    except Refused as refusal:
        if refusal.status not in (400, 422):
            raise
        return _page(form, {**told, form.key: key}, refusal, is_new=is_new), refusal.status
    back = url_for("parties.parts", kind=form.kind)
    offer_shop_undo(gettext("%(name)s is saved.", name=key), was, back=back)
    return redirect(back)


def _page(
    form: PartForm,
    values: dict[str, Any],
    refusal: Refused | None = None,
    *,
    is_new: bool,
    taken: bool = False,
    is_old: bool = False,
) -> str:
    """The form with these values. `is_old`: they were entered over others than there are now."""
    is_branch = form.kind == "branches"
    return render_template(
        "part_form.html",
        form=form,
        values=form.shown_values(values),
        choices=_choices() if is_branch else {},
        trial=route_trial() if is_branch and not is_new else None,
        refusal=refusal,
        is_new=is_new,
        taken=taken,
        is_old=is_old,
        kept={} if is_new else _kept(form, values[form.key]) or {},
        snapshot=snapshot(),
    )


def _choices() -> dict[str, list[tuple[str, str]]]:
    """What only the gateway can tell that one may choose from, by the names of fields."""
    regions = [(each["key"], each["ru" if language() == "ru" else "en"]) for each in client().regions(asker())]
    return {"region": [("", "–"), *sorted(regions, key=lambda region: region[1])]}


def _general_page(
    values: dict[str, str], refusal: Refused | None = None, missing: str = "", *, is_old: bool = False
) -> str:
    zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix/")))
    return render_template(
        "general.html", values=values, refusal=refusal, missing=missing, zones=zones, is_old=is_old,
        kept=client().general(asker()),
    )  # fmt: skip
