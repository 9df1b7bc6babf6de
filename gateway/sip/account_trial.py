"""One registration at a provider that is not of the shop yet: what it says to account data before they are kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.sip.beacon import Beacon
from gateway.sip.registration import Registration, Turns
from gateway.sip.wire import Wire
from gateway.telephony.line import TrunkState
from gateway.telephony.shop import TrunkSettings

TRIAL_SECONDS = 10.0
"""A person waits for it: who has not answered until then is told as silent."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it; `reason` is a code for people, None when the provider has taken the account."""

    state: TrunkState
    reason: str | None = None


async def try_account(settings: TrunkSettings, wire: Wire, beacon: Beacon, *, stays: bool) -> Tried:
    """Register once, and sign off again unless the account `stays`, because the shop uses it already.

    Without user and password: whether anybody answers there.
    """
    try:
        async with asyncio.timeout(TRIAL_SECONDS):
            if settings.user is None or settings.password is None:
                return await _found(beacon)
            registration = Registration(
                wire, beacon, Turns(), user=settings.user, password=settings.password, report=_tell_nobody
            )
            outcome = await registration.try_once(stays=stays)
            return Tried(outcome.state, outcome.reason)
    except TimeoutError:
        place = beacon.place
        return Tried(TrunkState.FAILED, "no-answer" if place.hops else "no-address")


async def _found(beacon: Beacon) -> Tried:
    await beacon.place.look_up()
    if await beacon.place.open() is None:
        return Tried(TrunkState.FAILED, "no-answer" if beacon.place.hops else "no-address")
    lives = await beacon.lives(TRIAL_SECONDS / 2)
    return Tried(TrunkState.READY) if lives else Tried(TrunkState.FAILED, "no-answer")


def _tell_nobody(_state: TrunkState, _reason: str | None) -> None:
    """It is nobody's trunk."""
