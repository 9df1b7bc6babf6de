"""One side of a talk is not heard: told within three seconds, by name, and again when it is back. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from gateway.audio.frame import FRAME_SAMPLES, FRAME_SECONDS, SILENCE, Frame
from gateway.events import AlertCleared, AlertRaised, AudioReturned, AudioStopped, CallEnded, LegEnded
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.fakes.talks import CUSTOMER, SHOP, talking

VOICE: Frame = (3_000 * np.sin(2 * np.pi * 400 * np.arange(FRAME_SAMPLES) / 8_000)).astype(np.int16)
ROOM: Frame = np.resize(np.array([3, -2, 1, 0, -4], dtype=np.int16), FRAME_SAMPLES)
A_LAW_SILENCE: Frame = np.full(FRAME_SAMPLES, 8, dtype=np.int16)
Sounds = dict[FakeLeg, Frame | None]
"""What each party says now; None: nothing comes from it."""


@asynccontextmanager
async def conversation() -> AsyncIterator[tuple[Scene, Sounds, FakeLeg, FakeLeg]]:
    """A customer and a phone that talk, with a wire that carries what they say."""
    async with scene(SHOP) as s:
        customer = s.call_to_line("red", CUSTOMER)
        phone = await talking(s, customer, "101")
        sounds: Sounds = {customer: VOICE, phone: VOICE}

        async def wire() -> None:
            while True:
                for leg, frame in sounds.items():
                    if frame is not None:
                        leg.fake_port.speak(frame)
                await asyncio.sleep(FRAME_SECONDS)

        async with asyncio.TaskGroup() as tasks:
            carrying = tasks.create_task(wire())
            yield s, sounds, customer, phone
            carrying.cancel()
        customer.hangs_up()
        await s.after(0.1)


def told(s: Scene) -> list[tuple[str, ...]]:
    """What was said about the sound, in order."""
    said: list[tuple[str, ...]] = []
    for event in s.events:
        match event:
            case AudioStopped():
                said.append(("stopped", event.side, event.peer, event.reason))
            case AudioReturned():
                said.append(("returned", event.side, event.peer))
            case AlertRaised(code="one-way-audio"):
                said.append(("alert", event.subject, event.values["side"]))
            case AlertCleared(code="one-way-audio"):
                said.append(("cleared", event.subject))
            case _:
                pass
    return said


@pytest.mark.parametrize(
    ("silence", "reason"), [(None, "nothing-arrives"), (SILENCE, "no-signal"), (A_LAW_SILENCE, "no-signal")]
)
@pytest.mark.parametrize("silent_is_customer", [True, False])
async def test_a_silent_side_is_named_within_three_seconds_and_it_clears_itself(
    silence: Frame | None, reason: str, silent_is_customer: bool
) -> None:
    async with conversation() as (s, sounds, customer, phone):
        leg, side = (customer, "caller") if silent_is_customer else (phone, "callee")
        await s.after(3)
        assert told(s) == []
        sounds[leg] = silence
        await s.after(2.4)
        assert told(s) == []
        await s.after(0.6)
        alarm = [("stopped", side, leg.peer, reason), ("alert", leg.peer, side)]
        assert told(s) == alarm
        await s.after(4)
        assert told(s) == alarm, "told once"
        sounds[leg] = VOICE
        await s.after(0.5)
        back = [*alarm, ("cleared", leg.peer), ("returned", side, leg.peer)]
        assert told(s) == back
        await s.after(3)
        assert told(s) == back


async def test_whoever_listens_in_a_quiet_room_is_no_fault() -> None:
    async with conversation() as (s, sounds, customer, _phone):
        sounds[customer] = ROOM
        await s.after(6)
        assert told(s) == []


async def test_when_both_are_muted_nobody_misses_anything() -> None:
    async with conversation() as (s, sounds, customer, phone):
        sounds[customer] = sounds[phone] = SILENCE
        await s.after(6)
        assert told(s) == []


@pytest.mark.parametrize("holder_is_customer", [True, False])
async def test_nothing_is_expected_on_hold_and_the_time_begins_anew_after_it(holder_is_customer: bool) -> None:
    """X-N5; that a held call may be silent for 15 minutes is shown with the real RTP port."""
    async with conversation() as (s, sounds, customer, phone):
        holder = customer if holder_is_customer else phone
        holder.holds()
        sounds[holder] = None
        await s.after(6)
        assert told(s) == []
        holder.resumes()
        await s.after(2.2)
        assert told(s) == []
        await s.after(0.8)
        assert [each[0] for each in told(s)] == ["stopped", "alert"]
        holder.holds()
        await s.after(0.5)
        assert ("cleared", holder.peer) in told(s)


async def test_an_alarm_ends_with_the_call() -> None:
    async with conversation() as (s, sounds, customer, phone):
        sounds[phone] = None
        await s.after(4)
        customer.hangs_up()
        await s.after(0.1)
        assert told(s)[-1] == ("cleared", "101")
        assert not any(each[0] == "returned" for each in told(s))


async def test_who_is_not_to_be_heard_by_agreement_is_no_fault() -> None:
    async with conversation() as (s, sounds, _customer, phone):
        phone.port.is_due = False
        sounds[phone] = None
        await s.after(6)
        assert told(s) == []


@pytest.mark.parametrize(
    ("silent", "verdict"), [(None, "both-heard"), ("caller", "caller-silent"), ("callee", "callee-silent")]
)
async def test_the_record_says_who_was_heard_and_how_well(silent: str | None, verdict: str) -> None:
    async with conversation() as (s, sounds, customer, phone):
        if silent == "caller":
            sounds[customer] = ROOM
        elif silent == "callee":
            sounds[phone] = None
        customer.port.wire_codec, phone.port.wire_codec = "gsm", "pcma"
        customer.port.counters.lost = 20
        await s.after(8)
    (record,) = [event for event in s.events if isinstance(event, CallEnded)]
    assert record.verdict == verdict
    heard_by_caller = None if verdict == "callee-silent" else record.caller_mos
    if heard_by_caller is not None:
        assert heard_by_caller == pytest.approx(4.2, abs=0.1), "a mobile, nothing lost"
        assert record.callee_mos is not None
        assert record.callee_mos < heard_by_caller - 0.2, "one frame in twenty was lost on its way"
    ended = {event.leg_id: event for event in s.events if isinstance(event, LegEnded)}
    sound = ended[customer.id].sound
    assert sound is not None
    if verdict == "caller-silent":
        assert (sound.level_dbfs, sound.voice_seconds) == (None, 0.0)
    else:
        assert sound.level_dbfs == pytest.approx(-20.8, abs=0.2)
        assert sound.voice_seconds == pytest.approx(8, abs=0.2)


async def test_a_call_without_a_talk_has_no_verdict() -> None:
    async with scene(SHOP) as s:
        customer = s.call_to_line("red", CUSTOMER)
        await s.after(2)
        customer.hangs_up()
        await s.after(0.1)
        assert (s.ended().verdict, s.ended().caller_mos, s.ended().callee_mos) == (None, None, None)
