"""A person with a mobile phone in the emulated network."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gateway.emulator.mobile_call import EndedBy, MobileCall
from gateway.emulator.progress import CallState
from gateway.emulator.sound import Samples

_PRESS_SECONDS = 1.0


class WhenCalled(StrEnum):
    """What the subscriber does with a call."""

    ANSWER = "answer"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    REJECT = "reject"
    """It rings, then the person presses the red button."""
    OFF = "off"
    MANUAL = "manual"
    """It rings until somebody (a test) says what happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """Something said `after_seconds` of a call's being up; 0: with its very first sample."""

    samples: Samples
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What a subscriber does by itself."""

    when_called: WhenCalled = WhenCalled.ANSWER
    ring_seconds: float = 1.0
    """How long it rings before it is answered or rejected."""
    says: tuple[Speech, ...] = ()
    """In every call that it answers or makes."""
    presses: str = ""
    """Keys, pressed one second after the call is up, 0.1 s each with gaps of 0.1 s."""
    hangs_up_after_seconds: float | None = None
    """Counted from the answer; None: it waits for the other side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A whole text that arrived. `at` is monotonic."""

    sender: str
    text: str
    parts: int
    at: float


@dataclass(slots=True, eq=False)
class Subscriber:
    """One number, its habits, its calls and its messages."""

    number: str
    habits: Habits = Habits()
    calls: list[MobileCall] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    key_heard: Callable[[MobileCall, str], None] | None = None
    """The network's ear for keys, which tells the modem of them."""
    _timers: list[asyncio.TimerHandle] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def call(self) -> MobileCall | None:
        """The call that is not over."""
        return next((call for call in self.calls if call.state is not CallState.ENDED), None)

    @property
    def last_call(self) -> MobileCall:
        """The present or last call; LookupError when there was none."""
        if not self.calls:
            raise LookupError(f"{self.number} has had no call.")
        return self.calls[-1]

    def change(self, **habits: object) -> None:
        """Replace some habits, from the next call on."""
        self.habits = replace(self.habits, **habits)  # type: ignore[arg-type]  # names and values are those of Habits

    def is_called(self, call: MobileCall) -> None:
        """A modem calls: behave."""
        self._add(call)
        match self.habits.when_called:
            case WhenCalled.BUSY:
                call.end(EndedBy.NETWORK, 17)
            case WhenCalled.OFF:
                call.end(EndedBy.NETWORK, 20)
            case WhenCalled.ANSWER:
                call.ring()
                self._later(self.habits.ring_seconds, lambda: self.answer(call))
            case WhenCalled.REJECT:
                call.ring()
                self._later(self.habits.ring_seconds, lambda: call.end(EndedBy.SUBSCRIBER, 21))
            case WhenCalled.NO_ANSWER | WhenCalled.MANUAL:
                call.ring()

    def calls_out(self, call: MobileCall) -> None:
        """The subscriber calls a modem: `call` is the new call. The modem's answer lets it speak."""
        self._add(call)

    def answer(self, call: MobileCall) -> None:
        """Take the call, and do in it what one does."""
        if call.state in (CallState.DIALLING, CallState.RINGING):
            self._prepare(call)
            call.answer()
            self._behave(call)

    def was_answered(self, call: MobileCall) -> None:
        """The modem has taken the subscriber's call. Called before the modem's sound is connected."""
        self._prepare(call)
        self._behave(call)

    def press(self, digits: str, *, tone_seconds: float = 0.1, gap_seconds: float = 0.1) -> None:
        """Press keys now; ValueError for what is no key, LookupError without a call."""
        call = self.call
        if call is None:
            raise LookupError(f"{self.number} has no call in which to press keys.")
        call.track.press(digits, tone_seconds=tone_seconds, gap_seconds=gap_seconds)
        for index, digit in enumerate(digits):
            delay = index * (tone_seconds + gap_seconds) + tone_seconds / 2

            def told(digit: str = digit) -> None:
                call.pressed.append((time.monotonic(), digit))
                if self.key_heard is not None:
                    self.key_heard(call, digit)

            self._later(delay, told)

    def receive(self, message: Message) -> None:
        """A text has arrived."""
        self.messages.append(message)
        self._wake()

    async def changed(self) -> None:
        """Return at the next new call or message."""
        await self._changed.wait()

    def forget_timers(self) -> None:
        """Do nothing more by itself; at the emulator's end."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _add(self, call: MobileCall) -> None:
        self.calls.append(call)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _prepare(self, call: MobileCall) -> None:
        for speech in self.habits.says:
            if speech.after_seconds == 0:
                call.track.say(speech.samples)

    def _behave(self, call: MobileCall) -> None:
        for speech in self.habits.says:
            if speech.after_seconds > 0:
                self._later(speech.after_seconds, functools.partial(call.track.say, speech.samples))
        if self.habits.presses:
            self._later(_PRESS_SECONDS, lambda: self._press_in(call, self.habits.presses))
        if self.habits.hangs_up_after_seconds is not None:
            self._later(self.habits.hangs_up_after_seconds, lambda: call.end(EndedBy.SUBSCRIBER))

    def _press_in(self, call: MobileCall, digits: str) -> None:
        if call.state is CallState.ACTIVE:
            self.press(digits)

    def _later(self, seconds: float, action: Callable[[], object]) -> None:
        loop = asyncio.get_running_loop()
        self._timers = [timer for timer in self._timers if not timer.cancelled() and timer.when() >= loop.time()]
        self._timers.append(loop.call_later(seconds, action))
