"""People outside: the list, a form for one, files of many; and notes on calls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from web.gateway_client import Refused
from web.notices import flash_not_done
from web.people import card_of
from web.reader import asker, client, snapshot
from web.seen import is_outdated
from web.translation import gettext
from web.undo import offer_undo, told_of_table, withdraw_offer

contacts = Blueprint("contacts", __name__)

LARGEST_CONTACTS_BYTES = 16 * 1024 * 1024
"""Cards with pictures are large; the worker takes no more."""
FILTERS = ("search", "tag", "manager")
_FIELDS = ("name", "phones", "manager", "tags", "note")
_CARDS = re.compile(rb"^(?:\xef\xbb\xbf)?\s*BEGIN:VCARD", re.IGNORECASE)
_PASSED_BACK = ("Content-Type", "Content-Disposition")


@contacts.get("/contacts")
def page() -> str:
    """The contacts by name, and forms for more; with `phone` in the address the form has begun."""
    form = {"phones": request.args.get("phone", "").strip()[:64], "name": request.args.get("name", "").strip()[:100]}
    return _page(form=form if form["phones"] else None)


@contacts.post("/contacts")
def add() -> str | AnyResponse | tuple[str, int]:
    """One more contact."""
    form = _form()
    try:
        made = client().add_contact(asker(), _said(form))
    except Refused as refusal:
        return _again(refusal, form=form)
    flash(gettext("%(name)s is saved.", name=made["name"]))
    return redirect(url_for("contacts.contact", contact_id=made["id"]))


@contacts.post("/contacts/import")
def take() -> str | tuple[str, int]:
    """Contacts of a file, or a look at what it would come to."""
    uploaded = request.files.get("file")
    content = uploaded.read() if uploaded else b""
    look = request.form.get("look") == "yes"
    try:
        taken = client().import_contacts(asker(), content, is_cards=bool(_CARDS.match(content)), look=look)
    except Refused as refusal:
        return _again(refusal)
    if taken["import"] is not None:
        said = gettext(
            "Contacts from a file: new %(added)s, changed %(changed)s.", added=taken["added"], changed=taken["changed"]
        )
        offer_undo(said, url_for("contacts.take_back", import_id=taken["import"]))
    return _page(taken={**taken, "look": look})


@contacts.post("/contacts/imports/<import_id>/take-back")
def take_back(import_id: str) -> AnyResponse:
    """Have all contacts as they were before a file."""
    withdraw_offer()
    try:
        flash(told_of_table(client().take_contacts_back(asker(), import_id)))
    except Refused as refusal:
        if refusal.status != 404:
            raise
        flash_not_done(gettext("That can no longer be undone."))
    return redirect(url_for("contacts.page"))


@contacts.get("/contacts/export")
def export() -> Response:
    """All of them as a file."""
    form = request.args.get("form", "csv")
    if form not in ("csv", "vcard"):
        abort(404)
    with ExitStack() as stack:
        headers, pieces = stack.enter_context(client().contact_file(asker(), form))
        kept_open = stack.pop_all()

    def send() -> Iterator[bytes]:
        with kept_open:
            yield from pieces

    response = Response(send(), direct_passthrough=True)
    response.call_on_close(kept_open.close)
    for name in _PASSED_BACK:
        if name in headers:
            response.headers[name] = headers[name]
    return response


@contacts.get("/contacts/<contact_id>")
def contact(contact_id: str) -> str:
    """One contact, to be looked at and changed."""
    return _contact(contact_id)


@contacts.post("/contacts/<contact_id>/change")
def change(contact_id: str) -> str | AnyResponse | tuple[str, int]:
    """Other values; what the form leaves empty is taken away."""
    form = _form()
    if is_outdated(client().contact(asker(), contact_id)):
        return _contact(contact_id, form=form, is_old=True), 409
    try:
        client().change_contact(asker(), contact_id, _said(form))
    except Refused as refusal:
        if refusal.status not in (400, 409, 422):
            raise
        return _contact(contact_id, refusal=refusal, form=form), refusal.status
    flash(gettext("The contact has been changed."))
    return redirect(url_for("contacts.contact", contact_id=contact_id))


@contacts.post("/contacts/<contact_id>/remove")
def remove(contact_id: str) -> AnyResponse:
    """Forget the contact."""
    client().remove_contact(asker(), contact_id)
    offer_undo(
        gettext("The contact has been deleted. Its calls stay in the list of calls."),
        url_for("contacts.put_back", contact_id=contact_id),
    )
    return redirect(url_for("contacts.page"))


@contacts.post("/contacts/<contact_id>/put-back")
def put_back(contact_id: str) -> AnyResponse:
    """Have a contact again that was just removed."""
    withdraw_offer()
    try:
        client().put_contact_back(asker(), contact_id)
    except Refused as refusal:
        if refusal.status not in (404, 409):
            raise
        flash_not_done(
            gettext("That can no longer be undone.") if refusal.status == 404 else refusal.detail or refusal.title
        )
        return redirect(url_for("contacts.page"))
    flash(gettext("The contact has been restored."))
    return redirect(url_for("contacts.contact", contact_id=contact_id))


@contacts.post("/calls/<call_id>/notes")
def note(call_id: str) -> AnyResponse:
    """Note something on a call."""
    text = request.form.get("text", "").strip()[:2000]
    if text:
        client().note_call(asker(), call_id, text)
        flash(gettext("The note is saved."))
    return redirect(url_for("history.call", call_id=call_id))


@contacts.post("/calls/<call_id>/notes/<note_id>/remove")
def remove_note(call_id: str, note_id: str) -> AnyResponse:
    """Take a note away."""
    client().remove_note(asker(), call_id, note_id)
    offer_undo(
        gettext("The note has been deleted."), url_for("contacts.put_note_back", call_id=call_id, note_id=note_id)
    )
    return redirect(url_for("history.call", call_id=call_id))


@contacts.post("/calls/<call_id>/notes/<note_id>/put-back")
def put_note_back(call_id: str, note_id: str) -> AnyResponse:
    """Have a note again that was just taken away."""
    withdraw_offer()
    try:
        client().put_note_back(asker(), call_id, note_id)
    except Refused as refusal:
        if refusal.status != 404:
            raise
        flash_not_done(gettext("That can no longer be undone."))
    else:
        flash(gettext("The note has been restored."))
    return redirect(url_for("history.call", call_id=call_id))


@contacts.post("/calls/<call_id>/tags")
def mark(call_id: str) -> AnyResponse:
    """Mark a call with the ticked tags and the new ones."""
    new = [each.strip() for each in re.split(r"[,;\n]", request.form.get("more", "")[:400])]
    try:
        client().mark_call(asker(), call_id, [each[:64] for each in (*request.form.getlist("tag"), *new) if each][:50])
    except Refused as refusal:
        if refusal.code != "tags-invalid":
            raise
        flash_not_done(f"{refusal.title} {refusal.advice}")
    else:
        flash(gettext("The tags are saved."))
    return redirect(url_for("history.call", call_id=call_id, _anchor="tags"))


def _form() -> dict[str, str]:
    return {name: request.form.get(name, "").strip() for name in _FIELDS}


def _said(form: dict[str, str]) -> dict[str, object]:
    """The form as the API takes it."""
    several = {name: [part.strip() for part in re.split(r"[,;\n]", form[name]) if part.strip()] for name in _SEVERAL}
    return {"name": form["name"], "manager": form["manager"] or None, "note": form["note"], **several}


_SEVERAL = ("phones", "tags")


def _page(**shown: Any) -> str:
    chosen = {name: request.args.get(name, "").strip()[:64] for name in FILTERS}
    found = client().contacts(asker(), **chosen, cursor=request.args.get("cursor"))
    nothing: dict[str, Any] = {"refusal": None, "form": None, "taken": None}
    return render_template(
        "contacts.html", page=found, chosen=chosen, snapshot=snapshot(),
        given={name: value for name, value in chosen.items() if value}, **{**nothing, **shown},
    )  # fmt: skip


def _contact(
    contact_id: str, refusal: Refused | None = None, form: dict[str, str] | None = None, *, is_old: bool = False
) -> str:
    found = client().contact(asker(), contact_id)
    filled = form or {**found, "phones": ", ".join(found["phones"]), "tags": ", ".join(found["tags"])}
    return render_template(
        "contact.html", contact=found, form=filled, refusal=refusal, card=card_of(found["phones"][0]),
        snapshot=snapshot(), is_old=is_old,
    )  # fmt: skip


def _again(refusal: Refused, **given: Any) -> tuple[str, int]:
    if refusal.status not in (400, 409, 413, 415, 422, 503):
        raise refusal
    return _page(refusal=refusal, **given), refusal.status
