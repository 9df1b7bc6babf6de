"""Nobody gets in but by the code from the console; secrets are kept as hashes only."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from gateway.settings import Settings
from gateway.store.store import Store, open_store
from tests.store.conftest import HandClock

PASSWORD = "a long walk in the rain"


async def _owner(store: Store) -> None:
    assert await store.accounts.set_up(code=store.accounts.setup_code() or "", name="Анна", password=PASSWORD)


async def _session(store: Store, name: str = "Анна", password: str = PASSWORD) -> str | None:
    begun = await store.accounts.sign_in(name=name, password=password, address="10.0.0.5", user_agent="browser")
    return begun.token if begun is not None else None


async def test_the_owner_comes_in_by_the_code_once(places: Settings, clock: HandClock) -> None:
    """T-W8."""
    file = places.data_dir / "setup-code"
    async with open_store(places, clock) as store:
        accounts = store.accounts
        assert await accounts.needs_setup()
        assert await _session(store) is None
        code = accounts.setup_code()
        assert code is not None
        assert len(code.replace("-", "")) == 12
        assert oct(file.stat().st_mode & 0o777) == "0o600"
        for wrong in ("", "AAAA-AAAA-AAAA", code[:-1], code + "A"):
            assert not await accounts.set_up(code=wrong, name="Eve", password=PASSWORD)
        typed = code.lower().replace("-", " ")
        results = await asyncio.gather(
            *(accounts.set_up(code=typed, name=name, password=PASSWORD) for name in ("Анна", "Eve"))
        )
        assert results == [True, False]
        assert not await accounts.needs_setup()
        assert accounts.setup_code() is None
        assert not file.exists()
    async with open_store(places, clock) as store:
        assert not await store.accounts.needs_setup()
        assert not file.exists()
        assert await _session(store) is not None


async def test_a_new_code_at_every_start_until_it_is_used(places: Settings, clock: HandClock) -> None:
    codes = set()
    for _ in range(3):
        async with open_store(places, clock) as store:
            codes.add(store.accounts.setup_code())
    assert len(codes) == 3


async def test_a_session_ends_by_age_idleness_and_sign_out(places: Settings, clock: HandClock) -> None:
    """T-W2."""
    async with open_store(places, clock) as store:
        await _owner(store)
        accounts = store.accounts
        token = await _session(store, name=" анна ")
        assert token is not None
        who = await accounts.authenticate(token)
        assert who is not None
        assert (who.name, who.scopes) == ("Анна", frozenset({"admin"}))
        assert await accounts.authenticate(token + "x") is None
        for _ in range(23):
            clock.pass_by(minutes=29)
            assert await accounts.authenticate(token) is not None
        clock.pass_by(hours=1)
        assert await accounts.authenticate(token) is None  # too old

        idle = await _session(store)
        assert idle is not None
        clock.pass_by(minutes=31)
        assert await accounts.authenticate(idle) is None

        left = await _session(store)
        assert left is not None
        (row,) = await accounts.sessions(who.user_id)
        assert (row.address, row.user_agent) == ("10.0.0.5", "browser")
        assert not await accounts.sign_out("somebody else", row.id)
        assert await accounts.sign_out(who.user_id, row.id)
        assert not await accounts.sign_out(who.user_id, row.id)
        assert await accounts.authenticate(left) is None


async def test_sessions_and_tokens_outlive_the_daemon(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        await _owner(store)
        session = await _session(store)
        ended = await _session(store)
        assert session is not None
        assert ended is not None
        who = await store.accounts.authenticate(ended)
        assert who is not None
        assert await store.accounts.sign_out(who.user_id, who.session_id or "")
        row, token = await store.accounts.create_token(
            who.user_id, name="CRM", scopes=frozenset({"read", "calls"}), expires_at=clock() + timedelta(days=1)
        )
        revoked, dead = await store.accounts.create_token(
            who.user_id, name="old", scopes=frozenset({"read"}), expires_at=None
        )
        assert not await store.accounts.revoke_token("somebody else", revoked.id)
        assert await store.accounts.revoke_token(who.user_id, revoked.id, by="the owner")
        assert not await store.accounts.revoke_token(who.user_id, revoked.id)
    clock.pass_by(minutes=20)
    async with open_store(places, clock) as store:
        assert await store.accounts.authenticate(session) is not None
        assert await store.accounts.authenticate(ended) is None
        assert await store.accounts.authenticate(dead) is None
        program = await store.accounts.authenticate(token)
        assert program is not None
        assert (program.scopes, program.session_id) == (frozenset({"read", "calls"}), None)
        (listed,) = await store.accounts.tokens(who.user_id)
        assert (listed.id, listed.name, listed.last_used_at) == (row.id, "CRM", clock())
        clock.pass_by(days=1)
        assert await store.accounts.authenticate(token) is None
    async with open_store(places, clock) as store:
        (listed,) = await store.accounts.tokens(who.user_id)
        assert listed.last_used_at == clock() - timedelta(days=1)


async def test_no_secret_is_on_disk(places: Settings, clock: HandClock) -> None:
    """T-W7."""
    async with open_store(places, clock) as store:
        code = store.accounts.setup_code() or ""
        await _owner(store)
        session = await _session(store) or ""
        who = await store.accounts.authenticate(session)
        assert who is not None
        _, token = await store.accounts.create_token(who.user_id, name="x", scopes=frozenset(), expires_at=None)
        kept = b"".join(path.read_bytes() for path in places.data_dir.iterdir())
        kept += b"".join(path.read_bytes() for path in places.data_dir.iterdir())
    for secret in (code, session, token, PASSWORD):
        assert secret
        assert secret.encode() not in kept
    assert b"$argon2id$v=19$m=19456,t=2,p=1$" in kept


async def test_an_unknown_name_takes_as_long_as_a_wrong_password(places: Settings, clock: HandClock) -> None:
    """T-W9: medians of interleaved tries, in processor time of the hashing thread: other programs do not count."""
    async with open_store(places, clock) as store:
        await _owner(store)
        hashing = store.accounts.passwords.thread
        took: dict[str, list[float]] = {"Анна": [], "nobody": []}
        for _ in range(9):
            for name, times in took.items():
                before = hashing.submit(time.thread_time).result()
                assert await _session(store, name=name, password="wrong") is None
                times.append(hashing.submit(time.thread_time).result() - before)
        known, unknown = (sorted(times)[len(times) // 2] for times in took.values())
        assert known > 0.005  # a hash was made
        assert abs(known - unknown) < 0.010
