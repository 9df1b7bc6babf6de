"""A provider's account, tried while its form is open: what is asked, and what comes of it in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from web.reader import asker, client, words
from web.translation import gettext

_FIELDS = ("name", "host", "user", "password", "transport")


@dataclass(frozen=True, slots=True)
class Tried:
    """`title` says what the provider said, `advice` what to do."""

    is_good: bool
    title: str
    advice: str


def transports() -> tuple[tuple[str, str], ...]:
    """How signalling may travel."""
    return (("udp", "UDP"), ("tcp", "TCP"), ("tls", "TLS"), ("auto", gettext("As the provider's DNS says")))


def tried(form: Mapping[str, str]) -> Tried:
    """Try it. Raises Refused where the form cannot be understood, or another one is being tried."""
    account = {name: form[name].strip() for name in _FIELDS if form.get(name, "").strip()}
    answer = client().try_trunk(asker(), account)
    return in_words(answer, "trunk_reasons", good="ready" if account.get("user") else "found")


def in_words(answer: Mapping[str, Any], section: str, *, good: str) -> Tried:
    """The state and reason of an account, by a section of the daemon's catalogue; `good` is its word for success."""
    if answer["state"] == "ready":
        told = words(section, good)
        return Tried(True, told["title"], told.get("advice", ""))
    code = str(answer["reason"])
    told = words(section, code)
    if told["title"] == code:
        other = words(section, "status-other")
        told = {"title": f"{other['title']} ({code.removeprefix('status-')})", "advice": other.get("advice", "")}
    return Tried(False, told["title"], told.get("advice", ""))
