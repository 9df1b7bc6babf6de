"""Accounts kept in memory: what the store does, without hashes and disk; the second step is the store's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from gateway.errors import NameTaken, NotYourself
from gateway.store.second_step import StoredSecondSteps
from gateway.store.users import SCOPES_OF_ROLES, Role
from tests.fakes.direct_store import memory_writer

_LATER = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class FakePrincipal:
    user_id: str
    name: str
    role: str
    scopes: frozenset[str]
    session_id: str | None
    courier: str | None = None
    lacks_second_step: bool = False


@dataclass(frozen=True, kw_only=True)
class FakeUser:
    id: str
    name: str
    role: str
    courier: str | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(kw_only=True)
class FakeSession:
    id: str
    token: str
    user_id: str
    address: str
    user_agent: str
    needs_code: bool = False
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
    """A user's name is the key too; who is in `passwords` alone is an owner."""

    def __init__(self, *, code: str = "SETUP-CODE") -> None:
        self.code: str | None = code
        self.passwords: dict[str, str] = {}
        self.people: dict[str, FakeUser] = {}
        self.open_sessions: dict[str, FakeSession] = {}
        self.open_tokens: dict[str, FakeToken] = {}
        self.verified = 0
        """How many passwords were looked at."""
        self._numbers = count(1)
        self.second_steps = StoredSecondSteps(memory_writer(), gateway_id="g", clock=lambda: datetime.now(UTC))
        self.tickets: dict[str, str] = {}

    async def needs_setup(self) -> bool:
        return not self.passwords

    async def set_up(self, *, code: str, name: str, password: str) -> bool:
        if code != self.code:
            return False
        self.code = None
        self.passwords[name] = password
        return True

    async def is_setup_code(self, code: str) -> bool:
        return code == self.code

    async def sign_in(self, *, name: str, password: str, address: str, user_agent: str) -> FakeSession | None:
        self.verified += 1
        if self.passwords.get(name) != password:
            return None
        if self.second_steps.is_on(name):
            ticket = f"ticket-{next(self._numbers)}"
            self.tickets[ticket] = name
            return FakeSession(
                id="", token=ticket, user_id=name, address=address, user_agent=user_agent, needs_code=True
            )
        return self._begin(name, address, user_agent)

    def ticket_of(self, ticket: str) -> str | None:
        return self.tickets.get(ticket)

    async def finish_sign_in(self, *, ticket: str, code: str, address: str, user_agent: str) -> FakeSession | None:
        name = self.tickets[ticket]
        if not await self.second_steps.is_right(name, code, name=name):
            return None
        del self.tickets[ticket]
        return self._begin(name, address, user_agent)

    async def reset_second_step(self, user_id: str, *, by: str) -> bool | None:
        return await self.second_steps.switch_off(user_id, by=by, whose=user_id)

    def _begin(self, name: str, address: str, user_agent: str) -> FakeSession:
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
                user = self._user(session.user_id)
                lacks = user.role in self.second_steps.roles and not self.second_steps.is_on(user.id)
                return FakePrincipal(
                    user_id=user.id, name=user.name, role=user.role, session_id=session.id, courier=user.courier,
                    scopes=frozenset({"own"}) if lacks else SCOPES_OF_ROLES[Role(user.role)], lacks_second_step=lacks,
                )  # fmt: skip
        for row in self.open_tokens.values():
            if row.token == token:
                return FakePrincipal(
                    user_id=row.user_id, name=row.user_id, role=self._user(row.user_id).role, scopes=row.scopes,
                    session_id=None,
                )  # fmt: skip
        return None

    def _user(self, name: str) -> FakeUser:
        return self.people.get(name, FakeUser(id=name, name=name, role="owner"))

    async def sign_out(self, user_id: str, session_id: str | None, *, by: str | None = None) -> bool:
        found = [
            each for each in self.open_sessions.values() if each.user_id == user_id and session_id in (None, each.id)
        ]
        for session in found:
            del self.open_sessions[session.id]
        return bool(found)

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

    async def revoke_token(self, user_id: str, token_id: str, *, by: str | None = None) -> bool:
        assert by is None or by in self.passwords
        row = self.open_tokens.get(token_id)
        if row is None or row.user_id != user_id:
            return False
        del self.open_tokens[token_id]
        return True

    async def users(self) -> Sequence[FakeUser]:
        return [self._user(name) for name in self.passwords]

    def last_sign_in(self, user_id: str) -> datetime | None:
        mine = [each.created_at for each in self.open_sessions.values() if each.user_id == user_id]
        return max(mine, default=None)

    async def add_user(self, *, name: str, password: str, role: str, courier: str | None, by: str) -> FakeUser:
        if name in self.passwords:
            raise NameTaken(f"Somebody is called {name!r} already.", name=name)
        self.passwords[name] = password
        self.people[name] = FakeUser(id=name, name=name, role=role, courier=courier)
        return self.people[name]

    async def change_user(self, user_id: str, *, role: str, courier: str | None, by: str) -> FakeUser | None:
        if user_id not in self.passwords:
            return None
        self.people[user_id] = FakeUser(id=user_id, name=user_id, role=role, courier=courier)
        return self.people[user_id]

    async def remove_user(self, user_id: str, *, by: str) -> bool:
        if user_id == by:
            raise NotYourself("You cannot remove yourself.")
        self.people.pop(user_id, None)
        await self.sign_out(user_id, None)
        return self.passwords.pop(user_id, None) is not None

    async def set_password(self, user_id: str, password: str, *, by: str, keep: str | None = None) -> bool:
        self.passwords[user_id] = password
        return True

    async def knows_password(self, user_id: str, password: str) -> bool:
        return self.passwords.get(user_id) == password
