"""What people noted on places of a recording, for the player."""

from __future__ import annotations

import math
from typing import Any

from flask import Blueprint, abort, request

from web.reader import asker, client

comments = Blueprint("comments", __name__)

_FIELDS = ("id", "at_seconds", "text", "by")


@comments.get("/calls/<call_id>/recordings/<recording_id>/comments.json")
def of_recording(call_id: str, recording_id: str) -> dict[str, Any]:
    """Them all, by their place."""
    return _told(call_id, recording_id)


@comments.post("/calls/<call_id>/recordings/<recording_id>/comments.json")
def add(call_id: str, recording_id: str) -> dict[str, Any]:
    """One more, and all of them again."""
    text = request.form.get("text", "").strip()[:2000]
    try:
        seconds = float(request.form.get("at_seconds", ""))
    except ValueError:
        abort(400)
    if not text or not math.isfinite(seconds):
        abort(400)
    client().note_call(asker(), call_id, text, place=(recording_id, max(0.0, seconds)))
    return _told(call_id, recording_id)


def _told(call_id: str, recording_id: str) -> dict[str, Any]:
    notes = client().call(asker(), call_id)["notes"]
    mine = [each for each in notes if each["recording_id"] == recording_id and each["at_seconds"] is not None]
    mine.sort(key=lambda each: each["at_seconds"])
    return {"items": [{name: each[name] for name in _FIELDS} for each in mine]}
