"""The door for the shop's web site, before the panel: the widget's script, and what it asks from other sites (CORS).

No cookie is read or set here, no session can be used, and nothing else of the panel is to be had: so it is open also
where the panel itself serves private addresses only. Which sites may ask is for the daemon to say.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from web.gateway_client import GatewayClient
from web.gateway_link import Asker, GatewayAway, Refused

LARGEST_WISH_BYTES = 32 * 1024
LONGEST_ORIGIN = 300
_SCRIPT = Path(__file__).with_name("static") / "widget.js"
_SCRIPT_SECONDS = 3600
_PREFLIGHT_SECONDS = 600


class SiteDoor:
    """A WSGI application around the panel's."""

    def __init__(self, panel: WSGIApplication, client: GatewayClient) -> None:
        self._panel = panel
        self._client = client
        self._script = _SCRIPT.read_bytes()
        self._tag = hashlib.sha256(self._script).hexdigest()[:32]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer what is the site's, and leave the rest to the panel."""
        handlers: dict[str, tuple[frozenset[str], Callable[[Request], Response]]] = {
            "/widget.js": (frozenset({"GET", "HEAD"}), self._get_script),
            "/widget/form": (frozenset({"GET"}), self._get_form),
            "/widget/wishes": (frozenset({"POST", "OPTIONS"}), self._post_wish),
        }
        found = handlers.get(environ.get("PATH_INFO", ""))
        if found is None:
            return self._panel(environ, start_response)
        methods, handler = found
        request = Request(environ)
        request.max_content_length = LARGEST_WISH_BYTES
        answer = handler(request) if request.method in methods else _told({"code": "method-not-allowed"}, 405)
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer(environ, start_response)

    def _get_script(self, request: Request) -> Response:
        answer = Response(self._script, content_type="text/javascript; charset=utf-8")
        answer.headers["Cache-Control"] = f"public, max-age={_SCRIPT_SECONDS}"
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        answer.set_etag(self._tag)
        return answer.make_conditional(request)

    def _get_form(self, request: Request) -> Response:
        return self._asked(request, lambda asker, origin: self._form(asker, origin, request), 200)

    def _post_wish(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            answer = self._asked(request, lambda asker, origin: self._form(asker, origin, request), 200)
            if answer.status_code == 200:
                answer.data = b""
                answer.status_code = 204
                answer.headers["Access-Control-Allow-Methods"] = "POST"
                answer.headers["Access-Control-Allow-Headers"] = "Content-Type"
                answer.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_SECONDS)
            return answer
        try:
            wish = json.loads(request.get_data())
        except (ValueError, RecursionError, HTTPException):
            wish = None
        if not isinstance(wish, dict):
            return _told({"code": "bad-request"}, 400)
        return self._asked(
            request, lambda asker, origin: self._client.send_wish(asker, {**wish, "origin": origin}), 202
        )

    def _form(self, asker: Asker, origin: str, request: Request) -> dict[str, Any]:
        language = request.args.get("language", "")
        return self._client.widget_form(asker, origin=origin, language="en" if language == "en" else "ru")

    def _asked(self, request: Request, ask: Callable[[Asker, str], dict[str, Any]], status: int) -> Response:
        """What the daemon says, for the site that asks; a site that the owner has not named learns nothing."""
        origin = request.headers.get("Origin", "")[:LONGEST_ORIGIN]
        asker = Asker(address=_address(request), user_agent=request.headers.get("User-Agent", ""))
        try:
            answer = _told(ask(asker, origin), status)
        except Refused as refusal:
            answer = _told({"code": refusal.code}, refusal.status)
            if refusal.status == 404:
                return answer
        except GatewayAway:
            return _told({"code": "away"}, 503)
        answer.headers["Access-Control-Allow-Origin"] = origin
        return answer


def _told(content: dict[str, Any], status: int) -> Response:
    answer = Response(json.dumps(content, ensure_ascii=False), status=status, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Vary"] = "Origin"
    return answer


def _address(request: Request) -> str:
    """Of the visitor: a web server before us, on this machine, says it last."""
    near = request.remote_addr or ""
    said = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        if ipaddress.ip_address(near).is_loopback and said:
            return str(ipaddress.ip_address(said))
    except ValueError:
        pass
    return near
