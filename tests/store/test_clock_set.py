"""The clock is set while people are signed in and texts wait: nobody is sent out, nothing is too late (X-T1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest

from gateway.events import EventBus
from gateway.jobs import Wanted
from gateway.messaging.outbox import LASTS, SmsOutbox
from gateway.modem.text_lines import count_parts
from gateway.settings import Settings
from gateway.store.account_rows import SESSION_IDLE
from gateway.store.accounts import SESSION_LIFE, StoredAccounts
from gateway.store.second_step import MOST_GUESSES
from gateway.store.store import open_store
from gateway.telephony.ledger import StoredPart
from tests.fakes.direct_store import memory_writer
from tests.fakes.text_line import FakeTextLine
from tests.store.conftest import small_shop
from tests.store.test_unsynced import RIGHT, Pi, rows, written

PASSWORD = "a long walk in the rain"
BEHINDS = [timedelta(days=56 * 365), timedelta(hours=1), -timedelta(hours=5), -timedelta(days=30 * 365)]
ONE = timedelta(minutes=1)


@asynccontextmanager
async def door(directory: Path, pi: Pi) -> AsyncIterator[StoredAccounts]:
    """Accounts with an owner, on a store in memory."""
    clock = pi.clock()
    accounts = StoredAccounts(
        memory_writer(), gateway_id="g", clock=clock, setup_code_file=directory / "setup-code", dating=clock
    )
    try:
        await accounts.load()
        await accounts.set_up(code=accounts.setup_code() or "", name="Анна", password=PASSWORD)
        yield accounts
    finally:
        accounts.close()


async def signed_in(accounts: StoredAccounts) -> str:
    begun = await accounts.sign_in(name="Анна", password=PASSWORD, address="10.0.0.5", user_agent="browser")
    assert begun is not None
    return begun.token


async def is_in(accounts: StoredAccounts, token: str) -> bool:
    return await accounts.authenticate(token) is not None


@pytest.mark.parametrize(
    ("behind", "is_certain"), [(BEHINDS[0], False), (BEHINDS[1], True), (BEHINDS[2], False), (BEHINDS[3], True)]
)
async def test_a_session_lives_as_long_as_if_nobody_had_set_the_clock(
    tmp_path: Path, behind: timedelta, *, is_certain: bool
) -> None:
    pi = Pi(behind, is_certain=is_certain)
    async with door(tmp_path, pi) as accounts:
        used, idle = await signed_in(accounts), await signed_in(accounts)
        (user,) = await accounts.users()
        pi.up += (SESSION_IDLE - 2 * ONE).total_seconds()
        pi.behind = timedelta()
        assert await is_in(accounts, used)
        assert len(await accounts.sessions(user.id)) == 2
        assert accounts.last_sign_in(user.id) == RIGHT + timedelta(seconds=20)
        pi.up += 3 * 60
        assert not await is_in(accounts, idle)
        began = pi.up - (SESSION_IDLE + ONE).total_seconds()
        while pi.up < began + (SESSION_LIFE - timedelta(minutes=20)).total_seconds():
            assert await is_in(accounts, used)
            pi.up += 20 * 60
        assert await is_in(accounts, used)
        pi.up = began + (SESSION_LIFE + ONE).total_seconds()
        assert not await is_in(accounts, used)


async def test_jumps_to_and_fro_neither_end_a_session_nor_make_it_last(tmp_path: Path) -> None:
    pi = Pi(timedelta())
    async with door(tmp_path, pi) as accounts:
        token = await signed_in(accounts)
        # Fifty, as a clock that two time servers quarrel about.
        for behind in (*BEHINDS, timedelta()) * 10:
            pi.up += 60
            pi.behind = behind
            assert await is_in(accounts, token)
        pi.up += (SESSION_IDLE + ONE).total_seconds()
        assert not await is_in(accounts, token)


@pytest.mark.parametrize("behind", [BEHINDS[0], BEHINDS[3]])
async def test_who_waits_after_wrong_codes_waits_as_long(tmp_path: Path, behind: timedelta) -> None:
    pi = Pi(behind)
    async with door(tmp_path, pi) as accounts:
        (user,) = await accounts.users()
        steps = accounts.second_steps
        offered = steps.offer(user.id, name="Анна", shop="Лавка")
        assert await steps.confirm(user.id, pyotp.TOTP(offered.secret).at(pi.now()), by="Анна")
        for _ in range(MOST_GUESSES):
            assert not await steps.is_right(user.id, "000000", name="Анна")
        before = steps.wait_seconds(user.id)
        assert before > 0
        pi.behind = timedelta()
        accounts.last_sign_in(user.id)
        assert not await accounts.sign_in(name="Анна", password="wrong", address="", user_agent="")
        assert await accounts.sessions(user.id) == []  # asks the clock
        assert steps.wait_seconds(user.id) == before


async def test_a_session_of_a_former_start_by_a_clock_far_ahead_is_worth_nothing(places: Settings) -> None:
    """Else it would last until that day comes."""
    pi = Pi(-timedelta(days=30 * 365))
    clock = pi.clock()
    async with open_store(places, clock, EventBus(clock), clock) as store:
        accounts = store.accounts
        await accounts.set_up(code=accounts.setup_code() or "", name="Анна", password=PASSWORD)
        token = await signed_in(accounts)
        assert await is_in(accounts, token)
    clock = Pi(timedelta(), boot="second", is_certain=True).clock()
    async with open_store(places, clock, EventBus(clock), clock) as store:
        assert not await is_in(store.accounts, token)


# Rows.


def part(text: str, reference: int) -> StoredPart:
    return StoredPart(
        line="red", imsi="250010000000001", pdu=text.encode(), sender="+79161234567", sent_at=RIGHT, text=text,
        reference=reference, part=1, parts=1,
    )  # fmt: skip


@pytest.mark.parametrize("behind", BEHINDS)
async def test_a_text_is_dated_anew_and_one_that_was_there_before_is_not(places: Settings, behind: timedelta) -> None:
    """Also where the clock shows the very hour before the power failed once more."""
    for pi in (Pi(timedelta(), boot="former", is_certain=True), Pi(behind, up=3600.0)):
        clock = pi.clock()
        async with open_store(places, clock, EventBus(clock), clock) as store:
            await store.inbox.keep(part(pi.boot, 1))
            pi.up += 60
            pi.behind = timedelta()
            clock()
            await store.note("test", "all is written")
    moments = [(written(RIGHT + timedelta(seconds=each)),) for each in (20, 3600)]
    assert rows(places, "SELECT time FROM messages ORDER BY time") == moments
    assert rows(places, "SELECT received_at FROM message_parts ORDER BY received_at") == moments
    assert rows(places, "SELECT sent_at FROM messages") == [(written(RIGHT),)] * 2, "the network has dated that"


async def test_a_session_and_a_job_are_dated_anew_for_the_next_start_too(places: Settings) -> None:
    pi = Pi(BEHINDS[0])
    clock = pi.clock()
    async with open_store(places, clock, EventBus(clock), clock) as store:
        accounts = store.accounts
        await accounts.set_up(code=accounts.setup_code() or "", name="Анна", password=PASSWORD)
        token = await signed_in(accounts)
        due, late = clock() + ONE, clock() + LASTS
        await store.jobs.promise(
            Wanted(kind="call", arguments={}, key=None, lane=None, due_at=due, expires_at=late)
        ).kept()
        pi.behind = timedelta()
        clock()
        await store.note("test", "all is written")
    began = RIGHT + timedelta(seconds=20)
    assert rows(places, "SELECT created_at, expires_at FROM sessions") == [
        (written(began), written(began + SESSION_LIFE))
    ]
    assert rows(places, "SELECT created_at, due_at, expires_at FROM jobs") == [
        (written(began), written(began + ONE), written(began + LASTS))
    ]
    pi.up += 60
    clock = pi.clock()
    async with open_store(places, clock, EventBus(clock), clock) as store:
        assert await is_in(store.accounts, token)


@pytest.mark.parametrize("behind", [BEHINDS[0], BEHINDS[3]])
async def test_a_text_that_waits_for_its_modem_is_not_too_late_and_not_for_ever(
    places: Settings, behind: timedelta
) -> None:
    pi = Pi(behind)
    clock = pi.clock()
    line = FakeTextLine("red", can_text=False)
    async with open_store(places, clock, EventBus(clock), clock) as store:
        outbox = SmsOutbox(
            store.outbox, {"red": line}, shop=small_shop, count_parts=count_parts, publish=lambda _: None, clock=clock,
            dating=clock,
        )  # fmt: skip
        running = asyncio.create_task(outbox.run())
        try:
            await outbox.send("+79161234567", "It waits.", by="anna")
            pi.up += 60
            pi.behind = timedelta()
            clock()  # somebody looks every second
            await asyncio.sleep(5)
            await store.note("test", "all is written")
            states = "SELECT state, expires_at FROM messages"
            assert rows(places, states) == [("queued", written(RIGHT + timedelta(seconds=20) + LASTS))]
            pi.up += LASTS.total_seconds()
            outbox.lines_changed()
            await asyncio.sleep(5)
            await store.note("test", "all is written")
            assert [state for state, _ in rows(places, states)] == ["expired"]
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
