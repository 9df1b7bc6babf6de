"""`simbridge new-password`: for an owner who has forgotten the password, whether the daemon runs or not.

Whoever may write to the data directory holds everything already: the command gives nobody anything new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import SQLAlchemyError

from gateway.clock import utc_now
from gateway.errors import StoreError
from gateway.store.command_note import note_command
from gateway.store.database import Places, prepare
from gateway.store.opened import transaction
from gateway.store.passwords import hash_of, new_code
from gateway.store.schema_access import sessions, users
from gateway.store.second_step import stored_ids
from gateway.store.users import name_key


@dataclass(frozen=True, slots=True)
class ChangedByOthers:
    """What another process (the command line) may have changed of people and of what they are signed in by."""

    password_hashes: Mapping[str, str]
    """By the keys of people."""
    ended_sessions: frozenset[str]
    """The keys of those that are over."""
    second_steps: frozenset[str]
    """The keys of people who have one."""


def changed_by_others(connection: Connection, now: datetime) -> ChangedByOthers:
    """As it is stored now."""
    hashes = connection.execute(select(users.c.id, users.c.password_hash).where(users.c.disabled_at.is_(None)))
    ended = connection.execute(
        select(sessions.c.id).where(sessions.c.ended_at.is_not(None), sessions.c.expires_at > now)
    )
    return ChangedByOthers(
        password_hashes={row.id: row.password_hash for row in hashes},
        ended_sessions=frozenset(ended.scalars()),
        second_steps=stored_ids(connection),
    )


def give_new_password(places: Places, name: str) -> str:
    """Make a new password for that person, sign the person out everywhere, and say what came of it. Raises StoreError.

    The password is told this once; the store keeps a hash.
    """
    prepare(places)
    password = new_code()
    try:
        with transaction(places.database) as connection:
            people = connection.execute(select(users).where(users.c.disabled_at.is_(None))).all()
            user = next((each for each in people if each.name_key == name_key(name)), None)
            if user is None:
                names = ", ".join(sorted(each.name for each in people))
                return f"Nobody is called {name.strip()!r}. Those who may sign in: {names or 'nobody yet'}."
            now = utc_now()
            connection.execute(update(users).where(users.c.id == user.id).values(password_hash=hash_of(password)))
            mine = update(sessions).where(sessions.c.user_id == user.id, sessions.c.ended_at.is_(None))
            connection.execute(mine.values(ended_at=now))
            note_command(connection, now, action="password.changed", subject=user.name)
    except SQLAlchemyError as error:
        raise StoreError(f"The password cannot be changed: {error}.") from error
    return f"{user.name} signs in with {password} now. Choose one of your own at once, on the page of your account."
