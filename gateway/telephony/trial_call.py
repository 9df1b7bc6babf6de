"""A test call: the gateway rings a phone or calls a number, speaks, hears who answers, and gives back what it heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAME_SAMPLES, FRAME_SECONDS, Frame
from gateway.audio.level import HEARD_LEAST_SECONDS, HEARD_MEAN_SQUARE, dbfs, frame_energy
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg


class TrialStage(StrEnum):
    """How far it is."""

    RINGING = "ringing"
    SPEAKING = "speaking"
    LISTENING = "listening"
    REPLAYING = "replaying"
    ASKING = "asking"
    OVER = "over"


class TrialVerdict(StrEnum):
    """What is known of both ways."""

    NOT_ANSWERED = "not-answered"
    NOTHING_ARRIVES = "nothing-arrives"
    """Not one packet of sound."""
    SILENT = "silent"
    """Sound arrives, and no voice is in it."""
    HEARD_HERE = "heard-here"
    """The gateway has heard a voice; whether it was heard itself, nobody has said."""
    BOTH_WAYS = "both-ways"
    """And whoever answered has pressed 1 for having heard it."""


@dataclass(slots=True)
class Trial:
    """One test call, as far as it is."""

    party: str
    """The extension of the phone, or the number."""
    stage: TrialStage = TrialStage.RINGING
    verdict: TrialVerdict | None = None
    level_dbfs: float | None = None
    """How loud the voice was, while it is listened to: how loud it is; None: there was none."""
    line: str | None = None
    """The line that called the number."""
    cause: Cause | None = None
    """Why the call has ended."""

    def is_over(self, cause: Cause) -> None:
        """The call has ended, whoever ended it."""
        if self.stage is TrialStage.RINGING:
            self.verdict = TrialVerdict.NOT_ANSWERED
        self.stage, self.cause = TrialStage.OVER, cause

    def hears(self, frame: Frame) -> None:
        """Take a frame of what the party says now, for whoever watches the level."""
        self.level_dbfs = round(dbfs(frame_energy(frame) / FRAME_SAMPLES), 1)

    def judge(self, said: NDArray[np.int16]) -> bool:
        """Take what has come from the phone; whether a voice is in it."""
        frames = [said[begin : begin + FRAME_SAMPLES] for begin in range(0, len(said), FRAME_SAMPLES)]
        energies = [frame_energy(each) for each in frames if len(each) == FRAME_SAMPLES]
        self.level_dbfs = None
        loud = [energy for energy in energies if energy / FRAME_SAMPLES > HEARD_MEAN_SQUARE]
        if not energies:
            self.verdict = TrialVerdict.NOTHING_ARRIVES
        elif len(loud) * FRAME_SECONDS < HEARD_LEAST_SECONDS:
            self.verdict = TrialVerdict.SILENT
        else:
            self.verdict = TrialVerdict.HEARD_HERE
            self.level_dbfs = round(dbfs(sum(loud) / (len(loud) * FRAME_SAMPLES)), 1)
        return self.verdict is TrialVerdict.HEARD_HERE


async def overheard(leg: Leg, *, seconds: float, watch: Callable[[Frame], None]) -> NDArray[np.int16]:
    """What the party says within so many seconds, as it came; `watch` is shown each frame when it comes."""
    heard: list[Frame] = []

    def hear(frame: Frame, _position: int) -> None:
        heard.append(frame)
        watch(frame)

    unlisten = leg.port.listen(hear)
    try:
        await asyncio.sleep(seconds)
    finally:
        unlisten()
    return np.concatenate(heard) if heard else np.zeros(0, dtype=np.int16)
