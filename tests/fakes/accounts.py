"""Accounts kept in memory: what the store does, without hashes and disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

_LATER = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class FakePrincipal:
    user_id: str
    name: str
    scopes: frozenset[str]
    session_id: str | None


@dataclass(kw_only=True)
class FakeSession:
    id: str
    token: str
    user_id: str
    address: str
    user_agent: str
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    last_used_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    expires_at: datetime = field(default_factory=lambda: datetime.now(UTC) + _LATER)


@dataclass(kw_only=True)
class FakeToken:
    id: str
    token: str
    user_id: str
    name: str
    scopes: frozenset[str]
    expires_at: datetime | None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    last_used_at: datetime | None = None


class FakeAccounts:
    """One owner at most."""

    def __init__(self, *, code: str = "SETUP-CODE") -> None:
        self.code: str | None = code
        self.passwords: dict[str, str] = {}
        self.open_sessions: dict[str, FakeSession] = {}
        self.open_tokens: dict[str, FakeToken] = {}
        self.verified = 0
        """How many passwords were looked at."""
        self._numbers = count(1)

    async def needs_setup(self) -> bool:
        return not self.passwords

    async def set_up(self, *, code: str, name: str, password: str) -> bool:
        if code != self.code:
            return False
        self.code = None
        self.passwords[name] = password
        return True

    async def sign_in(self, *, name: str, password: str, address: str, user_agent: str) -> FakeSession | None:
        self.verified += 1
        if self.passwords.get(name) != password:
            return None
        number = next(self._numbers)
        session = FakeSession(
            id=f"session-{number}", token=f"token-of-session-{number}", user_id=name, address=address,
            user_agent=user_agent,
        )  # fmt: skip
        self.open_sessions[session.id] = session
        return session

    async def authenticate(self, token: str) -> FakePrincipal | None:
        for session in self.open_sessions.values():
            if session.token == token:
                return FakePrincipal(
                    user_id=session.user_id, name=session.user_id, scopes=frozenset({"admin"}), session_id=session.id
                )
        for row in self.open_tokens.values():
            if row.token == token:
                return FakePrincipal(user_id=row.user_id, name=row.user_id, scopes=row.scopes, session_id=None)
        return None

    async def sign_out(self, user_id: str, session_id: str) -> bool:
        session = self.open_sessions.get(session_id)
        if session is None or session.user_id != user_id:
            return False
        del self.open_sessions[session_id]
        return True

    async def sessions(self, user_id: str) -> Sequence[FakeSession]:
        return [session for session in self.open_sessions.values() if session.user_id == user_id]

    async def create_token(
        self, user_id: str, *, name: str, scopes: frozenset[str], expires_at: datetime | None
    ) -> tuple[FakeToken, str]:
        number = next(self._numbers)
        row = FakeToken(
            id=f"token-{number}", token=f"secret-of-token-{number}", user_id=user_id, name=name, scopes=scopes,
            expires_at=expires_at,
        )  # fmt: skip
        self.open_tokens[row.id] = row
        return row, row.token

    async def tokens(self, user_id: str) -> Sequence[FakeToken]:
        return [row for row in self.open_tokens.values() if row.user_id == user_id]

    async def revoke_token(self, user_id: str, token_id: str) -> bool:
        row = self.open_tokens.get(token_id)
        if row is None or row.user_id != user_id:
            return False
        del self.open_tokens[token_id]
        return True
