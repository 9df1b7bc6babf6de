"""What the worker asks of the store: rows in the wire form of openapi.json, read in a thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.store.order_evidence import OrderEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Which calls are wanted; None: all."""

    direction: str | None = None
    outcome: str | None = None
    """"answered" or "missed"."""
    courier: str | None = None
    line: str | None = None
    search: str | None = None
    """A part of a number or of a name."""
    recorded: bool | None = None
    tag: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """Which SMS are wanted; None: all."""

    line: str | None = None
    search: str | None = None
    """A part of a number or of the text."""
    direction: str | None = None
    state: str | None = None
    peer: str | None = None
    """The other number, exactly."""


class Archive(Protocol):
    """The store, opened read-only. The verbs block; they are called in threads."""

    def calls(
        self, wanted: CallFilter, *, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, object]], str | None]:
        """Rows as the schema `CallSummary`, newest first, and the cursor of the next page.

        Raises ValueError for a cursor that is none of ours.
        """

    def call(self, call_id: str) -> dict[str, object] | None:
        """The schema `Call`; None when there is none of that id."""

    def call_tags(self) -> list[dict[str, object]]:
        """Every tag of a call, and how many `calls` have it, the most used first."""

    def messages(
        self, wanted: MessageFilter, *, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, object]], str | None]:
        """Rows as the schema `Message`, newest first, and the cursor of the next page. Raises ValueError."""

    def message(self, message_id: str) -> dict[str, object] | None:
        """The schema `MessageDetails`; None when there is none of that id."""

    def conversations(
        self, wanted: MessageFilter, *, cursor: str | None, limit: int
    ) -> tuple[list[dict[str, object]], str | None]:
        """Rows as the schema `Conversation`, the newest first, and the cursor of the next page. Raises ValueError."""

    def order_evidence(self, number: str) -> OrderEvidence | None:
        """All that is kept of an order; None: there is no such order."""

    def recording_path(self, recording_id: str) -> str | None:
        """The file of a finished recording, relative to the recordings directory; None when there is none."""
