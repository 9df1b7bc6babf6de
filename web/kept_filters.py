"""The filters that a person has set in a list are there again when it is opened the next time, in this browser.

Until it is closed, or the person signs out. The addresses of lists say their filters; one that says none means those of
last time, and `all` takes them away.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from web.views.audit import FILTERS as OF_THE_AUDIT
from web.views.contacts import FILTERS as OF_CONTACTS
from web.views.history import FILTERS as OF_CALLS
from web.views.ordering import FILTERS as OF_ORDERS
from web.views.reports import OF_MISSED, OF_STATISTICS, USUAL_MISSED, USUAL_STATISTICS
from web.views.shared import FILTERS as OF_GATEWAYS
from web.views.texting import FILTERS as OF_MESSAGES


class _List(NamedTuple):
    """Its cookie and its filters; with the `usual` value a filter says nothing."""

    cookie: str
    names: tuple[str, ...]
    usual: dict[str, str]


_ALL = {"show": "all"}
_LISTS = {
    "history.calls": _List("calls_filters", OF_CALLS, _ALL),
    "texting.messages": _List("messages_filters", OF_MESSAGES, _ALL),
    "ordering.orders": _List("orders_filters", OF_ORDERS, {}),
    "contacts.page": _List("contacts_filters", OF_CONTACTS, {}),
    "audit.page": _List("audit_filters", OF_THE_AUDIT, {}),
    "reports.missed": _List("missed_filters", OF_MISSED, USUAL_MISSED),
    "reports.statistics": _List("statistics_filters", OF_STATISTICS, USUAL_STATISTICS),
    "shared.page": _List("gateways_filters", OF_GATEWAYS, _ALL),
}
_END = "entry.logout"
_LONGEST = 400
_LONGEST_VALUE = 64


def remember_filters(app: Flask) -> None:
    """Have every list of `app` do so."""
    app.before_request(_as_last_time)
    app.after_request(_keep)


def _as_last_time() -> Response | None:
    """A part of a page that is shown anew stays as it is."""
    asked = _LISTS.get(request.endpoint or "")
    kept = request.cookies.get(asked.cookie, "")[:_LONGEST] if asked is not None else ""
    if not kept or request.method != "GET" or request.args or request.headers.get("HX-Request"):
        return None
    return redirect(request.path + "?" + kept)


def _keep(response: Response) -> Response:
    if request.endpoint == _END:
        for each in _LISTS.values():
            _forget(response, each.cookie)
    asked = _LISTS.get(request.endpoint or "")
    if asked is None or request.method != "GET" or response.status_code != 200:
        return response
    if request.args.keys().isdisjoint({*asked.names, "all"}):
        return response
    told = {name: request.args.get(name, "").strip()[:_LONGEST_VALUE] for name in asked.names}
    text = urlencode({name: value for name, value in told.items() if value not in ("", asked.usual.get(name))})
    if 0 < len(text) <= _LONGEST:
        response.set_cookie(asked.cookie, text, httponly=True, samesite="Lax", secure=request.is_secure)
    else:
        _forget(response, asked.cookie)
    return response


def _forget(response: Response, cookie: str) -> None:
    if cookie in request.cookies:
        response.delete_cookie(cookie, httponly=True, samesite="Lax")
