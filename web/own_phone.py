"""The phone that stands beside this browser, which rings when a number is called from the panel."""

from __future__ import annotations

import secrets

from flask import g, request

from web.reader import may, snapshot

COOKIE = "phone"


def own_phone() -> str:
    """Its extension; empty: the person has named none that the shop has now, or may not place calls."""
    if "own_phone" not in g:
        wanted = request.cookies.get(COOKIE, "")
        is_one = bool(wanted) and may("calls") and any(each["extension"] == wanted for each in snapshot()["phones"])
        g.own_phone = wanted if is_one else ""
    return str(g.own_phone)


def fresh_key() -> str:
    """Of a button: pressed twice it is pressed once."""
    return secrets.token_urlsafe(12)
