"""What callers hear from the gateway itself: listen, take a file, have a text said, go back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from web.gateway_client import Refused
from web.notices import flash_not_done
from web.reader import asker, client, may, snapshot
from web.translation import gettext

prompts = Blueprint("prompts", __name__)

LARGEST_SOUND_BYTES = 32 * 1024 * 1024
_LANGUAGES = {"en": "English", "ru": "Русский"}


@prompts.get("/prompts")
def page() -> str:
    """Every prompt of a language; the shop's own first."""
    language = request.args.get("language", "")
    if language not in _LANGUAGES:
        language = snapshot()["shop"].get("language", "en")
    found, refusal = [], None
    try:
        found = client().prompts(asker(), language, _of_parts())["items"]
    except Refused as refused:
        if refused.status != 503:
            raise
        refusal = refused
    return render_template(
        "prompts.html", prompts=found, refusal=refusal, chosen=language, spoken=_LANGUAGES, snapshot=snapshot()
    )


@prompts.get("/prompts/<language>/<key>.wav")
def sound(language: str, key: str) -> Response:
    """The sound."""
    return Response(client().prompt_sound(asker(), language, key), mimetype="audio/wav")


@prompts.post("/prompts/<language>/<key>/file")
def take(language: str, key: str) -> AnyResponse:
    """Use a WAV file."""
    uploaded = request.files.get("file")
    content = uploaded.read() if uploaded else b""
    return _done(lambda: client().take_prompt(asker(), language, key, content), language, key)


@prompts.post("/prompts/<language>/<key>/text")
def say(language: str, key: str) -> AnyResponse:
    """Have a text said."""
    text = request.form.get("text", "").strip()[:2000]
    return _done(lambda: client().say_prompt(asker(), language, key, text), language, key)


@prompts.post("/prompts/<language>/<key>/packaged")
def forget(language: str, key: str) -> AnyResponse:
    """Use the packaged prompt again."""
    return _done(lambda: client().forget_prompt(asker(), language, key), language, key)


def _of_parts() -> list[str]:
    """Whose own prompts there may be: names of queues, and the words that branches have for theirs."""
    queues = [each["name"] for each in snapshot()["queue"]["queues"]]
    branches = [each["greeting"] for each in client().branches(asker())] if may("shop") else []
    return [each for each in dict.fromkeys((*queues, *branches)) if each]


def _done(verb: Callable[[], dict[str, Any]], language: str, key: str) -> AnyResponse:
    try:
        verb()
    except Refused as refused:
        if refused.status not in (400, 413, 422, 503):
            raise
        flash_not_done(" ".join(each for each in (refused.title, refused.advice) if each))
    else:
        flash(gettext("The next caller will hear it."))
    return redirect(url_for("prompts.page", language=language, _anchor=key))
