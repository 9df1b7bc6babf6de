"""Call: one story. The caller's leg, the legs it rang, one flow, one record.

A flow is an async function over these verbs, to be read from top to bottom. When the caller's leg
ends the flow is cancelled; the end of any other leg is a value (rule 1).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial

from gateway.audio.port import FrameSource
from gateway.audio.tones import Tone, TonePlan, ToneSource
from gateway.errors import LegEnded
from gateway.events import CallQueued, CallRouted, CallShown, CallStepped, CallTransferred
from gateway.ids import new_id
from gateway.telephony.call_recorder import CallRecorder
from gateway.telephony.causes import Cause
from gateway.telephony.company import Company
from gateway.telephony.exchange import Exchange
from gateway.telephony.leg import Direction, Leg, LegState
from gateway.telephony.leg_events import report_leg
from gateway.telephony.line import Caller, Line
from gateway.telephony.numbers import Dialable
from gateway.telephony.presented import presented
from gateway.telephony.ringing import EarlyMedia, Ringing, ring
from gateway.telephony.sound_watch import SoundWatch
from gateway.telephony.talk import Redirect, Talk
from gateway.telephony.watched import WatchedSource

ANSWER_SECONDS = 10.0
"""How long a wire may take to carry out our answer before the caller counts as lost."""
NOBODY_ANSWERS, COURIER_AWAY = "unanswered", "courier-unreachable"
"""What an answered caller hears where a cause has no phrase of its own: of whoever was called, and of a courier."""


class Call:
    """One story, from the caller's side."""

    def __init__(self, caller: Leg, exchange: Exchange, *, call_id: str | None = None) -> None:
        """`call_id` is given where the caller's leg was dialled by us, for this call."""
        self.id = call_id or new_id()
        self.caller = caller
        self.exchange = exchange
        self.legs: list[Leg] = []
        self.courier: str | None = None
        self.proven: dict[Leg, str] = {}
        """Legs with a courier at the mobile, by proof and not by caller id, and their extensions."""
        self.called = caller.called
        self.flow = ""
        self.answered_at: float | None = None
        self.recorder = CallRecorder(self.id, exchange)
        """What of it is kept."""
        self.talking_to: Leg | None = None
        self.ended_with: Leg | None = None
        """The callee whose end ended the talk, while the caller was still there."""
        self.ringing_now: Ringing | None = None
        """What somebody may pick up."""
        self.redirect: Redirect | None = None
        """A transfer that is under way."""
        self.was_given_away = False
        """A leg of it lives on in another call."""
        self.sound = SoundWatch(self.id, exchange.publish, exchange.traces)
        """Whether those who talk hear each other."""
        self.company = Company(self)
        """Whoever has joined those who talk."""
        self.started_at = asyncio.get_running_loop().time()
        self._first_caller = caller.peer
        self._payer: str | None = None
        self._talk: Talk | None = None
        self._scope: asyncio.Timeout | None = None
        self._own(caller)

    @asynccontextmanager
    async def while_caller_up(self) -> AsyncIterator[None]:
        """Cancel the body when the caller ends, whoever that is by then (rule 1); what comes after the block runs."""
        try:
            async with asyncio.timeout(None) as scope:
                self._scope = scope
                try:
                    if self.caller.state is LegState.ENDED:
                        scope.reschedule(0)
                    yield
                finally:
                    self._scope = None
        except TimeoutError:
            if not scope.expired():  # a time-out of the body's own
                raise

    # What the caller hears.

    async def say(self, key: str, *, interruptible: bool = False, early: bool = False) -> None:
        """Answer the caller and play a prompt to its end, or to the first key when `interruptible`.

        With `early` the caller hears it without an answer (183); who cannot, as on GSM, hears nothing (rule 9).
        """
        if await self._open(early=early):
            await self._play_until_done(self.caller, self.exchange.prompts(key), interruptible=interruptible)

    async def play(self, sound: FrameSource, *, interruptible: bool = False) -> None:
        """As `say`, of whatever sound: answer the caller and play it to its end, or to the first key."""
        await self.answer()
        await self._play_until_done(self.caller, sound, interruptible=interruptible)

    async def ask(self, key: str, *, most: int, within: float, until: str = "#", early: bool = False) -> str:
        """Play a prompt and collect keys: until `until`, `most` keys, or `within` seconds without one.

        The prompt stops at the first key. Returns the keys without `until`; empty: nothing was pressed.
        """
        await self.say(key, interruptible=True, early=early)
        digits = ""
        while len(digits) < most:
            pressed = await self.caller.next_key(within=within)
            if pressed is None or pressed == until:
                break
            digits += pressed
        return digits

    async def music(self, *, within: float, early: bool = False) -> None:
        """Answer the caller, who hears music for that many seconds; `early` as in `say`."""
        if await self._open(early=early):
            self.caller.port.play(self.exchange.music())
        await asyncio.sleep(within)

    async def answer(self) -> None:
        """Answer the caller, if that has not happened; raises LegEnded when the wire does not carry it out."""
        self.caller.answer()
        if not await self.caller.up(within=ANSWER_SECONDS):
            self.caller.hangup(Cause.NETWORK_LOST)
            raise LegEnded(f"The call from {self.caller.peer or 'an unknown number'} ended before it was answered.")

    async def refuse(self, cause: Cause, *, otherwise: str = NOBODY_ANSWERS) -> None:
        """Let the caller know why it comes to nothing: by the signalling, or by a phrase when already answered.

        `otherwise` is the phrase where the cause has none of its own. In a transfer, whoever asked for it has the call
        back instead. It is the last thing a flow does.
        """
        if self.redirect is not None:
            self.redirect.why = cause
            return
        if self.caller.state is LegState.UP:
            await self.say(phrase_for(cause, otherwise=otherwise))
        self.caller.hangup(cause)

    # Whom the caller reaches.

    @asynccontextmanager
    async def ringing(self, *legs: Leg) -> AsyncIterator[Ringing]:
        """Ring the legs while the caller hears ringback; after the block only the one that answered is left."""
        for leg in legs:
            self._own(leg)
            if self.redirect is not None:
                self.redirect.watch(leg)
        ringback = partial(ToneSource, Tone.RINGBACK, TonePlan.of_country(self.exchange.shop().numbers.country))
        if self.caller.state is LegState.UP:
            self.caller.port.play(ringback())
        else:
            self.caller.ring()
        early = EarlyMedia(self.caller, legs, ringback)
        try:
            async with ring(legs) as ringing:
                self.ringing_now = ringing
                yield ringing
        finally:
            self.ringing_now = None
            early.stop()

    def ring_too(self, leg: Leg, ringing: Ringing) -> None:
        """One more leg rings with those of `ringing`."""
        self._own(leg)
        if self.redirect is not None:
            self.redirect.watch(leg)
        ringing.add(leg)

    def phones(self, *extensions: str) -> list[Leg]:
        """New legs to phones of the shop, which show who calls."""
        return [self.exchange.phones.dial(extension, caller=self.shown) for extension in extensions]

    def mobile(self, line: Line, number: Dialable, *, extension: str | None) -> Leg:
        """A new leg to a number by a SIM line; `extension` is whose minutes it costs. Raises NoFreeLine."""
        return line.dial(number, call_id=self.id, extension=extension)

    def ways_outside(self, number: Dialable, *, extension: str | None) -> Iterator[Leg]:
        """Exchange.ways_outside for this call; `extension` pays."""
        # Who came by a provider is not sent back by it, but one of ours may transfer the caller there.
        return self.exchange.ways_outside(
            number,
            call_id=self.id,
            payer=extension,
            besides_line=self.caller.line,
            besides_trunk=None if self.redirect is not None else self.caller.line,
        )

    @property
    def shown(self) -> Caller:
        """The caller as the party that is rung sees them."""
        # What comes from outside may claim any caller id; the name of a phone of ours is not given to it.
        phone = self.exchange.shop().phone(self.caller.peer) if self.caller.line is None else None
        contact = self.exchange.people.known(self.caller.peer) if self.caller.line is not None else None
        named = phone.name if phone is not None else contact.name if contact is not None else None
        return Caller(number=self.caller.peer, name=self.caller.display_name if named is None else named)

    @property
    def payer(self) -> str:
        """The extension whose minutes are spent when the call leads outside: who sent it there, or who began it."""
        return self._payer or self.courier or self._first_caller

    @payer.setter
    def payer(self, extension: str) -> None:
        self._payer = extension

    def is_routed_to(self, *, called: str, courier: str | None, order: str | None = None) -> None:
        """Note, for the record, whom the call leads to after all, and for which order."""
        self.called = called
        self.courier = courier or self.courier
        self.exchange.publish(
            CallRouted(call_id=self.id, called=called, flow=self.flow, courier=self.courier, order=order)
        )

    def is_queued_in(self, queue: str) -> None:
        """Note in which queue the caller waits, where the shop has several; an empty name is its own one."""
        if self.exchange.shop().queues:
            self.exchange.publish(CallQueued(call_id=self.id, queue=queue))

    def is_at(self, step: str) -> None:
        """Note what the caller hears from now on who waits for an answer: the name of a reception.Phase."""
        self.exchange.publish(CallStepped(call_id=self.id, step=step))

    async def whisper(self, leg: Leg, *keys: str, until: str = "", within: float = 0.0) -> bool:
        """Say prompts to a party who has just answered, while the caller waits on and hears nothing of it.

        With `until` the party has until `within` seconds after the prompts to press that key: whether that happened.
        """
        if leg.early_media and leg is not self.caller:
            country = self.exchange.shop().numbers.country
            self.caller.port.play(ToneSource(Tone.RINGBACK, TonePlan.of_country(country)))
        leg.forget_keys()
        for key in keys:
            await self._play_until_done(leg, self.exchange.prompts(key), interruptible=bool(until))
        return bool(until) and await leg.next_key(within=within) == until

    async def talk(self, callee: Leg) -> Cause:
        """Let the caller and `callee` hear each other until the callee ends; the notice comes first.

        Either may put the other on hold, or have a phone of ours transfer it. Returns why the leg that was the
        callee at last has ended.
        """
        self.has_reached(callee.peer)
        outer = self._talk
        try:
            await self.answer()
            recorded = await self.recorder.give_notice(self.caller, callee, courier=self.courier)
            if callee.state is LegState.ENDED:
                self.ended_with = callee
                return callee.cause or Cause.HUNG_UP
            self._talk = Talk(self, callee, recorded=recorded)
            return await self._talk.run()
        finally:
            if callee in self.legs and callee is not self.caller:
                callee.hangup()
            self._talk = outer
            if outer is None:
                self.recorder.stop()

    def has_reached(self, party: str) -> None:
        """Whoever wanted the caller transferred is let go: the caller is with `party` now."""
        redirect, self.redirect = self.redirect, None
        if redirect is not None:
            redirect.succeed()
            self.exchange.publish(CallTransferred(call_id=self.id, by=redirect.wish.by.peer, to=party))

    # Legs that come and go.

    def adopt(self, leg: Leg) -> None:
        """A leg of another call belongs to this one from now on."""
        self._own(leg)

    def give_partner_of(self, leg: Leg) -> Leg | None:
        """Give away whoever `leg` talks to; when `leg` is hung up, this call is over. None: it talks to nobody."""
        talk = self._talk
        partner = talk.partner_of(leg) if talk is not None and self.talking_to is not None else None
        if talk is None or partner is None or partner.state is LegState.ENDED:  # one who has just hung up is nobody
            return None
        talk.part()
        self._give(partner)
        self.caller = leg
        return partner

    def pick_up(self, other: Call) -> bool:
        """Let the caller of this call answer `other`, which rings; False when it does so no more."""
        ringing, leg = other.ringing_now, self.caller
        if ringing is None or leg.state is LegState.ENDED:
            return False
        self._give(leg)
        other.adopt(leg)
        leg.answer()
        ringing.add(leg)
        return True

    def take_place(self, place: Leg, other: Call) -> bool:
        """Let the caller of this call, who is up, take a place in `other`; False when nobody talks there."""
        talk, leg = other._talk, self.caller
        if talk is None or other.talking_to is None or place not in (other.caller, other.talking_to):
            return False
        self._give(leg)
        other.adopt(leg)
        talk.replace(place, leg)
        return True

    # Company.

    def invite(self, extension: str) -> Leg | None:
        """Ring a phone of the shop that shall join those who talk; None: it cannot be. Then: `company.receive`."""
        if self.talking_to is None or any(leg.peer == extension for leg in (self.caller, self.talking_to)):
            return None
        (leg,) = self.phones(extension)
        self._own(leg)
        return leg

    def ring_again(self, ringing: Ringing, extension: str) -> Leg:
        """Ring one more phone, or one once more, for those who ring already."""
        (leg,) = self.phones(extension)
        self._own(leg)
        ringing.add(leg)
        return leg

    def rearrange(self) -> None:
        """Somebody has joined or left."""
        if self._talk is not None:
            self._talk.rearrange()

    def _give(self, leg: Leg) -> None:
        self.legs.remove(leg)
        self.was_given_away = True

    # Inside.

    async def _open(self, *, early: bool) -> bool:
        """Make the caller hear us; False when that cannot be without an answer."""
        if early:
            return self.caller.open_early()
        await self.answer()
        return True

    async def _play_until_done(self, leg: Leg, source: FrameSource, *, interruptible: bool) -> None:
        watched = WatchedSource(source)
        leg.port.play(watched)
        unlisten = leg.on_key(lambda _key: watched.stop()) if interruptible else None
        try:
            await watched.done(unless_ended=leg)
        finally:
            if unlisten is not None:
                unlisten()

    def _own(self, leg: Leg) -> None:
        """The leg belongs to this call from now on: its changes are events of the call."""
        self.legs.append(leg)
        is_new = not leg.call_id
        report_leg(leg, call_id=self.id, publish=self.exchange.publish)
        leg.on_change(self._leg_changed)
        if is_new and leg.line is not None and leg.direction is Direction.OUTGOING:
            seen = presented(self.exchange.shop(), leg.line)
            self.exchange.publish(
                CallShown(call_id=self.id, leg_id=leg.id, way=seen.way, number=seen.number, withheld=seen.is_withheld)
            )

    def _leg_changed(self, leg: Leg) -> None:
        if leg is not self.caller or leg.state is not LegState.ENDED or self._scope is None:
            return
        if self._talk is None or not self._talk.goes_on_without(leg):
            self._scope.reschedule(0)


def phrase_for(cause: Cause, *, otherwise: str = NOBODY_ANSWERS) -> str:
    """The key of the prompt that tells an answered caller why it comes to nothing."""
    return _PHRASES.get(cause, otherwise)


_PHRASES = {
    Cause.BUSY: "busy",
    Cause.NO_SUCH_NUMBER: "no-such-extension",
    Cause.NUMBER_BARRED: "number-not-allowed",
    Cause.BUDGET_SPENT: "budget-spent",
    Cause.NIGHT_LOCK: "number-not-allowed",
    Cause.TOO_MANY_CALLS: "no-free-line",
    Cause.NO_FREE_LINE: "no-free-line",
}
