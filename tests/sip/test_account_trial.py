"""An account is tried before it is kept: the exact reason within seconds, and nothing of it stays at the provider."""

from __future__ import annotations

import asyncio

import pytest

from gateway.events import TrunkChanged
from gateway.sip.account_trial import TRIAL_SECONDS
from gateway.sip.message import Request
from gateway.telephony.shop import Shop, TrunkSettings
from tests.fakes.sip import SipWorld
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER, Provider, Script, accepting, challenge


def account(provider: Provider, *, password: str | None = SHOP_PASSWORD) -> TrunkSettings:
    user = SHOP_USER if password is not None else None
    return TrunkSettings(name="trial", host=provider.address, user=user, password=password)


async def tried(script: Script, *, answers_options: bool = True, **how: str | None) -> tuple[str, str | None]:
    with Provider(script, answers_options=answers_options) as provider:
        world = SipWorld()
        async with world.server:
            outcome = await world.server.try_account(account(provider, **how))
            assert not [event for event in world.events if isinstance(event, TrunkChanged)]
            return str(outcome.state), outcome.reason


def always(status: int, *fields: str) -> Script:
    return lambda _request: (status, fields)


def silent(_request: Request) -> None:
    return None


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (accepting(100), ("ready", None)),
        (always(401, challenge()), ("refused", "wrong-password")),
        (always(403), ("refused", "forbidden")),
        (always(404), ("failed", "status-404")),
        (always(503, "Retry-After: 600"), ("failed", "status-503")),
        (silent, ("failed", "no-answer")),
    ],
)
async def test_what_the_provider_says_is_told_exactly(script: Script, expected: tuple[str, str | None]) -> None:
    began = asyncio.get_running_loop().time()
    assert await tried(script) == expected
    assert asyncio.get_running_loop().time() - began <= TRIAL_SECONDS + 0.1


async def test_what_was_granted_is_given_back_unless_the_shop_has_the_account() -> None:
    with Provider(accepting(100)) as provider:
        world = SipWorld()
        async with world.server:
            await world.server.try_account(account(provider))
            assert [each.request.headers.get("Expires") for each in provider.registers][-1] == "0"
            world.shop = Shop(trunks=(account(provider),))
            await asyncio.sleep(5)
            before = len(provider.registers)
            await world.server.try_account(account(provider))
            assert "0" not in [each.request.headers.get("Expires") for each in provider.registers[before:]]


@pytest.mark.parametrize("answers", [True, False])
async def test_without_an_account_it_is_asked_whether_anybody_is_there(answers: bool) -> None:
    expected = ("ready", None) if answers else ("failed", "no-answer")
    assert await tried(silent, answers_options=answers, password=None) == expected


async def test_a_host_that_is_none() -> None:
    world = SipWorld()
    async with world.server:
        with pytest.raises(ValueError, match="host"):
            await world.server.try_account(TrunkSettings(name="trial", host="no host"))
