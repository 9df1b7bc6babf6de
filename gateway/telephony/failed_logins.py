"""Wrong passwords of SIP phones: who sends them, who is shut out for it, and how that is ended. Times are aware UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedHost:
    """An address that has sent wrong passwords of late."""

    host: str
    accounts: tuple[str, ...]
    """The names it has tried, the latest last; the last few."""
    failures: int
    """Wrong passwords since the gateway remembers this address."""
    last_at: datetime
    banned_at: datetime | None
    banned_until: datetime | None
    """It is shut out until then; None: it is not, now."""
    bans: int
    """How often it was shut out; each time is longer than the one before."""
    phones: tuple[str, ...]
    """Extensions that are signed in from that address: what shuts it out shuts them out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessedPhone:
    """A phone of the shop whose password was given wrongly within the last hour, from whatever addresses."""

    extension: str
    failures: int
    """At most as many as close it."""
    closed_until: datetime | None
    """It can sign in only where it is signed in already, until then; None: anywhere."""


class FailedLogins(Protocol):
    """What the door of the SIP side knows."""

    def hosts(self) -> Sequence[FailedHost]:
        """Those that are shut out first, then by their last wrong password; two hundred at most."""

    def phones(self) -> Sequence[GuessedPhone]:
        """The phones of the shop, by extension."""

    def lift_ban(self, host: str) -> bool:
        """Hear that address again; False: it was not shut out."""

    def open_phone(self, extension: str) -> bool:
        """Let that phone sign in from anywhere again; False: it could."""
