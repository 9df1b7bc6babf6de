"""What every answer carries and every request must pass (T-W1, T-W4, T-W11)."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Callable

from flask import Flask, Response, abort, g, request

SESSION_COOKIE = "simbridge_session"
"""Holds the API's token of the signed-in person; nothing of it is kept in the panel."""


def nonce() -> str:
    """The one-time word that lets this answer's own script and style elements run."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def protect(app: Flask, *, names: Callable[[], frozenset[str]], only_private: bool) -> None:
    """Refuse foreign Host headers (DNS rebinding), and clients from outside when the panel is for the LAN only.

    `names` are those that it may be called by besides its own, small letters; "*.example.org" is any one label.
    """
    own = {"localhost", "simbridge", "simbridge.local", *_own_names()}

    @app.before_request
    def check_host() -> None:
        host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
        if host.lower() not in own and not _is_address(host.strip("[]")) and not is_one_of(host, names()):
            abort(421)
        if only_private and not ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_private:
            abort(403)

    @app.after_request
    def add_headers(response: Response) -> Response:
        word = nonce()
        response.headers.setdefault(
            "Content-Security-Policy",
            f"default-src 'self'; script-src 'self' 'nonce-{word}'; style-src 'self' 'nonce-{word}'; "
            "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        )
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        elif "/vendor/" in request.path:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def is_one_of(host: str, names: frozenset[str]) -> bool:
    """Whether a certificate's names are for that host (RFC 6125 section 6.4.3)."""
    return host.lower() in names or "*." + host.lower().partition(".")[2] in names


def _is_address(host: str) -> bool:
    """An address, unlike a name, cannot be pointed at us by somebody else's DNS."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _own_names() -> set[str]:
    name = socket.gethostname().lower().partition(".")[0]
    return {name, f"{name}.local"}
