"""What can be taken back for some minutes: one notice with a button, on every page, also after a reload."""

from __future__ import annotations

from time import time
from typing import Any

from flask import session

_KEY = "undo"
OFFERED_SECONDS = 300.0
_LONGEST_TEXT = 300


def offer_undo(text: str, action: str, **fields: str) -> None:
    """Say what was done; the button sends these fields to `action`, a path of the panel."""
    until = time() + OFFERED_SECONDS
    session[_KEY] = {"text": text[:_LONGEST_TEXT], "action": action, "fields": fields, "until": until}


def undo_offer() -> dict[str, Any] | None:
    """What can still be taken back; None: nothing."""
    offer: dict[str, Any] | None = session.get(_KEY)
    if offer is not None and time() >= offer["until"]:
        withdraw_offer()
        return None
    return offer


def withdraw_offer() -> None:
    """It was taken back, or is not wanted."""
    session.pop(_KEY, None)
