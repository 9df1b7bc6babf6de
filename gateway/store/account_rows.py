"""What the accounts keep in memory of people's sessions and of programs' tokens, and what they tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

SESSION_IDLE = timedelta(minutes=30)


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

    def is_good(self, now: datetime) -> bool:
        """Neither too old nor idle for too long."""
        return now < self.expires_at and now - self.last_used_at < SESSION_IDLE


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
