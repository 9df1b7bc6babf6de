"""Users, sessions and API tokens. Only hashes of secrets are kept; there is no default password (T-W2, T-W7, T-W8).

Tokens are random and long, so their SHA-256 is enough. What is live is also in memory: a request costs no
look-up on disk.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, insert, select, update

from gateway.clock import CERTAIN, Dating, WallClock, follow_in_loop
from gateway.errors import OwnersOnly
from gateway.ids import new_id
from gateway.store.account_rows import BegunSession, StoredPrincipal, StoredSession, StoredToken
from gateway.store.audit import add_audit
from gateway.store.new_password import ChangedByOthers
from gateway.store.passwords import Passwords
from gateway.store.schema_access import sessions, tokens
from gateway.store.second_step import StoredSecondSteps
from gateway.store.setup_code import SetupCode
from gateway.store.unsynced import Since
from gateway.store.users import Role, StoredUser, StoredUsers, require_right
from gateway.store.writer import Work, Writer

SESSION_LIFE = timedelta(hours=12)
TICKET_LIFE = timedelta(minutes=5)
MOST_TICKETS = 64
USE_SAVED_EVERY = timedelta(minutes=5)
"""A use is written no more often than this, to spare the card."""


class StoredAccounts:
    """The accounts of the API. `load` first, `close` at the end."""

    def __init__(
        self, writer: Writer, *, gateway_id: str, clock: WallClock, setup_code_file: Path, dating: Dating = CERTAIN
    ) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock
        self._setup_code = SetupCode(setup_code_file)
        self.passwords = Passwords()
        self.second_steps = StoredSecondSteps(writer, gateway_id=gateway_id, clock=clock)
        self._users = StoredUsers(writer, gateway_id=gateway_id, clock=clock)
        self._tickets: dict[str, tuple[str, datetime]] = {}
        self._sessions: dict[str, StoredSession] = {}
        self._signed_in: dict[str, datetime] = {}
        self._tokens: dict[str, StoredToken] = {}
        self._saved_uses: dict[str, datetime] = {}
        self._setting_up = asyncio.Lock()
        self._dating = dating
        self._offset_seconds = dating.offset_seconds
        self._unfollow: Callable[[], None] | None = None

    async def load(self) -> None:
        """Read what is live; make the one-time setup code when there is no owner yet."""
        self._unfollow = follow_in_loop(self._dating, self._clock_was_set)
        await self._writer.write(self._read)
        if len(self._users):
            self._setup_code.end()  # users may have come by a backup
            self.passwords.warm_up()
        else:
            self._setup_code.make()

    def take(self, changed: ChangedByOthers) -> None:
        """Go by what another process has changed: who has a new password, and is signed out."""
        self._users.take_hashes(changed.password_hashes)
        self.second_steps.keep_only(changed.second_steps)
        self._sessions = {key: each for key, each in self._sessions.items() if each.id not in changed.ended_sessions}

    def close(self) -> None:
        """Let the hashing thread go, and the clock."""
        if self._unfollow is not None:
            self._unfollow()
        self.passwords.close()

    def setup_code(self) -> str | None:
        """The one-time code for the first sign-in, for the owner's console; None once there is an owner."""
        return self._setup_code.text()

    async def needs_setup(self) -> bool:
        """There is no owner yet."""
        return len(self._users) == 0

    async def set_up(self, *, code: str, name: str, password: str) -> bool:
        """Make the owner's account if `code` is the setup code, and end the code."""
        async with self._setting_up:
            if not await self.is_setup_code(code):
                return False
            hashed = await self.passwords.hashed(password)
            await self._users.add(name=name, password_hash=hashed, role=Role.OWNER, courier=None, by=None)
            self.passwords.warm_up()
            self._setup_code.end()
            return True

    async def is_setup_code(self, code: str) -> bool:
        """Whether it is the one-time code, and nobody is the owner yet."""
        return not len(self._users) and self._setup_code.is_right(code)

    async def sign_in(self, *, name: str, password: str, address: str, user_agent: str) -> BegunSession | None:
        """A new session, or what begins one with a code; None: wrong name or password, told after the same time."""
        user = self._users.of_name(name)
        right = await self.passwords.is_right(user.password_hash if user is not None else None, password)
        if user is None or not right:
            return None
        if self.second_steps.is_on(user.id):
            return self._ticket(user.id)
        return await self._begin(user, address, user_agent)

    def ticket_of(self, ticket: str) -> str | None:
        """The key of the person whose password was right, and who has a code to send; None: it has expired."""
        user_id, end = self._tickets.get(token_digest(ticket), ("", self._clock()))
        return user_id if self._clock() < end and self._users.of_id(user_id) is not None else None

    async def finish_sign_in(self, *, ticket: str, code: str, address: str, user_agent: str) -> BegunSession | None:
        """A new session for a ticket and the code that belongs to it; None: the code is wrong, or the ticket."""
        user_id = self.ticket_of(ticket)
        user = self._users.of_id(user_id) if user_id is not None else None
        if user is None or not await self.second_steps.is_right(user.id, code, name=user.name):
            return None
        self._tickets.pop(token_digest(ticket), None)
        return await self._begin(user, address, user_agent)

    def _ticket(self, user_id: str) -> BegunSession:
        now = self._clock()
        good = [(digest, kept) for digest, kept in self._tickets.items() if now < kept[1]]
        self._tickets = dict(good[1 - MOST_TICKETS :])
        token, end = secrets.token_urlsafe(32), now + TICKET_LIFE
        self._tickets[token_digest(token)] = (user_id, end)
        return BegunSession(id="", token=token, expires_at=end, needs_code=True)

    async def _begin(self, user: StoredUser, address: str, user_agent: str) -> BegunSession:
        now = self._clock()
        token = secrets.token_urlsafe(32)
        session = StoredSession(
            id=new_id(), user_id=user.id, digest=token_digest(token), created_at=now, last_used_at=now,
            expires_at=now + SESSION_LIFE, address=address, user_agent=user_agent,
        )  # fmt: skip

        def begin(connection: Connection) -> None:
            connection.execute(
                insert(sessions).values(
                    id=session.id, gateway_id=self._gateway_id, user_id=user.id, token_digest=session.digest,
                    created_at=now, last_used_at=now, expires_at=session.expires_at, address=address,
                    user_agent=user_agent,
                )
            )  # fmt: skip
            self._note(connection, now, user.name, "session.begun", address)

        # The owner must get in while the disk is away, to see what is wrong.
        await self._writer.write_or_keep(begin)
        self._sessions = {digest: each for digest, each in self._sessions.items() if each.is_good(now)}
        self._sessions[session.digest] = session
        self._signed_in[user.id] = now
        return BegunSession(id=session.id, token=token, expires_at=session.expires_at)

    async def authenticate(self, token: str) -> StoredPrincipal | None:
        """Who holds this session token or API token now; the use keeps a session alive."""
        digest = token_digest(token)
        now = self._clock()
        session, program = self._sessions.get(digest), self._tokens.get(digest)
        if session is not None and not session.is_good(now):
            del self._sessions[digest]
        elif session is not None:
            self._sessions[digest] = replace(session, last_used_at=now, is_used=True)
            self._save_use(session.id, now, is_session=True)
            return self._principal(session.user_id, None, session.id)
        elif program is not None and program.is_good(now):
            self._tokens[digest] = replace(program, last_used_at=now)
            self._save_use(program.id, now, is_session=False)
            return self._principal(program.user_id, program.scopes, None)
        return None

    async def sign_out(self, user_id: str, session_id: str | None, *, by: str | None = None) -> bool:
        """End a session of that user, or all of them (None); False when there is none. `by`: whom to name for it."""
        mine = [
            each
            for each in self._sessions.values()
            if each.user_id == user_id and (session_id is None or each.id == session_id)
        ]
        now = self._clock()
        for session in mine:
            del self._sessions[session.digest]
            await self._writer.write_or_keep(self._session_ended(session, now, by or self._name_of(user_id)))
        return bool(mine)

    def _session_ended(self, session: StoredSession, now: datetime, by: str) -> Work[None]:
        ended = update(sessions).where(sessions.c.id == session.id).values(ended_at=now)

        def end(connection: Connection) -> None:
            connection.execute(ended)
            self._note(connection, now, by, "session.ended", self._name_of(session.user_id))

        return end

    async def sessions(self, user_id: str) -> Sequence[StoredSession]:
        """The user's sessions that are still good, the newest first."""
        now = self._clock()
        found = [each for each in self._sessions.values() if each.user_id == user_id and each.is_good(now)]
        return sorted(found, key=lambda session: session.created_at, reverse=True)

    async def create_token(
        self, user_id: str, *, name: str, scopes: frozenset[str], expires_at: datetime | None
    ) -> tuple[StoredToken, str]:
        """A new API token: its row, and the token itself, told once."""
        now = self._clock()
        text = "simbridge_" + secrets.token_urlsafe(32)
        row = StoredToken(
            id=new_id(), user_id=user_id, digest=token_digest(text), name=name, scopes=scopes, created_at=now,
            last_used_at=None, expires_at=expires_at,
        )  # fmt: skip

        def make(connection: Connection) -> None:
            connection.execute(
                insert(tokens).values(
                    id=row.id, gateway_id=self._gateway_id, user_id=user_id, name=name, token_digest=row.digest,
                    scopes=sorted(scopes), created_at=now, expires_at=expires_at,
                )
            )  # fmt: skip
            self._note(connection, now, self._name_of(user_id), "token.created", name)

        await self._writer.write(make)
        self._tokens[row.digest] = row
        return row, text

    async def tokens(self, user_id: str) -> Sequence[StoredToken]:
        """The user's API tokens, the newest first."""
        found = [each for each in self._tokens.values() if each.user_id == user_id]
        return sorted(found, key=lambda token: token.id, reverse=True)

    async def revoke_token(self, user_id: str, token_id: str, *, by: str | None = None) -> bool:
        """End a token of that user; False when there is none. `by`: whom to name for it."""
        token = next((each for each in self._tokens.values() if each.id == token_id and each.user_id == user_id), None)
        if token is None:
            return False
        del self._tokens[token.digest]
        now = self._clock()

        def revoke(connection: Connection) -> None:
            connection.execute(update(tokens).where(tokens.c.id == token_id).values(revoked_at=now))
            self._note(connection, now, by or self._name_of(user_id), "token.revoked", token.name)

        await self._writer.write_or_keep(revoke)
        return True

    # People.

    async def users(self) -> Sequence[StoredUser]:
        """Everybody who may sign in, by name."""
        return self._users.all()

    def last_sign_in(self, user_id: str) -> datetime | None:
        """When that person signed in last; None: never."""
        return self._signed_in.get(user_id)

    async def add_user(self, *, name: str, password: str, role: str, courier: str | None, by: str) -> StoredUser:
        """Let one more person in. Raises NameTaken, OwnersOnly."""
        hashed = await self.passwords.hashed(password)
        return await self._users.add(
            name=name, password_hash=hashed, role=Role(role), courier=courier, by=self._asking(by)
        )

    async def change_user(self, user_id: str, *, role: str, courier: str | None, by: str) -> StoredUser | None:
        """Give a person another role; every session ends. None: there is no such person."""
        user = self._users.of_id(user_id)
        if user is None:
            return None
        changed = await self._users.change(user, role=Role(role), courier=courier, by=self._asking(by))
        if changed.role != user.role:
            await self.sign_out(user_id, None, by=self._name_of(by))
        return changed

    async def remove_user(self, user_id: str, *, by: str) -> bool:
        """Let a person in no more, nor the tokens that are hers; False when there is no such person."""
        user = self._users.of_id(user_id)
        if user is None:
            return False
        await self._users.remove(user, by=self._asking(by))
        await self.second_steps.switch_off(user_id, by=self._name_of(by), whose=user.name)
        await self.sign_out(user_id, None, by=self._name_of(by))
        return True

    async def set_password(self, user_id: str, password: str, *, by: str, keep: str | None = None) -> bool:
        """Give a person another password; every session but `keep` ends. False when there is no such person."""
        user = self._users.of_id(user_id)
        if user is None:
            return False
        await self._users.set_password(user, await self.passwords.hashed(password), by=self._asking(by))
        for session in await self.sessions(user_id):
            if session.id != keep:
                await self.sign_out(user_id, session.id, by=self._name_of(by))
        return True

    async def reset_second_step(self, user_id: str, *, by: str) -> bool | None:
        """Ask a person for no code any more; False: none was asked for, None: there is no such person.

        Raises OwnersOnly.
        """
        user = self._users.of_id(user_id)
        if user is None:
            return None
        require_right(self._asking(by), user.role)
        return await self.second_steps.switch_off(user_id, by=self._name_of(by), whose=user.name)

    async def knows_password(self, user_id: str, password: str) -> bool:
        """The person's own password, asked again before something weighty."""
        user = self._users.of_id(user_id)
        return await self.passwords.is_right(user.password_hash if user is not None else None, password)

    # Inside.

    def _read(self, connection: Connection) -> None:
        now = self._clock()
        self._users.read(connection)
        self.second_steps.read(connection)
        last = select(sessions.c.user_id, func.max(sessions.c.created_at).label("at")).group_by(sessions.c.user_id)
        self._signed_in = {row.user_id: row.at for row in connection.execute(last)}
        for row in connection.execute(
            select(sessions).where(sessions.c.ended_at.is_(None), sessions.c.expires_at > now)
        ):
            self._sessions[row.token_digest] = StoredSession(
                id=row.id, user_id=row.user_id, digest=row.token_digest, created_at=row.created_at,
                last_used_at=row.last_used_at, expires_at=row.expires_at, address=row.address,
                user_agent=row.user_agent, is_new=False, is_used=False,
            )  # fmt: skip
        for row in connection.execute(select(tokens).where(tokens.c.revoked_at.is_(None))):
            self._tokens[row.token_digest] = StoredToken(
                id=row.id, user_id=row.user_id, digest=row.token_digest, name=row.name,
                scopes=frozenset(row.scopes), created_at=row.created_at, last_used_at=row.last_used_at,
                expires_at=row.expires_at,
            )  # fmt: skip

    def _clock_was_set(self) -> None:
        """A session lives as long as it would have: what the clock has dated goes with it (X-T1)."""
        before, self._offset_seconds = self._offset_seconds, self._dating.offset_seconds
        since = Since.boot(before, self._offset_seconds, self._dating.up_seconds)
        self._tickets = {digest: (user_id, end + since.by) for digest, (user_id, end) in self._tickets.items()}
        self._sessions = {digest: each.moved(since) for digest, each in self._sessions.items()}
        self._saved_uses = {}
        self._signed_in = {user: at + since.by if since.has(at) else at for user, at in self._signed_in.items()}
        self.second_steps.clock_was_set(since)

    def _principal(self, user_id: str, scopes: frozenset[str] | None, session_id: str | None) -> StoredPrincipal | None:
        user = self._users.of_id(user_id)
        if user is None:
            return None
        # A token does what it was made for, and never more than its maker may.
        allowed = user.scopes if scopes is None else scopes if "admin" in user.scopes else scopes & user.scopes
        lacks = session_id is not None and user.role in self.second_steps.roles and not self.second_steps.is_on(user.id)
        return StoredPrincipal(
            user_id=user.id, name=user.name, role=user.role, scopes=frozenset({"own"}) if lacks else allowed,
            session_id=session_id, courier=user.courier, lacks_second_step=lacks,
        )  # fmt: skip

    def _asking(self, user_id: str) -> StoredUser:
        user = self._users.of_id(user_id)
        if user is None:
            raise OwnersOnly("Whoever asks is removed already.")
        return user

    def _name_of(self, user_id: str) -> str:
        user = self._users.of_id(user_id)
        return user.name if user is not None else user_id

    def _save_use(self, row_id: str, now: datetime, *, is_session: bool) -> None:
        saved = self._saved_uses.get(row_id)
        if saved is not None and now - saved < USE_SAVED_EVERY:
            return
        self._saved_uses = {key: used for key, used in self._saved_uses.items() if now - used < USE_SAVED_EVERY}
        self._saved_uses[row_id] = now
        table = sessions if is_session else tokens
        use = update(table).where(table.c.id == row_id).values(last_used_at=now)
        self._writer.enqueue(lambda connection: connection.execute(use))

    def _note(self, connection: Connection, now: datetime, by: str, action: str, subject: str) -> None:
        add_audit(connection, gateway_id=self._gateway_id, now=now, by=by, action=action, subject=subject, details={})


def token_digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
