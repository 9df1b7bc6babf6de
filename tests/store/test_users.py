"""People with roles: who may make whom, what a change ends, and what the audit keeps."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from gateway.errors import NameTaken, NotYourself, OwnersOnly
from gateway.settings import Settings
from gateway.store.account_rows import StoredPrincipal
from gateway.store.store import Store, open_store
from gateway.store.users import Role, StoredUser
from tests.store.conftest import HandClock

PASSWORD = "a long walk in the rain"


async def _signed_in(store: Store, name: str, password: str = PASSWORD) -> StoredPrincipal | None:
    begun = await store.accounts.sign_in(name=name, password=password, address="10.0.0.5", user_agent="browser")
    return await store.accounts.authenticate(begun.token) if begun is not None else None


async def _owner(store: Store) -> StoredPrincipal:
    await store.accounts.set_up(code=store.accounts.setup_code() or "", name="Анна", password=PASSWORD)
    owner = await _signed_in(store, "анна")
    assert owner is not None
    return owner


async def _add(store: Store, name: str, role: Role, by: StoredPrincipal, courier: str | None = None) -> StoredUser:
    return await store.accounts.add_user(name=name, password=PASSWORD, role=role, courier=courier, by=by.user_id)


async def test_owners_are_for_owners_and_nobody_shuts_himself_out(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        accounts, owner = store.accounts, await _owner(store)
        await _add(store, "Boris", Role.ADMIN, owner)
        admin = await _signed_in(store, "boris")
        assert admin is not None
        assert (admin.role, admin.scopes) == (Role.ADMIN, frozenset({"admin"}))
        with pytest.raises(NameTaken):
            await _add(store, " ANNA ".replace("ANNA", "АННА"), Role.VIEWER, owner)
        for refused in (
            _add(store, "Eve", Role.OWNER, admin),
            accounts.change_user(owner.user_id, role=Role.VIEWER, courier=None, by=admin.user_id),
            accounts.change_user(admin.user_id, role=Role.OWNER, courier=None, by=admin.user_id),
            accounts.remove_user(owner.user_id, by=admin.user_id),
            accounts.set_password(owner.user_id, "another good phrase", by=admin.user_id),
        ):
            with pytest.raises(OwnersOnly):
                await refused
        with pytest.raises(NotYourself):
            await accounts.remove_user(owner.user_id, by=owner.user_id)
        with pytest.raises(NotYourself):
            await accounts.change_user(owner.user_id, role=Role.VIEWER, courier=None, by=owner.user_id)
        assert await accounts.change_user("nobody", role=Role.VIEWER, courier=None, by=owner.user_id) is None
        assert not await accounts.remove_user("nobody", by=owner.user_id)


async def test_a_change_counts_at_once_and_after_a_restart(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        accounts, owner = store.accounts, await _owner(store)
        ivan = await _add(store, "Ivan", Role.OPERATOR, owner)
        begun = await accounts.sign_in(name="ivan", password=PASSWORD, address="10.0.0.5", user_agent="")
        assert begun is not None
        changed = await accounts.change_user(ivan.id, role=Role.COURIER, courier="2001", by=owner.user_id)
        assert changed is not None
        assert await accounts.authenticate(begun.token) is None, "another right, another session (T-W2)"
    async with open_store(places, clock) as store:
        courier = await _signed_in(store, "Ivan")
        assert courier is not None
        assert (courier.role, courier.courier, courier.scopes) == (
            "courier", "2001", frozenset({"own", "delivery"})
        )  # fmt: skip
        assert await store.accounts.remove_user(ivan.id, by=owner.user_id)
        assert await _signed_in(store, "Ivan") is None
        again = await _add(store, "Ivan", Role.VIEWER, owner)
        assert again.id != ivan.id, "the name is free"


async def test_when_somebody_signed_in_last_outlives_session_and_restart(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        owner = await _owner(store)
        boris = await _add(store, "Boris", Role.OPERATOR, owner)
        assert store.accounts.last_sign_in(boris.id) is None
        await _signed_in(store, "Boris", "not the password")
        assert store.accounts.last_sign_in(boris.id) is None
        first = clock()
        await _signed_in(store, "Boris")
        await store.accounts.sign_out(boris.id, None)
        assert store.accounts.last_sign_in(boris.id) == first
        clock.pass_by(days=40)
    async with open_store(places, clock) as store:
        assert store.accounts.last_sign_in(boris.id) == first


async def test_a_new_password_ends_every_session_but_the_one_that_asked(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        accounts, owner = store.accounts, await _owner(store)
        other = await accounts.sign_in(name="Анна", password=PASSWORD, address="10.0.0.6", user_agent="")
        assert other is not None
        assert await accounts.knows_password(owner.user_id, PASSWORD)
        assert not await accounts.knows_password(owner.user_id, "guess")
        new = "another good phrase"
        await accounts.set_password(owner.user_id, new, by=owner.user_id, keep=owner.session_id)
        assert [each.id for each in await accounts.sessions(owner.user_id)] == [owner.session_id]
        assert await accounts.authenticate(other.token) is None
        assert await _signed_in(store, "Анна") is None
        assert await _signed_in(store, "Анна", new) is not None


async def test_a_token_does_no_more_than_its_maker_may(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        accounts, owner = store.accounts, await _owner(store)
        boris = await _add(store, "Boris", Role.ADMIN, owner)
        _, token = await accounts.create_token(
            boris.id, name="CRM", scopes=frozenset({"read", "calls", "admin"}), expires_at=None
        )
        full = await accounts.authenticate(token)
        assert full is not None
        assert full.scopes == {"read", "calls", "admin"}
        await accounts.change_user(boris.id, role=Role.VIEWER, courier=None, by=owner.user_id)
        less = await accounts.authenticate(token)
        assert less is not None
        assert less.scopes == {"read"}
        await accounts.remove_user(boris.id, by=owner.user_id)
        assert await accounts.authenticate(token) is None


async def test_every_change_is_in_the_audit_without_a_secret(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        accounts, owner = store.accounts, await _owner(store)
        ivan = await _add(store, "Ivan", Role.OPERATOR, owner)
        await _signed_in(store, "Ivan")
        await accounts.change_user(ivan.id, role=Role.VIEWER, courier=None, by=owner.user_id)
        await accounts.set_password(ivan.id, "another good phrase", by=owner.user_id)
        await accounts.remove_user(ivan.id, by=owner.user_id)
    with closing(sqlite3.connect(places.database)) as database:
        rows = database.execute("SELECT by, action, subject, details FROM audit ORDER BY number").fetchall()
    told = [(by, action) for by, action, subject, _ in rows if subject == "Ivan"]
    assert told == [
        ("Анна", action)
        for action in ("user.created", "user.changed", "session.ended", "password.changed", "user.removed")
    ]
    assert all(PASSWORD not in details and "argon2" not in details for *_, details in rows)
