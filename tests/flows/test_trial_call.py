"""A test call in virtual time: what is known of both ways, and what whoever answers hears."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.audio.frame import FRAME_SAMPLES
from gateway.errors import NoFreeLine, NumberBarred, PhoneNotFree
from gateway.events import CallStarted
from gateway.flows.trial_call import KEY_SECONDS, LISTEN_SECONDS, RING_SECONDS
from gateway.telephony.causes import Cause
from gateway.telephony.line import LineState
from gateway.telephony.trial_call import Trial, TrialStage, TrialVerdict
from gateway.telephony.trial_desk import REMEMBERED, TrialDesk
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.flows.test_reception import SHOP

LOUD, FAINT = np.full(FRAME_SAMPLES, 3000, np.int16), np.full(FRAME_SAMPLES, 5, np.int16)


def desk(s: Scene) -> TrialDesk:
    return TrialDesk(s.exchange, s.switchboard.place)


def stage(trial: Trial) -> str:
    return str(trial.stage)


async def answered(s: Scene, trials: TrialDesk) -> tuple[FakeLeg, Trial]:
    """Rung and answered; the gateway has said what it has to say, and listens."""
    trial = trials.trial(trials.begin("101"))
    assert trial is not None
    await s.after(2)
    assert stage(trial) == TrialStage.RINGING
    leg = s.phones.legs["101"][0]
    leg.answers()
    while stage(trial) != TrialStage.LISTENING:
        await s.after(0.1)
    return leg, trial


def speak(leg: FakeLeg, frame: np.ndarray, count: int = 50) -> None:
    for _ in range(count):
        leg.fake_port.speak(frame)


async def over(s: Scene, trial: Trial) -> None:
    while trial.stage is not TrialStage.OVER:
        await s.after(0.5)


async def test_who_hears_themselves_and_presses_1_is_heard_both_ways() -> None:
    async with scene(SHOP) as s:
        leg, trial = await answered(s, desk(s))
        speak(leg, FAINT)
        assert trial.level_dbfs == pytest.approx(-73.4, abs=0.2), "the level of this moment, for whoever watches"
        speak(leg, LOUD)
        while trial.stage is not TrialStage.ASKING:
            await s.after(0.1)
        assert trial.verdict is TrialVerdict.HEARD_HERE
        assert trial.level_dbfs == pytest.approx(-17.8, abs=0.2)
        leg.presses("1")
        await over(s, trial)
        assert str(trial.verdict) == TrialVerdict.BOTH_WAYS
        assert s.prompts_played == ["trial-hello", "recording-beep", "trial-you-said", "trial-press-1", "goodbye"]
        (started,) = [event for event in s.events if isinstance(event, CallStarted)]
        assert (started.direction, started.flow) == ("internal", "trial-call")


async def test_a_voice_that_arrives_says_nothing_of_the_way_back() -> None:
    async with scene(SHOP) as s:
        leg, trial = await answered(s, desk(s))
        speak(leg, LOUD)
        await s.after(LISTEN_SECONDS + KEY_SECONDS + 20)
        assert (trial.stage, trial.verdict) == (TrialStage.OVER, TrialVerdict.HEARD_HERE)


@pytest.mark.parametrize(("frames", "verdict"), [(50, TrialVerdict.SILENT), (0, TrialVerdict.NOTHING_ARRIVES)])
async def test_no_voice(frames: int, verdict: TrialVerdict) -> None:
    async with scene(SHOP) as s:
        leg, trial = await answered(s, desk(s))
        speak(leg, FAINT, frames)
        await over(s, trial)
        assert (trial.verdict, trial.level_dbfs) == (verdict, None)
        assert s.prompts_played[-2:] == ["trial-silent", "goodbye"]


@pytest.mark.parametrize("gives_up", [True, False])
async def test_nobody_answers(gives_up: bool) -> None:
    async with scene(SHOP) as s:
        trials = desk(s)
        trial = trials.trial(trials.begin("101"))
        assert trial is not None
        with pytest.raises(PhoneNotFree):
            trials.begin("101")
        await s.after(5)
        if gives_up:
            s.phones.legs["101"][0].hangs_up()
        await s.after(RING_SECONDS)
        assert (trial.stage, trial.verdict) == (TrialStage.OVER, TrialVerdict.NOT_ANSWERED)
        trials.begin("101")


async def test_who_cannot_be_rung_is_said_at_once_and_old_ones_are_forgotten() -> None:
    async with scene(SHOP) as s:
        trials = desk(s)
        with pytest.raises(LookupError):
            trials.begin("999")
        s.phones.away.add("102")
        with pytest.raises(PhoneNotFree):
            trials.begin("102")
        ids = []
        for _ in range(REMEMBERED + 1):
            ids.append(trials.begin("101"))
            await s.after(0.5)
            s.phones.legs["101"][-1].hangs_up()
            await s.after(0.5)
        assert trials.trial(ids[0]) is None
        assert trials.trial(ids[-1]) is not None


async def test_a_line_calls_a_number_at_its_own_expense() -> None:
    async with scene(SHOP) as s:
        trials = desk(s)
        line = s.lines["red"]
        trial = trials.trial(trials.begin_by_line("red", "8 (903) 111-22-33"))
        assert trial is not None
        assert (trial.party, trial.line) == ("+79031112233", "red")
        assert line.dialled == [("+79031112233", None)]
        await s.after(1)
        (leg,) = line.legs
        leg.answers()
        while stage(trial) != TrialStage.LISTENING:
            await s.after(0.1)
        speak(leg, LOUD)
        while stage(trial) != TrialStage.ASKING:
            await s.after(0.1)
        leg.presses("1")
        await over(s, trial)
        assert (trial.verdict, trial.cause) == (TrialVerdict.BOTH_WAYS, Cause.HUNG_UP)
        (started,) = [event for event in s.events if isinstance(event, CallStarted)]
        assert (started.direction, started.line, started.caller) == ("outgoing", "red", "+79031112233")


@pytest.mark.parametrize("number", ["112", "8-900", "+4915112345678", "*100#", "ATD123;"])
async def test_no_number_passes_by_the_policy_and_none_of_these_reaches_a_line(number: str) -> None:
    async with scene(SHOP) as s:
        with pytest.raises(NumberBarred):
            desk(s).begin_by_line("red", number)
        assert s.lines["red"].dialled == []


async def test_a_line_that_is_taken_or_refuses_is_said() -> None:
    async with scene(SHOP) as s:
        trials, line = desk(s), s.lines["red"]
        assert trials.has_line("red")
        assert not trials.has_line("grey")
        line.state = LineState.BUSY
        with pytest.raises(NoFreeLine):
            trials.begin_by_line("red", "+79031112233")
        line.state, line.can_speak = LineState.READY, False
        with pytest.raises(NoFreeLine):
            trials.begin_by_line("red", "+79031112233")
        line.can_speak = True
        line.on_dial = lambda leg: leg.hangs_up(Cause.BUDGET_SPENT)
        trial = trials.trial(trials.begin_by_line("red", "+79031112233"))
        assert trial is not None
        await s.after(1)
        assert (trial.verdict, trial.cause) == (TrialVerdict.NOT_ANSWERED, Cause.BUDGET_SPENT)
