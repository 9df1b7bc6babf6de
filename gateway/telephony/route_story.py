"""A call that is only thought of, as it is being told: what has happened so far, and at which second."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.audio.frame import FRAME_SECONDS
from gateway.audio.port import FrameSource
from gateway.telephony.call import NOBODY_ANSWERS, phrase_for
from gateway.telephony.causes import Cause
from gateway.telephony.exchange import Exchange
from gateway.telephony.leg import Leg
from gateway.telephony.route_steps import RouteQuestion, Step, StepCode

LONGEST_PROMPT_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """A call that comes in and is none: what `route` asks of a Leg."""

    line: str | None
    peer: str
    called: str
    replaces: Leg | None = None


class Story:
    """Nobody answers in it, and nobody presses a key."""

    def __init__(self, exchange: Exchange, caller: Thought, question: RouteQuestion) -> None:
        self.exchange = exchange
        self.shop = exchange.shop()
        self.caller = caller
        self.seconds = 0.0
        """Since the call began."""
        self.is_answered = False
        self.payer = caller.peer
        """Whose minutes a call outside would be."""
        self.steps: list[Step] = []
        self.language = question.language
        self._began_at = question.at

    @property
    def now(self) -> datetime:
        """The moment that the story has come to."""
        return self._began_at + timedelta(seconds=self.seconds)

    def tell(self, code: StepCode, **values: object) -> None:
        """One more step, now."""
        known = {name: str(value) for name, value in values.items()}
        self.steps.append(Step(code=code, at=round(self.seconds, 1), values=known))

    def answer(self) -> None:
        """The caller's call is answered by us, and paid for."""
        if not self.is_answered:
            self.is_answered = True
            self.tell(StepCode.ANSWERED)

    def say(self, code: StepCode, *keys: str, most: float = LONGEST_PROMPT_SECONDS, **values: object) -> None:
        """The caller, answered, hears these prompts, for at most so many seconds."""
        self.answer()
        seconds = min(most, sum(map(self.seconds_of, keys)))
        self.tell(code, prompts=" ".join(keys), seconds=f"{seconds:.1f}", **values)
        self.seconds += seconds

    def end(self, cause: Cause) -> None:
        """The call is over."""
        self.tell(StepCode.ENDS, cause=cause)

    def refuse(self, cause: Cause, *, otherwise: str = NOBODY_ANSWERS) -> None:
        """It comes to nothing, and the caller is told why: by the signalling, or by a phrase when answered."""
        if self.is_answered:
            self.say(StepCode.SAYS, phrase_for(cause, otherwise=otherwise))
        self.end(cause)

    def seconds_of(self, key: str) -> float:
        """How long a prompt lasts."""
        return _length(self.exchange.prompts(key))

    def tell_phones(self, extensions: Iterable[str], rung: Iterable[str]) -> None:
        """Why some of these phones do not ring."""
        rings = set(rung)
        for extension in extensions:
            phone = self.shop.phone(extension)
            if phone is None:
                continue
            if not self.exchange.phones.is_reachable(extension):
                self.tell(StepCode.PHONE_AWAY, phone=extension)
            elif extension in rings:
                continue
            elif phone.do_not_disturb or phone.forward_always:
                self.tell(StepCode.PHONE_SILENT, phone=extension)
            elif not self.exchange.duty.is_free(extension):
                self.tell(StepCode.PHONE_PAUSES, phone=extension)
            else:
                self.tell(StepCode.PHONE_LATER, phone=extension)

    def rings_somewhere(self, extensions: Iterable[str]) -> bool:
        """One of them can be reached."""
        return any(map(self.exchange.phones.is_reachable, extensions))


def _length(source: FrameSource) -> float:
    frames = 0
    while frames * FRAME_SECONDS < LONGEST_PROMPT_SECONDS and source.next_frame() is not None:
        frames += 1
    return frames * FRAME_SECONDS
