"""The panel's own routes as paths, so that a test covers a screen from the day it is added."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

VALUES = {
    "backup_name": "simbridge-20260302-033000.backup",
    "call_id": "c1", "alert_id": "a1", "recording_id": "r-c1", "name": "tiles", "extension": "101",
    "peer": "+79031112233", "host": "192.168.1.77", "import_id": "i1", "message_id": "m1", "order_id": "e1",
    "language": "en", "key": "greeting", "leg_id": "l1", "line": "red",
    "contact_id": "k1", "note_id": "n1", "number": "1001", "promise_id": "p1",
    "kind": "phones", "part": "101", "tunnel": "t1", "version": "1",
    "modem": "m0", "way": "webhook", "hook_id": "h1", "delivery_id": "j1",
    "verb": "call", "user_id": "anna", "caller": "+79035550001", "session_id": "s1", "token_id": "t1",
}  # fmt: skip
_STREAMS = {"news.stream", "browser_phone.messages"}


def open_paths(app: Flask, values: Mapping[str, str] | None = None) -> list[str]:
    """Every page that is read; `values` stand in the paths in place of the usual ones."""
    return _paths(app, "GET", values or {})


def unsafe_paths(app: Flask) -> list[str]:
    """Every route that changes something."""
    return _paths(app, "POST", {})


def endless_paths(app: Flask) -> list[str]:
    """The event streams."""
    adapter = app.url_map.bind("localhost")
    return [adapter.build(endpoint) for endpoint in sorted(_STREAMS)]


def _paths(app: Flask, method: str, values: Mapping[str, str]) -> list[str]:
    known = {**VALUES, **values}
    adapter = app.url_map.bind("localhost")
    rules = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and rule.endpoint not in _STREAMS and method in (rule.methods or ())
    ]
    return sorted(
        adapter.build(rule.endpoint, {name: known[name] for name in rule.arguments}, method=method) for rule in rules
    )
