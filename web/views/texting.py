"""SMS: what came, what went out and how far it got, one number's conversation, and writing; USSD and balances."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.notices import flash_not_done
from web.passing import passed_on
from web.people import Directory
from web.reader import asker, client, snapshot
from web.translation import gettext
from web.views.entry import own_path

texting = Blueprint("texting", __name__)

CHIPS: dict[str, dict[str, str]] = {
    "received": {"direction": "incoming"},
    "sent": {"direction": "outgoing"},
    "waiting": {"state": "queued"},
    "failed": {"state": "failed"},
    "unknown": {"state": "unknown"},
}
FILTERS = ("show", "search", "line")
_GONE = (404, 409)
_CANNOT_SAY = (400, 503)


@texting.get("/messages")
def messages() -> str:
    """Inbox and outbox, newest first, and a form to write."""
    chosen = _chosen()
    page, refusal = _page(**_query(chosen), cursor=request.args.get("cursor"))
    return render_template(
        "messages.html", page=page, refusal=refusal, chosen=chosen, draft=_draft(request.args.get("to", "")),
        given={name: value for name, value in chosen.items() if value}, **_surroundings(),
    )  # fmt: skip


@texting.get("/messages.csv")
def messages_table() -> FlaskResponse:
    """All messages that the filters leave, or those with one number (`peer`), for a spreadsheet."""
    query = {**_query(_chosen()), "peer": request.args.get("peer", "").strip()[:64]}
    return passed_on(client().messages_table(asker(), **query, zone=snapshot()["shop"]["time_zone"]))


@texting.get("/messages/with/<peer>")
def conversation(peer: str) -> str:
    """Everything that was exchanged with one number."""
    page, refusal = _page(peer=peer[:64], cursor=request.args.get("cursor"), limit=50)
    return render_template(
        "conversation.html", page=page, refusal=refusal, peer=peer[:64], draft=_draft(peer), **_surroundings()
    )


@texting.post("/messages")
def send() -> Response | str:
    """Have a message sent; a form that is sent twice sends one message."""
    draft = {name: request.form.get(name, "").strip() for name in ("to", "line", "key")}
    draft["text"] = request.form.get("text", "").replace("\r\n", "\n")
    try:
        sent = client().send_message(
            asker(), to=draft["to"], text=draft["text"], line=draft["line"] or None, key=draft["key"]
        )
    except Refused as refused:
        if refused.status == 401:
            raise
        page, refusal = _page()
        draft["key"] = secrets.token_hex(16)  # another text is another request
        return render_template(
            "messages.html", page=page, refusal=refusal, chosen=dict.fromkeys(FILTERS, ""), draft=draft, given={},
            send_refusal=refused, **_surroundings(),
        )  # fmt: skip
    flash(gettext("The message will be sent."))
    return redirect(url_for("texting.conversation", peer=sent["to"]))


@texting.post("/messages/<message_id>/cancel")
def cancel(message_id: str) -> Response:
    """Take back a message that waits."""
    return _done_to(
        lambda: client().cancel_message(asker(), message_id),
        gettext("The message was withdrawn."),
        gettext("It is too late to withdraw that message."),
    )


@texting.post("/messages/<message_id>/again")
def again(message_id: str) -> Response:
    """Send a message again that came to nothing, or to nobody knows what."""
    return _done_to(
        lambda: client().send_message_again(asker(), message_id),
        gettext("The message will be sent again."),
        gettext("That message cannot be sent again now."),
    )


@texting.post("/lines/<line>/balance")
def balance(line: str) -> Response:
    """Ask the operator for the line's money."""
    try:
        answer = client().ask_balance(asker(), line)
    except Refused as refused:
        if refused.status == 401:
            raise
        flash_not_done(refused.title)
    else:
        if answer["text"]:
            flash(answer["text"])
        else:
            flash_not_done(gettext("The operator did not answer."))
    return redirect(url_for("overview.lines"))


@texting.get("/lines/<line>/ussd")
def ussd(line: str) -> str:
    """A form for codes."""
    return render_template("ussd.html", line=line, text="", answer=None, refusal=None, snapshot=snapshot())


@texting.post("/lines/<line>/ussd")
def ask_ussd(line: str) -> str:
    """Send a code of the owner's list, or an answer to what the network asks."""
    text = request.form.get("text", "").strip()[:100]
    answer, refusal = None, None
    try:
        answer = client().ask_ussd(asker(), line, text)
    except Refused as refused:
        if refused.status == 401:
            raise
        refusal = refused
    return render_template("ussd.html", line=line, text=text, answer=answer, refusal=refusal, snapshot=snapshot())


def _done_to(verb: Any, done: str, too_late: str) -> Response:
    try:
        verb()
    except Refused as refused:
        if refused.status not in _GONE:
            raise
        flash_not_done(too_late)
    else:
        flash(done)
    return redirect(own_path(request.form.get("next", url_for("texting.messages"))))


def _chosen() -> dict[str, str]:
    return {name: request.args.get(name, "").strip()[:64] for name in FILTERS}


def _query(chosen: dict[str, str]) -> dict[str, str | int | None]:
    """What the API is asked for the filters of the address."""
    return {**CHIPS.get(chosen["show"], {}), "search": chosen["search"], "line": chosen["line"]}


def _page(**query: Any) -> tuple[dict[str, Any], Refused | None]:
    """A page of messages; an empty one with the reason where lists are not to be had now."""
    try:
        return client().messages(asker(), **query), None
    except Refused as refused:
        if refused.status not in _CANNOT_SAY:
            raise
        return {"items": [], "next": None}, refused


def _draft(to: str) -> dict[str, str]:
    """An empty form; its key makes one message of it, however often it is sent."""
    return {"to": to.strip()[:64], "text": "", "line": "", "key": secrets.token_hex(16)}


def _surroundings() -> dict[str, Any]:
    return {"snapshot": snapshot(), "directory": Directory(snapshot())}
