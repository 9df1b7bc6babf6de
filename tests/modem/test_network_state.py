"""X-M6, X-M7: what SIM and network say, what the line is then, and that nothing is dialled while it must not be."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from gateway.errors import NoFreeLine
from gateway.events import ModemChanged
from gateway.modem.modem import ROAMING_BARRED
from gateway.telephony.line import LineState
from gateway.telephony.shop import LineSettings
from tests.fakes.numbers import dialable
from tests.fakes.transcript import TranscriptModem
from tests.modem.fleet_room import Room
from tests.modem.test_service import DIAL, Scene, hardware, served

__all__ = ["hardware"]

ROUNDS = 100


def allow_roaming(room: Room, *, allowed: bool) -> None:
    room.shop = type(room.shop)(lines=(LineSettings(name="l0", modem="m0", roaming=allowed),))


def verdict(statuses: tuple[int, int], *, allowed: bool) -> LineState:
    """By the rows of X-M7, written anew: home is ready, abroad only where allowed, and the dearer answer counts."""
    if 5 in statuses:
        return LineState.READY if allowed else LineState.ROAMING
    return LineState.READY if 1 in statuses else LineState.SEARCHING


def state_of(s: Scene) -> LineState:
    """Of the line; asked anew each time."""
    return s.fleet.lines["l0"].state


@pytest.mark.parametrize("allowed", [False, True])
async def test_nothing_is_dialled_while_it_must_not_be(hardware: TranscriptModem, seed: int, *, allowed: bool) -> None:
    """X-M7: random sequences of CREG and CEREG from 0 to 5; a call is placed exactly where it may be."""
    dice = random.Random(seed)
    async with served(hardware) as s:
        allow_roaming(s.room, allowed=allowed)
        s.fleet.shop_changed()
        statuses = [1, 0]
        dialled = 0
        for _ in range(ROUNDS):
            which = dice.randrange(2)
            statuses[which] = dice.randrange(6)
            name = ("+CREG", "+CEREG")[which]
            hardware.answer(f"AT{name}?", f"{name}: 2,{statuses[which]}", "OK")
            hardware.say(f"{name}: {statuses[which]}")
            expected = verdict((statuses[0], statuses[1]), allowed=allowed)
            assert state_of(s) is expected, statuses
            hardware.said.clear()
            if expected is LineState.READY and (dialled == 0 or dice.random() < 0.2):
                leg = await s.dialled()
                leg.hangup()
                dialled += 1
                await s.until(lambda: state_of(s) is LineState.READY)
            elif expected is not LineState.READY:
                began = time.thread_time()  # what a machine that stands still adds is not ours
                with pytest.raises(NoFreeLine, match="cannot call: ") as refused:
                    s.dial()
                assert time.thread_time() - began < 0.2
                assert str(refused.value).endswith(".")
                await asyncio.sleep(0.1)
                assert DIAL not in hardware.said
        assert dialled > 0


async def test_roaming_is_told_and_allowed_by_an_edit_of_the_shop(hardware: TranscriptModem) -> None:
    async with served(hardware) as s:
        hardware.say("+CREG: 5")
        changed = [event for event in s.room.events if isinstance(event, ModemChanged)][-1]
        assert (changed.state, changed.reason, changed.registration, changed.creg) == (
            "ready", ROAMING_BARRED, "roaming", "roaming"
        )  # fmt: skip
        assert s.room.alerts == [ROAMING_BARRED]
        with pytest.raises(NoFreeLine, match="foreign network"):
            s.dial()
        allow_roaming(s.room, allowed=True)
        s.fleet.shop_changed()
        assert state_of(s) is LineState.READY
        assert s.room.cleared == [ROAMING_BARRED]
        leg = await s.dialled()
        leg.hangup()
        await s.until(lambda: state_of(s) is LineState.READY)
        allow_roaming(s.room, allowed=False)
        s.fleet.shop_changed()
        assert state_of(s) is LineState.ROAMING


@pytest.mark.parametrize("registration", ["+CREG: 5", "+CREG: 2"])
async def test_an_emergency_call_needs_no_network_of_ones_own(hardware: TranscriptModem, registration: str) -> None:
    """Abroad without leave, and where no network has taken the SIM: 112 is dialled, and nothing else."""
    async with served(hardware) as s:
        hardware.say(registration)
        assert state_of(s) in (LineState.ROAMING, LineState.SEARCHING)
        with pytest.raises(NoFreeLine):
            s.dial()
        hardware.reactions["AT+CHUP"] = s.will_let_go
        hardware.answer("ATD112;", "OK", "^ORIG:1,0", "^CONF:1")
        hardware.answer("AT+CLCC", '+CLCC: 1,0,3,0,0,"112",129', "OK")
        leg = s.fleet.lines["l0"].dial(dialable("112"), call_id="call", extension="101")
        await s.until(lambda: "ATD112;" in hardware.said)
        leg.hangup()
        await s.until(lambda: state_of(s) is not LineState.BUSY)
        assert DIAL not in hardware.said


async def test_a_call_that_runs_goes_on_when_the_modem_begins_to_roam(hardware: TranscriptModem) -> None:
    async with served(hardware) as s:
        leg = await s.talking()
        hardware.say("+CREG: 5")
        await asyncio.sleep(1)
        assert leg.cause is None
        assert state_of(s) is LineState.BUSY
        s.will_let_go()
        leg.hangup()
        await s.until(lambda: state_of(s) is LineState.ROAMING)


@pytest.mark.parametrize(
    ("says", "state", "sim", "code"),
    [
        (("+CME ERROR: 10",), LineState.NO_SIM, "absent", "no-sim"),
        (("+CPIN: NOT INSERTED", "OK"), LineState.NO_SIM, "absent", "no-sim"),
        (("+CPIN: SIM PIN", "OK"), LineState.LOCKED, "sim pin", "sim-locked"),
        (("+CPIN: SIM PUK", "OK"), LineState.LOCKED, "sim puk", "sim-locked"),
    ],
)
async def test_a_sim_that_goes_is_told_in_ten_seconds_and_once(
    hardware: TranscriptModem, says: tuple[str, ...], state: LineState, sim: str, code: str
) -> None:
    """X-M6: by asking; the news would be quicker, and not every modem gives it."""
    async with served(hardware) as s:
        hardware.answer("AT+CPIN?", *says)
        hardware.answer("AT^CPIN?", "^CPIN: SIM PIN,,10,2,10,3", "OK")
        began = s.now
        await s.until(lambda: state_of(s) is state)
        assert s.now - began <= 10
        await asyncio.sleep(30)
        assert s.modem.facts.sim == sim
        assert s.modem.facts.pin_tries == (None if sim == "absent" else 2)
        assert s.room.alerts == [code]
        assert not [line for line in hardware.said if line.startswith("AT+CPIN=")]
        hardware.answer("AT+CPIN?", "+CPIN: READY", "OK")
        await s.until(lambda: state_of(s) is LineState.READY)
        assert (s.modem.facts.sim, s.room.cleared) == ("ready", [code])
