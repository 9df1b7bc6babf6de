"""The tables [[webhooks]] of gateway.toml: programs that are told what happens in the shop."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.toml_document import TomlDocument

EVENTS = (
    "call.started", "call.answered", "call.ended", "call.missed", "recording.ready", "sms.received", "order.asked",
    "order.changed", "courier.on_shift", "courier.off_shift",
)  # fmt: skip
"""The words of telephony.event_hooks.Happening."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)
_ADDRESS = re.compile(r"https?://[^\s@]+", re.ASCII)
_PANEL = re.compile(r"https?://[^\s@/]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """One program; it may be in a private network."""

    name: str
    url: str
    secret_file: str
    """What its messages are signed with."""
    events: tuple[str, ...] = EVENTS
    """Left out: all."""
    panel: str = ""
    """Where the program finds the panel: what links begin with."""

    def below(self, home: Path) -> WebhookSettings:
        """With the file meant from that directory."""
        return replace(self, secret_file=str(home / self.secret_file))


def check_webhooks(document: TomlDocument) -> None:
    """What the types cannot say."""
    names: set[str] = set()
    for place, hook in document.found(WebhookSettings):
        if not _NAME.fullmatch(hook.name):
            document.problem((*place, "name"), '"name" of [[webhooks]] must be Latin letters, digits, "-" and "_".')
        if hook.name in names:
            document.problem((*place, "name"), f'There are two [[webhooks]] with the name "{hook.name}".')
        names.add(hook.name)
        if not _ADDRESS.fullmatch(hook.url):
            document.problem((*place, "url"), '"url" of [[webhooks]] must be an address like "https://example.net/x".')
        if hook.panel and not _PANEL.fullmatch(hook.panel):
            document.problem(
                (*place, "panel"), '"panel" of [[webhooks]] must be like "https://simbridge.local", without a path.'
            )
        for event in hook.events:
            if event not in EVENTS:
                document.problem(
                    (*place, "events"), f'"events" of [[webhooks]] holds of {", ".join(EVENTS)}, not "{event}".'
                )
        if not hook.events or len(set(hook.events)) < len(hook.events):
            document.problem((*place, "events"), '"events" of [[webhooks]] must name one at least, and each once.')
