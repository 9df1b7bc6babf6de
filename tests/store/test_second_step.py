"""Codes by the clock at sign-in (RFC 6238): each opens once, guesses run out, spare codes help, an owner may insist."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import pytest

from gateway.errors import OwnersOnly
from gateway.settings import Settings
from gateway.store.account_rows import BegunSession
from gateway.store.accounts import StoredAccounts
from gateway.store.second_step import MOST_GUESSES, RECOVERY_CODES, matching_step
from gateway.store.second_step_command import switch_off_second_step
from gateway.store.shop_document.shop_commands import export_shop
from gateway.store.store import open_store
from gateway.store.users import Role
from tests.fakes.direct_store import memory_writer
from tests.store.conftest import HandClock

PASSWORD = "a long walk in the rain"
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""RFC 6238 appendix B: the ASCII text 12345678901234567890, in base 32."""


class Door:
    """Accounts on a store in memory; every `opened` is a start of the daemon."""

    def __init__(self, directory: Path, clock: HandClock) -> None:
        self.writer = memory_writer()
        self.clock = clock
        self._code_file = directory / "setup-code"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[StoredAccounts]:
        accounts = StoredAccounts(self.writer, gateway_id="g", clock=self.clock, setup_code_file=self._code_file)
        try:
            await accounts.load()
            yield accounts
        finally:
            accounts.close()


@pytest.fixture
def door(tmp_path: Path, clock: HandClock) -> Door:
    return Door(tmp_path, clock)


async def _set_up(accounts: StoredAccounts) -> str:
    """The key of the owner."""
    await accounts.set_up(code=accounts.setup_code() or "", name="Анна", password=PASSWORD)
    (owner,) = await accounts.users()
    return owner.id


async def _sign_in(accounts: StoredAccounts, name: str = "Анна") -> BegunSession:
    begun = await accounts.sign_in(name=name, password=PASSWORD, address="10.0.0.5", user_agent="browser")
    assert begun is not None
    return begun


async def _switch_on(accounts: StoredAccounts, clock: HandClock, user_id: str) -> tuple[pyotp.TOTP, list[str]]:
    """A phone that makes codes, and the spare codes; the clock stands in the next interval then."""
    offered = accounts.second_steps.offer(user_id, name="Анна", shop="Лавка")
    phone = pyotp.parse_uri(offered.uri)
    assert isinstance(phone, pyotp.TOTP)
    assert not accounts.second_steps.is_on(user_id)
    spare = await accounts.second_steps.confirm(user_id, phone.at(clock.now), by="Анна")
    assert spare is not None
    clock.pass_by(seconds=30)
    return phone, spare


async def _finish(accounts: StoredAccounts, ticket: str, code: str) -> BegunSession | None:
    return await accounts.finish_sign_in(ticket=ticket, code=code, address="10.0.0.5", user_agent="browser")


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_vectors_of_the_rfc(seconds: int, code: str) -> None:
    """RFC 6238 appendix B, SHA-1; of their eight digits the last six are what six digits show."""
    at = datetime.fromtimestamp(seconds, UTC)
    assert matching_step(RFC_SECRET, code, at, after=0) == seconds // 30
    assert matching_step(RFC_SECRET, code, at, after=seconds // 30) is None
    for drift, is_good in ((-60, False), (-30, True), (30, True), (60, False)):
        moved = datetime.fromtimestamp(max(seconds + drift, 0), UTC)
        assert (matching_step(RFC_SECRET, code, moved, after=0) is not None) is is_good or seconds < 60
    assert matching_step(RFC_SECRET, "١٢٣٤٥٦", at, after=0) is None


async def test_after_the_password_a_code_is_asked_for_and_opens_once(door: Door, clock: HandClock) -> None:
    async with door.opened() as accounts:
        owner = await _set_up(accounts)
        assert not (await _sign_in(accounts)).needs_code
        phone, _ = await _switch_on(accounts, clock, owner)
        first, second = await _sign_in(accounts), await _sign_in(accounts)
        assert first.needs_code
        assert await accounts.authenticate(first.token) is None  # a ticket is no session
        assert await _finish(accounts, first.token, "000000") is None
        code = phone.at(clock.now)
        opened = await asyncio.gather(*(_finish(accounts, each.token, code) for each in (first, second)))
        assert [each is not None for each in opened] == [True, False]
        session = opened[0]
        assert session is not None
        who = await accounts.authenticate(session.token)
        assert who is not None
        assert who.scopes == {"admin"}
        clock.pass_by(seconds=30)
        assert await _finish(accounts, first.token, phone.at(clock.now)) is None  # its ticket is used up
        typed = phone.at(clock.now)
        assert await _finish(accounts, second.token, f" {typed[:3]} {typed[3:]} ") is not None
    async with door.opened() as accounts:  # a restart forgets no code that was used
        again = await _sign_in(accounts)
        assert await _finish(accounts, again.token, typed) is None
        clock.pass_by(minutes=6)
        assert accounts.ticket_of(again.token) is None
        assert await _finish(accounts, again.token, phone.at(clock.now)) is None


async def test_guesses_run_out_for_a_day_but_spare_codes_open(door: Door, clock: HandClock) -> None:
    async with door.opened() as accounts:
        owner = await _set_up(accounts)
        phone, spare = await _switch_on(accounts, clock, owner)
        ticket = (await _sign_in(accounts)).token
        wrong = "000000" if phone.at(clock.now) != "000000" else "000001"
        assert (
            await asyncio.gather(*(_finish(accounts, ticket, wrong) for _ in range(MOST_GUESSES)))
            == [None] * MOST_GUESSES
        )
    async with door.opened() as accounts:
        steps = accounts.second_steps
        assert steps.wait_seconds(owner) == 24 * 3600 + 1
        ticket = (await _sign_in(accounts)).token
        assert await _finish(accounts, ticket, phone.at(clock.now)) is None
        assert await _finish(accounts, ticket, spare[3].lower().replace("-", " ")) is not None
        assert steps.wait_seconds(owner) == 0
        assert await _finish(accounts, (await _sign_in(accounts)).token, spare[3]) is None  # once
        assert await _finish(accounts, (await _sign_in(accounts)).token, phone.at(clock.now)) is not None
    async with door.opened() as accounts:
        step = accounts.second_steps.of(owner)
        assert step is not None
        assert len(step.spare) == RECOVERY_CODES - 1
        renewed = await accounts.second_steps.renew_spare(owner, by="Анна")
        assert renewed is not None
        assert await _finish(accounts, (await _sign_in(accounts)).token, spare[4]) is None
        assert await _finish(accounts, (await _sign_in(accounts)).token, renewed[0]) is not None


async def test_a_day_later_codes_are_looked_at_again(door: Door, clock: HandClock) -> None:
    async with door.opened() as accounts:
        owner = await _set_up(accounts)
        phone, _ = await _switch_on(accounts, clock, owner)
        ticket = (await _sign_in(accounts)).token
        for _ in range(MOST_GUESSES):
            await _finish(accounts, ticket, "000000")
        clock.pass_by(hours=24, seconds=2)
        assert await _finish(accounts, (await _sign_in(accounts)).token, phone.at(clock.now)) is not None


async def test_an_offer_is_worth_nothing_until_its_code_is_sent_in_time(door: Door, clock: HandClock) -> None:
    async with door.opened() as accounts:
        owner, steps = await _set_up(accounts), accounts.second_steps
        assert await steps.confirm(owner, "000000", by="Анна") is None
        late = pyotp.TOTP(steps.offer(owner, name="Анна", shop="").secret)
        assert await steps.confirm(owner, "nonsense", by="Анна") is None
        clock.pass_by(minutes=16)
        assert await steps.confirm(owner, late.at(clock.now), by="Анна") is None
        assert not (await _sign_in(accounts)).needs_code


async def test_a_role_that_needs_it_may_do_nothing_before(door: Door, clock: HandClock) -> None:
    async with door.opened() as accounts:
        owner = await _set_up(accounts)
        admin = await accounts.add_user(name="Boris", password=PASSWORD, role=Role.ADMIN, courier=None, by=owner)
        session = await _sign_in(accounts, "Boris")
        _, token = await accounts.create_token(admin.id, name="CRM", scopes=frozenset({"read"}), expires_at=None)
        await accounts.second_steps.require_for(frozenset({"admin", "operator"}), by="Анна")
    async with door.opened() as accounts:
        limited = await accounts.authenticate(session.token)
        assert limited is not None
        assert (limited.scopes, limited.lacks_second_step) == (frozenset({"own"}), True)
        program = await accounts.authenticate(token)  # programs have no phone
        assert program is not None
        assert (program.scopes, program.lacks_second_step) == (frozenset({"read"}), False)
        await _switch_on(accounts, clock, admin.id)
        free = await accounts.authenticate(session.token)
        assert free is not None
        assert (free.scopes, free.lacks_second_step) == (frozenset({"admin"}), False)
        await _switch_on(accounts, clock, owner)
        with pytest.raises(OwnersOnly):
            await accounts.reset_second_step(owner, by=admin.id)
        assert await accounts.reset_second_step(admin.id, by=owner) is True
        assert await accounts.reset_second_step(admin.id, by=owner) is False
        assert await accounts.reset_second_step("nobody", by=owner) is None


@pytest.mark.real_time
async def test_the_command_lets_an_owner_in_who_has_lost_everything(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        steps, owner = store.accounts.second_steps, await _set_up(store.accounts)
        _, spare = await _switch_on(store.accounts, clock, owner)
        step = steps.of(owner)
        assert step is not None
        assert step.secret not in repr(step)
        assert "nobody is called" in (await asyncio.to_thread(switch_off_second_step, places, "Eve")).lower()
        assert "Анна" in await asyncio.to_thread(switch_off_second_step, places, " анна ")
        for _ in range(1000):  # the running daemon looks once a second
            if not steps.is_on(owner):
                break
            await asyncio.sleep(0.02)
        assert not (await _sign_in(store.accounts)).needs_code
    assert "no second step" in switch_off_second_step(places, "анна")
    with closing(sqlite3.connect(places.database)) as database:
        rows = database.execute("select by, action, subject from audit order by number").fetchall()
        kept = "\n".join(database.iterdump())
    assert ("Анна", "second-step.on", "Анна") in rows
    assert ("command line", "second-step.off", "Анна") in rows
    assert step.secret not in kept
    assert step.secret not in export_shop(places, with_secrets=True)
    assert spare[0] not in kept
