"""Call: one story. The caller's leg, the legs it rang, one flow, one record.

A flow is an async function over these verbs, to be read from top to bottom. When the caller's leg
ends the flow is cancelled; the end of any other leg is a value (rule 1).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.audio.bridge import Bridge
from gateway.audio.port import FrameSource
from gateway.audio.tones import Tone, TonePlan, ToneSource
from gateway.errors import LegEnded, NoFreeLine
from gateway.events import CallAnswered, CallRouted
from gateway.ids import new_id
from gateway.telephony.causes import Cause
from gateway.telephony.exchange import CallRecording, Exchange
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.leg_events import report_leg
from gateway.telephony.line import Caller, Line
from gateway.telephony.numbers import Dialable
from gateway.telephony.ringing import Ringing, ring
from gateway.telephony.shop import Notice, RecordCalls
from gateway.telephony.watched import WatchedSource

ANSWER_SECONDS = 10.0
"""How long a wire may take to carry out our answer before the caller counts as lost."""


class Call:
    """One story, from the caller's side."""

    def __init__(self, caller: Leg, exchange: Exchange) -> None:
        self.id = new_id()
        self.caller = caller
        self.exchange = exchange
        self.legs: list[Leg] = []
        self.courier: str | None = None
        self.called = caller.called
        self.flow = ""
        self.answered_at: float | None = None
        self.recording: CallRecording | None = None
        self.talking_to: Leg | None = None
        self.ended_with: Leg | None = None
        """The callee whose end ended the talk, while the caller was still there."""
        self.started_at = asyncio.get_running_loop().time()
        self._own(caller)

    # What the caller hears.

    async def say(self, key: str, *, interruptible: bool = False) -> None:
        """Answer the caller and play a prompt to its end, or to the first key when `interruptible`."""
        await self.answer()
        await self._play_until_done(self.exchange.prompts(key), interruptible=interruptible)

    async def ask(self, key: str, *, most: int, within: float, until: str = "#") -> str:
        """Play a prompt and collect keys: until `until`, `most` keys, or `within` seconds without one.

        The prompt stops at the first key. Returns the keys without `until`; empty: nothing was pressed.
        """
        await self.say(key, interruptible=True)
        digits = ""
        while len(digits) < most:
            pressed = await self.caller.next_key(within=within)
            if pressed is None or pressed == until:
                break
            digits += pressed
        return digits

    async def answer(self) -> None:
        """Answer the caller, if that has not happened; raises LegEnded when the wire does not carry it out."""
        self.caller.answer()
        if not await self.caller.up(within=ANSWER_SECONDS):
            self.caller.hangup(Cause.NETWORK_LOST)
            raise LegEnded(f"The call from {self.caller.peer or 'an unknown number'} ended before it was answered.")

    async def refuse(self, cause: Cause) -> None:
        """Let the caller know why it comes to nothing: by the signalling, or by a phrase when already answered."""
        if self.caller.state is LegState.UP:
            await self.say(_PHRASES.get(cause, "courier-unreachable"))
        self.caller.hangup(cause)

    # Whom the caller reaches.

    @asynccontextmanager
    async def ringing(self, *legs: Leg) -> AsyncIterator[Ringing]:
        """Ring the legs while the caller hears ringback; after the block only the one that answered is left."""
        for leg in legs:
            self._own(leg)
        if self.caller.state is LegState.UP:
            plan = TonePlan.of_country(self.exchange.shop().numbers.country)
            self.caller.port.play(ToneSource(Tone.RINGBACK, plan))
        else:
            self.caller.ring()
        async with ring(legs) as ringing:
            yield ringing

    def phones(self, *extensions: str) -> list[Leg]:
        """New legs to phones of the shop, which show who calls."""
        return [self.exchange.phones.dial(extension, caller=self.shown) for extension in extensions]

    def mobile(self, line: Line, number: Dialable, *, extension: str | None) -> Leg:
        """A new leg to a number by a SIM line; `extension` is whose minutes it costs. Raises NoFreeLine."""
        return line.dial(number, call_id=self.id, extension=extension)

    def outside(self, number: Dialable, *, extension: str | None) -> Leg:
        """A new leg to a number by the way that is best now: a trunk that is usable, or else a free SIM line.

        An emergency number prefers a SIM: there the network knows where the caller is. Raises NoFreeLine.
        """
        trunk = self.exchange.usable_trunk(besides=self.caller.line)
        lines = self.exchange.free_lines((), besides=self.caller.line)
        if trunk is None or (number.emergency and next(lines, None) is not None):
            return self.mobile(self.free_line(), number, extension=extension)
        return trunk.dial(number, caller_id="", call_id=self.id, extension=extension)

    def free_line(self, names: tuple[str, ...] = ()) -> Line:
        """The first line of those names that can carry a call now. Raises NoFreeLine."""
        for line in self.exchange.free_lines(names, besides=self.caller.line):
            return line
        raise NoFreeLine("No SIM line is free for this call: each is busy, absent or without network.")

    @property
    def shown(self) -> Caller:
        """The caller as the party that is rung sees them."""
        # What comes from outside may claim any caller id; the name of a phone of ours is not given to it.
        phone = self.exchange.shop().phone(self.caller.peer) if self.caller.line is None else None
        return Caller(number=self.caller.peer, name=phone.name if phone is not None else self.caller.display_name)

    def is_routed_to(self, *, called: str, courier: str | None) -> None:
        """Note, for the record, whom the call leads to after all."""
        self.called = called
        self.courier = courier or self.courier
        self.exchange.publish(CallRouted(call_id=self.id, called=called, flow=self.flow, courier=self.courier))

    async def talk(self, callee: Leg) -> Cause:
        """Let the caller and `callee` hear each other until the callee ends; the notice comes first.

        Returns why the callee's leg ended.
        """
        try:
            await self.answer()
            recorded = await self._give_notice(callee)
            if callee.state is LegState.ENDED:
                self.ended_with = callee
                return callee.cause or Cause.HUNG_UP
            async with self._bridged(callee, recorded=recorded):
                await callee.ended(within=None)
            self.ended_with = callee
            return callee.cause or Cause.HUNG_UP
        finally:
            callee.hangup()

    # Inside.

    @asynccontextmanager
    async def _bridged(self, callee: Leg, *, recorded: bool) -> AsyncIterator[None]:
        """Within the block the two hear each other, keys pass, and the recording runs."""
        loop = asyncio.get_running_loop()
        bridge = Bridge(self.caller.port, callee.port, loop.time)
        bridge.start()
        if recorded:
            self.recording = self.exchange.recordings.begin(call_id=self.id, bridge=bridge)
        if self.answered_at is None:
            self.answered_at = loop.time()
            self.exchange.publish(CallAnswered(call_id=self.id, answered_by=callee.peer))
        self.talking_to = callee
        forgets = (self.caller.on_key(callee.send_key), callee.on_key(self.caller.send_key))
        try:
            yield
        finally:
            for forget in forgets:
                forget()
            self.talking_to = None
            bridge.stop()
            if self.recording is not None:
                self.recording.stop()
                self.recording = None

    async def _give_notice(self, callee: Leg) -> bool:
        """Tell both that the call is recorded, as the owner chose; True when it is to be recorded at all."""
        policy = self.exchange.shop().recording
        if policy.calls is RecordCalls.NONE or (policy.calls is RecordCalls.COURIERS and self.courier is None):
            return False
        match policy.notice:
            case Notice.NONE:
                return True
            case Notice.ANNOUNCE:
                key = "recording-notice"
            case Notice.BEEP:
                key = "recording-beep"
        for_callee = WatchedSource(self.exchange.prompts(key))
        callee.port.play(for_callee)
        await self._play_until_done(self.exchange.prompts(key), interruptible=False)
        await for_callee.done(unless_ended=callee)
        return True

    async def _play_until_done(self, source: FrameSource, *, interruptible: bool) -> None:
        watched = WatchedSource(source)
        self.caller.port.play(watched)
        unlisten = self.caller.on_key(lambda _key: watched.stop()) if interruptible else None
        try:
            await watched.done(unless_ended=self.caller)
        finally:
            if unlisten is not None:
                unlisten()

    def _own(self, leg: Leg) -> None:
        """The leg belongs to this call from now on: its changes are events of the call."""
        self.legs.append(leg)
        report_leg(leg, call_id=self.id, publish=self.exchange.publish)


_PHRASES = {
    Cause.BUSY: "busy",
    Cause.NO_SUCH_NUMBER: "no-such-extension",
    Cause.NUMBER_BARRED: "number-not-allowed",
    Cause.BUDGET_SPENT: "budget-spent",
    Cause.NO_FREE_LINE: "no-free-line",
}
