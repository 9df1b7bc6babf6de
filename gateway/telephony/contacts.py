"""Contacts: who is behind a number, whom of the shop they know, and who is a regular customer (A5, A20).

A caller's number chooses a name and whom to ring first, nothing more: it can be forged, and opens nothing (T-F8).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person or a firm outside. `phones` are E.164, the first one is called; `manager` the extension of a phone."""

    id: str
    name: str
    phones: tuple[str, ...]
    manager: str | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDraft:
    """What somebody says of a contact; None: nothing. An empty `manager` is none."""

    name: str | None = None
    phones: tuple[str, ...] | None = None
    manager: str | None = None
    tags: tuple[str, ...] | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What a call must know of a contact at once."""

    id: str
    name: str
    manager: str | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRules:
    """What becomes of callers whom the shop knows: [contacts] of shop.toml."""

    regular_tags: tuple[str, ...] = ("regular", "постоянный")
    """A contact with one of these tags is a regular customer."""
    regular_calls: int = 0
    """So is who was talked to so often within `regular_days`; 0: nobody is by that."""
    regular_days: int = 90
    manager_seconds: int = 20
    """How long the manager's phone rings."""
    mobile_seconds: int = 20
    """How long the manager's mobile rings: shorter than its operator waits before a voicemail answers."""
    colleagues: tuple[str, ...] = ()
    """Phones that ring after the manager; left out: the usual way begins at once."""
    colleague_seconds: int = 20
    phone_book: bool = False
    """Contacts stand in the phone books that phones of the shop fetch."""


@dataclass(frozen=True, slots=True)
class Past:
    """What there was with a number of late: how often it was talked to within the days that count, and by whom last."""

    answered: int = 0
    last_by: str | None = None


def manager_of(rules: ContactRules, known: Known | None, past: Past) -> str | None:
    """The extension to whom a regular customer belongs; None: a caller like any other.

    Regular is who was given a manager or a tag, or was talked to often enough. Without a manager it is whoever of
    the shop has talked to them last.
    """
    if known is not None and known.manager is not None:
        return known.manager
    has_tag = known is not None and any(tag in rules.regular_tags for tag in known.tags)
    is_often_there = 0 < rules.regular_calls <= past.answered
    return past.last_by if has_tag or is_often_there else None


class People(Protocol):
    """Those outside whom the shop knows, by their numbers in E.164; answers at once."""

    def known(self, number: str) -> Known | None:
        """The contact with that number."""

    def manager_of(self, number: str, at: datetime | None = None) -> str | None:
        """The extension to whom that number belongs as a regular customer's, while the shop is open.

        `at` is the moment (aware) that is asked about; None: now.
        """


class NobodyKnown:
    """Where no contacts are kept."""

    def known(self, number: str) -> None:
        """Nobody has that number."""

    def manager_of(self, number: str, at: datetime | None = None) -> None:
        """It belongs to nobody."""
