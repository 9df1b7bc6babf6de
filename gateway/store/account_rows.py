"""What the accounts keep in memory of people's sessions and of programs' tokens, and what they tell of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.store.unsynced import Since

SESSION_IDLE = timedelta(minutes=30)
SESSION_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPrincipal:
    """Who asks. `session_id` is None for a program with a token."""

    user_id: str
    name: str
    role: str
    scopes: frozenset[str]
    session_id: str | None
    courier: str | None = None
    lacks_second_step: bool = False
    """The role needs a second step and the person has none: whoever asks may only see to that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """A session; `digest` is the SHA-256 of its token."""

    id: str
    user_id: str
    digest: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str
    user_agent: str
    is_new: bool = True
    """Begun in this run of the daemon, and thus dated by the clock as it is now."""
    is_used: bool = True
    """Used in this run."""

    def is_good(self, now: datetime) -> bool:
        """Neither too old nor idle for too long, nor begun by a clock that has been far ahead and is set back."""
        is_past = self.created_at - now < SESSION_AHEAD
        return is_past and now < self.expires_at and now - self.last_used_at < SESSION_IDLE

    def moved(self, since: Since) -> StoredSession:
        """After the clock was set: as old as before, and idle for as long."""
        by = since.by if self.is_new else timedelta()
        used_by = since.by if self.is_used else timedelta()
        return replace(
            self, created_at=self.created_at + by, expires_at=self.expires_at + by,
            last_used_at=self.last_used_at + used_by,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunSession:
    """A session that has just begun; its token is told once.

    With `needs_code` it has not begun yet: the token is a ticket, with which the code of the second step is sent.
    """

    id: str
    token: str
    expires_at: datetime
    needs_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """An API token's row."""

    id: str
    user_id: str
    digest: str
    name: str
    scopes: frozenset[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Not expired."""
        return self.expires_at is None or now < self.expires_at
