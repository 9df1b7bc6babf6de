"""Notices before anything is kept: announced to both, a beep, or none, by the way that a call takes; and card data."""

from __future__ import annotations

import wave
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audio.frame import FRAME_SECONDS, SILENCE
from gateway.audio.recording_writer import RecordingWriter
from gateway.clock import utc_now
from gateway.events import RecordingFinished
from gateway.telephony.feature_codes import FeatureCodes
from gateway.telephony.recording import CallRecordings
from gateway.telephony.recording_policy import CallDirection, Notice, RecordCalls, RecordingPolicy, RecordingRoute
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, Shop
from tests.fakes.exchange import PROMPT_FRAMES, Scene, scene
from tests.fakes.legs import FakeLeg

SHOP = Shop(
    lines=(LineSettings(name="red", modem="m0", rings=("101",)), LineSettings(name="blue", modem="m1", rings=("101",))),
    phones=(PhoneSettings(extension="101", password="a-long-password"),),
    couriers=(CourierSettings(extension="2001", mobile="+79161234567", lines=("red",), pin="482913"),),
)
NOTICE_SECONDS = PROMPT_FRAMES / 50


def shop_with(**policy: object) -> Shop:
    return replace(SHOP, recording=RecordingPolicy(calls=RecordCalls.ALL, **policy))  # type: ignore[arg-type]  # its own fields


async def from_line(s: Scene, line: str = "red") -> tuple[FakeLeg, FakeLeg]:
    """Somebody calls a SIM and the front desk answers."""
    caller = s.call_to_line(line, "+79035550001")
    await s.after(0.1)
    desk = s.phones.legs["101"][-1]
    desk.answers()
    await s.after(0.2)
    return caller, desk


@pytest.mark.parametrize(("notice", "key"), [(Notice.ANNOUNCE, "recording-notice"), (Notice.BEEP, "recording-beep")])
async def test_both_hear_the_notice_and_nothing_is_kept_before_its_end(notice: Notice, key: str) -> None:
    async with scene(shop_with(notice=notice)) as s:
        caller, desk = await from_line(s)
        assert s.prompts_played.count(key) == 2, "one for each"
        await s.after(NOTICE_SECONDS - 0.4)
        assert s.recordings.made == []
        await s.after(0.6)
        assert len(s.recordings.made) == 1
        caller.hangs_up()
        await s.after(0.1)
        assert desk.cause is not None


async def test_without_a_notice_it_is_kept_at_once() -> None:
    async with scene(shop_with(notice=Notice.NONE)) as s:
        caller, _ = await from_line(s)
        assert len(s.recordings.made) == 1
        assert "recording-notice" not in s.prompts_played
        caller.hangs_up()


@pytest.mark.parametrize(
    ("routes", "recorded"),
    [
        ((RecordingRoute(way="red", calls=RecordCalls.NONE),), False),
        ((RecordingRoute(way="blue", calls=RecordCalls.NONE),), True),
        ((RecordingRoute(direction=CallDirection.INCOMING, calls=RecordCalls.NONE),), False),
        ((RecordingRoute(direction=CallDirection.OUTGOING, calls=RecordCalls.NONE),), True),
        ((RecordingRoute(way="red", direction=CallDirection.OUTGOING, calls=RecordCalls.NONE),), True),
        ((RecordingRoute(way="red", calls=RecordCalls.ALL), RecordingRoute(calls=RecordCalls.NONE)), True),
        ((RecordingRoute(way="red", calls=RecordCalls.COURIERS),), False),
    ],
)
async def test_recording_differs_by_the_way_of_a_call(routes: tuple[RecordingRoute, ...], recorded: bool) -> None:
    async with scene(shop_with(notice=Notice.NONE, routes=routes)) as s:
        caller, _ = await from_line(s)
        assert bool(s.recordings.made) is recorded
        caller.hangs_up()


async def test_the_notice_differs_by_the_line_that_an_outgoing_call_takes() -> None:
    routes = (RecordingRoute(way="red", direction=CallDirection.OUTGOING, notice=Notice.NONE),)
    async with scene(shop_with(notice=Notice.ANNOUNCE, routes=routes)) as s:
        caller = s.call_from_phone("101", "2001")
        await s.after(0.1)
        s.lines["red"].legs[0].answers()
        await s.after(0.2)
        assert len(s.recordings.made) == 1
        caller.hangs_up()
        await s.after(1)
        incoming, _ = await from_line(s, "blue")
        assert s.prompts_played.count("recording-notice") == 2
        incoming.hangs_up()


async def test_a_recording_is_paused_for_card_data_from_outside() -> None:
    async with scene(shop_with(notice=Notice.NONE)) as s:
        caller, _ = await from_line(s)
        (call,) = s.switchboard.calls()
        states = []
        for paused in (True, False):
            assert s.switchboard.pause_recording(call.id, paused=paused)
            states.append(s.recordings.made[0].is_paused_for_card)
        assert states == [True, False]
        with pytest.raises(LookupError):
            s.switchboard.pause_recording("nonsense", paused=True)
        caller.hangs_up()


async def test_a_call_that_is_not_recorded_cannot_be_paused() -> None:
    async with scene(SHOP) as s:
        caller, _ = await from_line(s)
        (call,) = s.switchboard.calls()
        assert not s.switchboard.pause_recording(call.id, paused=True)
        caller.hangs_up()


async def test_a_pin_is_never_recorded_because_nothing_is_before_two_people_hear_each_other() -> None:
    async with scene(shop_with(notice=Notice.NONE)) as s:
        courier = s.call_to_line("red", "+79161234567")
        await s.after(1.5)
        courier.presses("482913")
        await s.after(2)
        assert s.recordings.made == []
        courier.hangs_up()


async def test_a_phone_pauses_and_resumes_by_keys_and_a_customer_cannot() -> None:
    shop = replace(shop_with(notice=Notice.NONE), codes=FeatureCodes(pause_recording="*77"))
    async with scene(shop) as s:
        caller, desk = await from_line(s)
        (recording,) = s.recordings.made
        states = []
        for leg, keys in ((caller, "*77"), (desk, "*7"), (desk, "8*77"), (desk, "12*77"), (desk, "*7")):
            leg.presses(keys)
            await s.after(0.1)
            states.append(recording.is_paused_for_card)
        assert states == [False, False, True, False, False]
        await s.after(5)
        desk.presses("7")  # too late for the code that was begun
        assert not recording.is_paused_for_card
        caller.hangs_up()


@pytest.mark.parametrize("calls", [RecordCalls.ALL, RecordCalls.NONE])
async def test_a_recording_is_as_long_as_the_talk_and_without_one_the_call_is_on_record(
    tmp_path: Path, calls: RecordCalls
) -> None:
    """A15: two channels, of the length of the talk to a second; policy off: the record, and no file."""
    policy = RecordingPolicy(calls=calls, notice=Notice.NONE)
    async with scene(replace(SHOP, recording=policy)) as s:
        with RecordingWriter(lambda _trouble: None) as writer:
            kept = CallRecordings(directory=tmp_path, writer=writer, publish=s.bus.publish, clock=utc_now)
            object.__setattr__(s.exchange, "recordings", kept)  # files in place of the scene's fakes
            caller, desk = await from_line(s)
            for _ in range(300):
                await s.after(FRAME_SECONDS)
                caller.fake_port.speak(SILENCE + 1_000)
                desk.fake_port.speak(SILENCE + 2_000)
            caller.hangs_up()
            await s.after(0.5)
        await s.after(0.1)
        talked = s.ended().talk_seconds
        files = [event for event in s.events if isinstance(event, RecordingFinished)]
    assert talked == pytest.approx(6, abs=0.5)
    assert len(files) == (calls is RecordCalls.ALL)
    for each in files:
        with wave.open(str(tmp_path / each.path)) as file:
            assert file.getnchannels() == 2
            assert file.getnframes() / file.getframerate() == pytest.approx(talked, abs=1)
