"""The filters that a person has set in a list are there again when it is opened the next time, in this browser.

Until it is closed, or the person signs out. The addresses of lists say their filters; one that says none means those of
last time, and `all` takes them away.
"""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from web.views.audit import FILTERS as OF_THE_AUDIT
from web.views.contacts import FILTERS as OF_CONTACTS
from web.views.history import FILTERS as OF_CALLS
from web.views.ordering import FILTERS as OF_ORDERS
from web.views.texting import FILTERS as OF_MESSAGES

_LISTS = {
    "history.calls": ("calls_filters", OF_CALLS),
    "texting.messages": ("messages_filters", OF_MESSAGES),
    "ordering.orders": ("orders_filters", OF_ORDERS),
    "contacts.page": ("contacts_filters", OF_CONTACTS),
    "audit.page": ("audit_filters", OF_THE_AUDIT),
}
"""The cookie of each list, and its filters; of `show` the value "all" is no filter."""
_END = "entry.logout"
_LONGEST = 400
_LONGEST_VALUE = 64


def remember_filters(app: Flask) -> None:
    """Have every list of `app` do so."""
    app.before_request(_as_last_time)
    app.after_request(_keep)


def _as_last_time() -> Response | None:
    """A part of a page that is shown anew stays as it is."""
    cookie, _names = _LISTS.get(request.endpoint or "", ("", ()))
    kept = request.cookies.get(cookie, "")[:_LONGEST] if cookie else ""
    if not kept or request.method != "GET" or request.args or request.headers.get("HX-Request"):
        return None
    return redirect(request.path + "?" + kept)


def _keep(response: Response) -> Response:
    if request.endpoint == _END:
        for cookie, _names in _LISTS.values():
            _forget(response, cookie)
    cookie, names = _LISTS.get(request.endpoint or "", ("", ()))
    is_said = not request.args.keys().isdisjoint({*names, "all"})
    if not cookie or request.method != "GET" or response.status_code != 200 or not is_said:
        return response
    told = {name: request.args.get(name, "").strip()[:_LONGEST_VALUE] for name in names}
    given = {name: value for name, value in told.items() if value}
    if "show" in names:
        given.setdefault("show", "all")
    text = urlencode(given)
    if given not in ({}, {"show": "all"}) and len(text) <= _LONGEST:
        response.set_cookie(cookie, text, httponly=True, samesite="Lax", secure=request.is_secure)
    else:
        _forget(response, cookie)
    return response


def _forget(response: Response, cookie: str) -> None:
    if cookie in request.cookies:
        response.delete_cookie(cookie, httponly=True, samesite="Lax")
