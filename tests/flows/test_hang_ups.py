"""Whoever hangs up, at every half second of every flow: nothing rings on, nothing is paid for, no promise is lost."""

from __future__ import annotations

import asyncio
import random
from typing import get_args

import pytest

from gateway.events import CallAnswered, CallBackChanged, CallBackPromised, CallEnded, CallStarted
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import Destination
from gateway.telephony.flow import _FLOWS
from gateway.telephony.leg import LegState
from gateway.telephony.promised import OPEN
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.faults import SOAKS, rounds
from tests.flows.hang_up_stories import STORIES, Story

FLOWS = {each.__name__: each for each in get_args(Destination)}
QUIET_SECONDS = 400.0
"""Longer than anything rings or is said by itself."""


def test_every_flow_has_a_story() -> None:
    assert FLOWS.keys() <= {story.flow for story in STORIES.values()}


class Play:
    """A story on its stage."""

    def __init__(self, s: Scene, story: Story) -> None:
        self._s = s
        self._story = story
        self._is_over = False
        self.callers: dict[int, FakeLeg] = {}
        """By the place of their deed."""
        self.rung: list[FakeLeg] = []
        s.phones.on_dial = self._rings
        for line in s.lines.values():
            line.on_dial = self._rings
        for trunk in s.trunks.values():
            trunk.on_dial = self._rings

    async def begin(self, seconds: float) -> None:
        """Let it be told for so long."""
        loop = asyncio.get_running_loop()
        for place, (at, _) in enumerate(self._story.deeds):
            loop.call_later(at, self._begins, place)
        for at, keys in self._story.keys:
            loop.call_later(at, self._first_presses, keys)
        await self._s.after(seconds)

    @property
    def first(self) -> FakeLeg | None:
        """Who began it, or was rung first for it."""
        return self.callers.get(0, None if self.callers else next(iter(self.rung), None))

    def ends(self) -> None:
        """Nobody does anything any more, and whoever is still there hangs up."""
        self.falls_silent()
        for leg in (*self.callers.values(), *self.rung):
            if is_there(leg):
                leg.hangs_up()

    def falls_silent(self) -> None:
        """Nobody does anything any more."""
        self._is_over = True

    def _begins(self, place: int) -> None:
        _, deed = self._story.deeds[place]
        leg = deed(self._s) if not self._is_over else None
        if leg is not None:
            self.callers[place] = leg

    def _first_presses(self, keys: str) -> None:
        if not self._is_over and self.first is not None and is_there(self.first):
            self.first.presses(keys)

    def _rings(self, leg: FakeLeg) -> None:
        self.rung.append(leg)
        if self._story.answers_after is not None:
            asyncio.get_running_loop().call_later(self._story.answers_after, self._picks_up, leg)

    def _picks_up(self, leg: FakeLeg) -> None:
        if self._is_over or not is_there(leg):
            return
        leg.answers()
        for after, keys in self._story.rung_press:
            asyncio.get_running_loop().call_later(after, self._presses, leg, keys)

    def _presses(self, leg: FakeLeg, keys: str) -> None:
        if not self._is_over and is_there(leg):
            leg.presses(keys)


def is_there(leg: FakeLeg) -> bool:
    """It has not ended."""
    return leg.state is not LegState.ENDED


async def _hangs_up(story: Story, seconds: float, dice: random.Random, *, is_first: bool) -> None:
    """Somebody does then: whoever began it, after which nobody moves any more, or another party at random."""
    async with scene(story.shop) as s:
        s.set_by = story.set_by
        play = Play(s, story)
        await play.begin(seconds)
        first, others = play.first, [leg for leg in play.rung if is_there(leg) and leg is not play.first]
        if is_first and first is not None and is_there(first):
            first.hangs_up()
            play.falls_silent()
            await s.after(0.1)
            of_it = [leg for leg in play.rung if is_there(leg) and leg.call_id == first.call_id]
            assert of_it == [] or not first.call_id, "what rang or talked in that call is let go at once"
            assert [leg for leg in play.rung if is_there(leg) and leg.line is not None] == [], "nothing is paid for"
        elif not is_first and others:
            dice.choice(others).hangs_up(dice.choice((Cause.HUNG_UP, Cause.BUSY, Cause.NETWORK_LOST)))
            await s.after(max(story.seconds - seconds, 0.1))
            seconds = max(story.seconds, seconds)
            assert first is None or is_there(first) or first.cause is not Cause.FAULT
        _promises_are_whole(s, story, seconds)
        play.ends()
        await _all_is_quiet(s)


def _promises_are_whole(s: Scene, story: Story, seconds: float) -> None:
    """Made when the key was pressed, not otherwise; each waits, or has come to one end."""
    made = {event.promise_id for event in s.events if isinstance(event, CallBackPromised)}
    over = [e.promise_id for e in s.events if isinstance(e, CallBackChanged) and e.state not in OPEN]
    assert len(made) == (story.promised_at is not None and story.promised_at <= seconds)
    assert sorted(made) == sorted([*over, *(promise.id for promise in s.call_backs.waiting())])


async def _all_is_quiet(s: Scene) -> None:
    """What is promised is taken off; then nothing is left, and in a long time nothing happens by itself."""
    await s.after(0.1)
    for promise in s.call_backs.waiting():
        s.call_backs.cancel(promise.id)
    await s.after(10)  # a courier who was turned away is still rung once
    for leg in s.all_legs():
        if is_there(leg):
            leg.hangs_up()
    await s.after(10)
    s.check_nothing_left()
    happened = len(s.events)
    await s.after(QUIET_SECONDS)
    assert len(s.events) == happened
    assert [event for event in s.events if isinstance(event, CallEnded) and event.cause == Cause.FAULT] == []


def _moments(story: Story, name: str, seed: int) -> list[float]:
    halves = range(round(story.seconds * 2) + 1)
    return [each / 2 for each in random.Random(f"{seed} {name}").sample(halves, min(rounds(4, 10_000), len(halves)))]


@pytest.mark.timeout(1200)  # for the full count
@pytest.mark.parametrize("name", list(STORIES))
async def test_somebody_hangs_up_here(name: str, seed: int) -> None:
    """Some half seconds of each story in every run, each one by `make soak`."""
    for place, seconds in enumerate(_moments(STORIES[name], name, seed)):
        dice = random.Random(f"{seed} {name} {seconds}")  # a story, no secret
        for is_first in (True, False) if SOAKS else (place % 2 == 0,):
            try:
                await _hangs_up(STORIES[name], seconds + 0.01, dice, is_first=is_first)
            except AssertionError as fault:
                fault.add_note(f"seed {seed}, at {seconds} s, {'who began it' if is_first else 'another party'}")
                raise


@pytest.mark.parametrize("name", [name for name, story in STORIES.items() if story.flow in FLOWS])
async def test_the_story_is_told_to_its_end(name: str) -> None:
    """Else a hang-up in it would prove little."""
    story = STORIES[name]
    async with scene(story.shop) as s:
        s.set_by = story.set_by
        play = Play(s, story)
        await play.begin(story.seconds)
        began = [event.flow for event in s.events if isinstance(event, CallStarted)]
        talked_to = [event.answered_by for event in s.events if isinstance(event, CallAnswered)]
        said = s.prompts_played[-1:]
        play.ends()
        await _all_is_quiet(s)
    assert _FLOWS[FLOWS[story.flow]][0] in began
    assert "".join(talked_to or said) == story.comes_to
