"""Who may sign in: people with a name, a password and a role. Every change is a row of the audit."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from gateway.clock import WallClock
from gateway.errors import NameTaken, NotYourself, OwnersOnly
from gateway.ids import new_id
from gateway.store.audit import add_audit
from gateway.store.schema_access import users
from gateway.store.writer import Writer


class Role(StrEnum):
    """What a person may do, from everything to looking on."""

    OWNER = "owner"
    ADMIN = "admin"
    """As the owner, but owners are made, changed and removed by owners alone."""
    OPERATOR = "operator"
    COURIER = "courier"
    VIEWER = "viewer"


SCOPES_OF_ROLES: dict[Role, frozenset[str]] = {
    Role.OWNER: frozenset({"admin"}),
    Role.ADMIN: frozenset({"admin"}),
    Role.OPERATOR: frozenset({"own", "read", "calls", "orders"}),
    Role.COURIER: frozenset({"own", "delivery"}),
    Role.VIEWER: frozenset({"own", "read"}),
}
"""The one truth of who may what; openapi.json says which scope each route needs, and `admin` holds them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUser:
    """A person. `courier` is the extension of the courier whom the person is, with that role."""

    id: str
    name: str
    password_hash: str
    role: Role
    created_at: datetime
    courier: str | None = None

    @property
    def scopes(self) -> frozenset[str]:
        """What the role may do."""
        return SCOPES_OF_ROLES[self.role]


class StoredUsers:
    """The people, in memory and on disk. `by` is always the one who wants it."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock
        self._by_id: dict[str, StoredUser] = {}

    def read(self, connection: Connection) -> None:
        """Take what is stored."""
        for row in connection.execute(select(users).where(users.c.disabled_at.is_(None))):
            self._by_id[row.id] = StoredUser(
                id=row.id, name=row.name, password_hash=row.password_hash, role=Role(row.role),
                created_at=row.created_at, courier=row.courier,
            )  # fmt: skip

    def take_hashes(self, hashes: Mapping[str, str]) -> None:
        """Another process has given people new passwords: what is kept of them, by the keys of people."""
        self._by_id = {
            key: replace(user, password_hash=hashes.get(key, user.password_hash)) for key, user in self._by_id.items()
        }

    def __len__(self) -> int:
        return len(self._by_id)

    def all(self) -> Sequence[StoredUser]:
        """Everybody, by name."""
        return sorted(self._by_id.values(), key=lambda user: name_key(user.name))

    def of_id(self, user_id: str) -> StoredUser | None:
        """The person with that key."""
        return self._by_id.get(user_id)

    def of_name(self, name: str) -> StoredUser | None:
        """The person of that name, however it is typed."""
        key = name_key(name)
        return next((user for user in self._by_id.values() if name_key(user.name) == key), None)

    async def add(
        self, *, name: str, password_hash: str, role: Role, courier: str | None, by: StoredUser | None
    ) -> StoredUser:
        """A new person; `by` is None for the first owner. Raises NameTaken and OwnersOnly."""
        if by is not None:
            require_right(by, role)
        if self.of_name(name) is not None:
            raise NameTaken(f"Somebody is called {name!r} already.", name=name)
        now = self._clock()
        user = StoredUser(
            id=new_id(), name=name, password_hash=password_hash, role=role, created_at=now, courier=courier
        )
        action = "owner.created" if by is None else "user.created"

        def make(connection: Connection) -> None:
            connection.execute(
                insert(users).values(
                    id=user.id, gateway_id=self._gateway_id, name=name, name_key=name_key(name),
                    password_hash=password_hash, role=role, courier=courier, created_at=now,
                )
            )  # fmt: skip
            self._note(connection, now, by.name if by is not None else name, action, user)

        await self._writer.write(make)
        self._by_id[user.id] = user
        return user

    async def change(self, user: StoredUser, *, role: Role, courier: str | None, by: StoredUser) -> StoredUser:
        """Give a person another role. Raises OwnersOnly, and NotYourself: nobody shuts himself out."""
        require_right(by, user.role, role)
        if by.id == user.id and role != user.role:
            raise NotYourself("Your own role is for somebody else to change.")
        return await self._update(replace(user, role=role, courier=courier), "user.changed", by)

    async def set_password(self, user: StoredUser, password_hash: str, *, by: StoredUser) -> StoredUser:
        """Give a person another password. Raises OwnersOnly."""
        if by.id != user.id:
            require_right(by, user.role)
        return await self._update(replace(user, password_hash=password_hash), "password.changed", by)

    async def remove(self, user: StoredUser, *, by: StoredUser) -> None:
        """Let a person in no more; the name is free again. Raises OwnersOnly and NotYourself."""
        require_right(by, user.role)
        if by.id == user.id:
            raise NotYourself("You cannot remove yourself.")
        now = self._clock()
        gone = update(users).where(users.c.id == user.id)

        def remove(connection: Connection) -> None:
            connection.execute(gone.values(disabled_at=now, name_key=f"{name_key(user.name)} {user.id}"))
            self._note(connection, now, by.name, "user.removed", user)

        await self._writer.write(remove)
        self._by_id.pop(user.id, None)

    async def _update(self, user: StoredUser, action: str, by: StoredUser) -> StoredUser:
        now = self._clock()
        values = {"role": user.role, "courier": user.courier, "password_hash": user.password_hash}

        def change(connection: Connection) -> None:
            connection.execute(update(users).where(users.c.id == user.id).values(values))
            self._note(connection, now, by.name, action, user)

        await self._writer.write(change)
        self._by_id[user.id] = user
        return user

    def _note(self, connection: Connection, now: datetime, by: str, action: str, user: StoredUser) -> None:
        details: dict[str, object] = {"role": str(user.role), "courier": user.courier}
        add_audit(
            connection, gateway_id=self._gateway_id, now=now, by=by, action=action, subject=user.name, details=details
        )


def name_key(name: str) -> str:
    """What makes two names the same user."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def require_right(by: StoredUser, *roles: Role) -> None:
    """Raises OwnersOnly when one of `roles` is not for `by` to deal with."""
    if Role.OWNER in roles and by.role is not Role.OWNER:
        raise OwnersOnly("Only an owner makes, changes and removes owners.")
