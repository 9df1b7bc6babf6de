"""Who reads the page: session, language, theme; and what the daemon says to that person."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, g, request

from web.formats import zone
from web.gateway_client import Asker, GatewayClient
from web.live_feed import LiveFeed
from web.security import SESSION_COOKIE

LANGUAGES = {"en": "English", "ru": "Русский"}
THEMES = ("auto", "light", "dark")
_WORDS_SECONDS = 300.0


class Panel:
    """What the views share: the way to the daemon, the live feed, and a short cache of its words."""

    def __init__(self, client: GatewayClient) -> None:
        self.client = client
        self.feed = LiveFeed(client)
        self.is_set_up = False
        """An owner is known to exist, which does not change back while the panel runs."""
        self._words: dict[str, tuple[float, dict[str, dict[str, dict[str, str]]]]] = {}
        self._lock = threading.Lock()

    def words(self, asker: Asker) -> dict[str, dict[str, dict[str, str]]]:
        """The daemon's catalogue in the asker's language."""
        with self._lock:
            kept = self._words.get(asker.language)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        fresh = self.client.words(asker)
        with self._lock:
            self._words[asker.language] = (time.monotonic() + _WORDS_SECONDS, fresh)
        return fresh


def panel() -> Panel:
    """The panel of this application."""
    found = current_app.extensions["simbridge"]
    if not isinstance(found, Panel):
        raise TypeError("the application was not made by create_app")
    return found


def client() -> GatewayClient:
    """The way to the daemon."""
    return panel().client


def asker() -> Asker:
    """The person behind this request."""
    if "asker" not in g:
        g.asker = Asker(
            token=request.cookies.get(SESSION_COOKIE),
            language=_language(),
            address=request.remote_addr,
            user_agent=request.headers.get("User-Agent", ""),
        )
    found: Asker = g.asker
    return found


def language() -> str:
    """As the person chose, else as the browser asks."""
    return asker().language


def _language() -> str:
    chosen = request.cookies.get("language", "")
    if chosen in LANGUAGES:
        return chosen
    return request.accept_languages.best_match(list(LANGUAGES)) or "en"


def theme() -> str:
    """As the person chose; "auto" follows the system."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else "auto"


def snapshot() -> dict[str, Any]:
    """Everything that is live, asked once per request."""
    if "snapshot" not in g:
        g.snapshot = client().snapshot(asker())
    found: dict[str, Any] = g.snapshot
    return found


def may(scope: str) -> bool:
    """The person's role holds that scope; what is no use to a person is not shown. The API decides in any case."""
    if "scopes" not in g:
        g.scopes = frozenset(client().me(asker())["scopes"])
    return not g.scopes.isdisjoint({scope, "admin"})


def time_zone() -> ZoneInfo:
    """The shop's."""
    if "time_zone" not in g:
        g.time_zone = zone(snapshot()["shop"]["time_zone"])
    found: ZoneInfo = g.time_zone
    return found


def now() -> datetime:
    """By the daemon's clock, which is what the times on the page are by."""
    if "now" not in g:
        g.now = datetime.fromisoformat(snapshot()["time"])
    found: datetime = g.now
    return found


def start_of_day() -> datetime:
    """The shop's last midnight, in UTC."""
    local = now().astimezone(time_zone())
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def words(section: str, code: str | None) -> dict[str, str]:
    """Title and advice of a code; a code that the daemon has no words for reads as itself."""
    if not code:
        return {"title": ""}
    return panel().words(asker()).get(section, {}).get(code, {"title": code})
