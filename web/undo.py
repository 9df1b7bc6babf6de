"""What can be taken back for some minutes: one notice with a button, on every page, also after a reload."""

from __future__ import annotations

from time import time
from typing import Any

from flask import flash, session, url_for

from web.reader import asker, client
from web.translation import gettext

_KEY = "undo"
OFFERED_SECONDS = 300.0
_LONGEST_TEXT = 300


def offer_undo(text: str, action: str, **fields: str) -> None:
    """Say what was done; the button sends these fields to `action`, a path of the panel."""
    until = time() + OFFERED_SECONDS
    session[_KEY] = {"text": text[:_LONGEST_TEXT], "action": action, "fields": fields, "until": until}


def shop_number() -> int:
    """Which version of the shop there is now; to be asked before a change that is to be taken back."""
    return max((int(each["number"]) for each in client().shop_versions(asker())), default=0)


def offer_shop_undo(text: str, was: int, *, back: str) -> None:
    """Say what was done to the shop, whose version `was` that before; taking it back leads to `back`.

    It is only said where there is nothing to go back to, and where nothing was changed.
    """
    now = shop_number()
    if 0 < was < now:
        offer_undo(text, url_for("shop.undo"), version=str(was), after=str(now), back=back)
    else:
        flash(text)


def undo_offer() -> dict[str, Any] | None:
    """What can still be taken back; None: nothing."""
    offer: dict[str, Any] | None = session.get(_KEY)
    if offer is not None and time() >= offer["until"]:
        withdraw_offer()
        return None
    return offer


def told_of_table(done: dict[str, Any]) -> str:
    """What became of a table that was taken back (the schema `TakenBack`)."""
    said = gettext("The import is undone. As before it: %(count)s.", count=done["restored"])
    if not done["kept"]:
        return said
    names = ", ".join(done["kept_names"]) + (", …" if done["kept"] > len(done["kept_names"]) else "")
    kept = gettext("Left as they are, since they have been changed, removed or used: %(names)s.", names=names)
    return f"{said} {kept}"


def withdraw_offer() -> None:
    """It was taken back, or is not wanted."""
    session.pop(_KEY, None)
