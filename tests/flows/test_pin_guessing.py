"""T-F7: guessing closes the entry by PIN, never the call-back to the registered mobile."""

from __future__ import annotations

from gateway.events import AlertCleared, AlertRaised
from gateway.telephony.line import LineState
from gateway.telephony.shop import CourierSettings, LineSettings, Shop
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg

COURIERS = tuple(
    CourierSettings(extension=str(2000 + place), mobile=f"+7916123450{place}", pin=f"48291{place}")
    for place in range(10)
)
SHOP = Shop(lines=(LineSettings(name="red", modem="m0"),), couriers=COURIERS)


async def _guess(s: Scene, courier: CourierSettings, pin: str, times: int = 3) -> FakeLeg:
    """Somebody shows a courier's number and tries a PIN so often."""
    caller = s.call_to_line("red", courier.mobile)
    for _ in range(times):
        await s.after(1.5)
        caller.presses(f"{pin}#")
    await s.after(3)
    s.lines["red"].state = LineState.READY
    return caller


async def _nobody_answers(s: Scene) -> None:
    """Whatever mobile is rung now rings in vain."""
    await s.after(4)
    for leg in s.all_legs():
        if leg.cause is None:
            leg.hangs_up()
    await s.after(1)


async def test_at_most_twenty_guesses_a_day_are_looked_at() -> None:
    async with scene(SHOP) as s:
        for round_ in range(10):
            for courier in COURIERS:
                await _guess(s, courier, f"{round_:06}")
                await _nobody_answers(s)
        assert s.prompts_played.count("wrong-pin") == 20
        assert [event.code for event in s.events if isinstance(event, AlertRaised)] == ["pin-entry-closed"]
        assert {number for number, _ in s.lines["red"].dialled} <= {courier.mobile for courier in COURIERS}


async def test_one_caller_has_five_wrong_tries_and_is_called_back_then() -> None:
    async with scene(SHOP) as s:
        for _ in range(2):
            await _guess(s, COURIERS[0], "000000")
        await s.after(4)
        assert s.prompts_played.count("wrong-pin") == 5
        (mobile,) = s.lines["red"].legs
        assert s.lines["red"].dialled == [(COURIERS[0].mobile, "2000")]
        mobile.answers()
        await s.after(2)
        mobile.presses("1")
        await s.after(1)
        assert s.prompts_played[-1] == "enter-number", "the courier works on without a PIN"
        mobile.hangs_up()
        await s.after(0.1)
        s.lines["red"].state = LineState.READY
        caller = await _guess(s, COURIERS[1], COURIERS[1].pin or "", times=1)
        assert s.prompts_played[-1] == "enter-number", "nobody else is kept out"
        caller.hangs_up()


async def test_a_right_pin_is_no_guess_and_the_next_day_begins_anew() -> None:
    async with scene(SHOP) as s:
        for _ in range(12):
            (await _guess(s, COURIERS[0], COURIERS[0].pin or "", times=1)).hangs_up()
        assert s.prompts_played.count("wrong-pin") == 0
        for courier in COURIERS[:5]:
            for _ in range(2):
                await _guess(s, courier, "000000")
                await _nobody_answers(s)
        assert s.prompts_played.count("wrong-pin") == 20
        await s.after(24 * 3600)
        (await _guess(s, COURIERS[0], COURIERS[0].pin or "", times=1)).hangs_up()
        assert s.prompts_played[-1] == "enter-number"
        assert len([event for event in s.events if isinstance(event, AlertCleared)]) == 1
