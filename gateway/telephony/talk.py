"""Talk: two legs that hear each other, through hold, transfer and take-over, until the callee ends.

A transfer is a redirect (rule 7): the leg that stays becomes the caller of another flow of the same call.
It has succeeded when that flow lets the caller talk to somebody; until then whoever asked for it can have
the call back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from gateway.audio.bridge import Bridge
from gateway.errors import GatewayError, LegEnded
from gateway.events import CallAnswered, CallTransferred
from gateway.telephony.causes import Cause
from gateway.telephony.courier_codes import CodeReader, CourierCodes
from gateway.telephony.destinations import ToOutside
from gateway.telephony.faults import cause_of_fault
from gateway.telephony.flow import flow_for
from gateway.telephony.key_code import KeyCode
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.numbers import BarredReason, Dialable
from gateway.telephony.routing import to_dialled
from gateway.telephony.transfer import TransferWish

if TYPE_CHECKING:
    from gateway.telephony.call import Call


class Redirect:
    """A transfer that is under way: another flow rings for the leg that stays."""

    def __init__(self, wish: TransferWish) -> None:
        self.wish = wish
        self.has_succeeded = False
        self.why = Cause.NO_ANSWER
        """Why it came to nothing."""
        self._has_rung = False

    def watch(self, leg: Leg) -> None:
        """Tell who asked when the new party rings."""
        leg.on_change(self._changed)

    def succeed(self) -> None:
        """The new party is there: who asked for it is let go."""
        self.has_succeeded = True
        self.wish.report.succeeded()
        self.wish.by.hangup(Cause.TRANSFERRED)

    def _changed(self, leg: Leg) -> None:
        if leg.state is LegState.RINGING and not self._has_rung and not self.has_succeeded:
            self._has_rung = True
            self.wish.report.rings()


class Talk:
    """Two legs of a call, in the order of the recording: its left and its right channel."""

    def __init__(self, call: Call, callee: Leg, *, recorded: bool) -> None:
        self._call = call
        self._pair = [call.caller, callee]
        self._recorded = recorded
        self._wishes: deque[TransferWish] = deque()
        self._woken = asyncio.Event()
        self._together = ExitStack()
        """What is undone when the two no longer hear each other."""
        self._bridge: Bridge | None = None

    @property
    def callee(self) -> Leg:
        """Whoever the caller talks to."""
        return self.partner_of(self._call.caller)

    def partner_of(self, leg: Leg) -> Leg:
        """The other one of the two."""
        left, right = self._pair
        return left if leg is right else right

    async def run(self) -> Cause:
        """Let them talk; why the callee's leg ended, whoever that is at the end."""
        call = self._call
        try:
            self._meet()
            while True:
                if self.callee.state is LegState.ENDED and not self.goes_on_without(self.callee):
                    call.ended_with = self.callee
                    break
                if self._wishes:
                    if await self._carry_out(self._wishes.popleft()):
                        break
                    self.part()  # where nothing was tried they have not parted
                    self._meet()
                    continue
                self._woken.clear()
                await self._woken.wait()
        finally:
            self.part()
            callee = self.callee
            if callee in call.legs:
                callee.hangup()
        ended_with = call.ended_with
        return ended_with.cause or Cause.HUNG_UP if ended_with is not None else Cause.TRANSFERRED

    def part(self) -> None:
        """They no longer hear each other; idempotent."""
        self._together.close()

    def goes_on_without(self, gone: Leg) -> bool:
        """A guest who takes part has the place of one of the two who has gone; False: there is none."""
        company = self._call.company
        heir = company.heir(gone) if self._call.talking_to is not None and gone in self._pair else None
        if heir is None:
            return False
        self.part()
        self._swap(gone, heir)
        self._meet()
        self._woken.set()
        return True

    def rearrange(self) -> None:
        """Somebody has joined or left."""
        if self._call.talking_to is not None:
            self._follow_holds()

    def replace(self, old: Leg, new: Leg) -> None:
        """`new`, which is up and belongs to the call, takes the place of `old`, which is let go."""
        self.part()
        self._swap(old, new)
        self._meet()
        self._woken.set()

    def _swap(self, old: Leg, new: Leg) -> None:
        self._pair[self._pair.index(old)] = new
        if self._call.caller is old:
            self._call.caller = new
        old.hangup(Cause.TRANSFERRED)

    # Hearing each other.

    def _meet(self) -> None:
        call, undo = self._call, self._together
        left, right = self._pair
        loop = asyncio.get_running_loop()
        self._bridge = bridge = Bridge(left.port, right.port, loop.time)
        bridge.start()
        undo.callback(bridge.stop)
        if self._recorded:
            call.recorder.follow(bridge)
            undo.callback(call.recorder.pause)
        if call.answered_at is None:
            call.answered_at = loop.time()
            call.exchange.publish(CallAnswered(call_id=call.id, answered_by=self.callee.peer))
        call.talking_to = self.callee
        undo.callback(self._forget_talk)
        call.sound.begin(left, right)
        undo.callback(call.sound.end)
        call.company.meet(left, right, bridge, recorded=self._recorded)
        undo.callback(call.company.part)
        for leg, other in ((left, right), (right, left)):
            undo.callback(leg.on_key(self._keys_of(leg, other)))
            code = call.exchange.shop().codes.pause_recording
            if code and leg.line is None:
                undo.callback(leg.on_key(KeyCode(code, call.recorder.pause_for_card).press))
            undo.callback(leg.on_hold_change(self._follow_holds))
            undo.enter_context(leg.on_end(self._woken.set))
            leg.on_transfer = self._judge
            undo.callback(leg.forget_transfer)
        if left.on_hold or right.on_hold or call.company.guests:
            self._follow_holds()

    def _keys_of(self, leg: Leg, other: Leg) -> Callable[[str], None]:
        """What takes the keys of a party: the other one, and before it the codes of a courier or a phone of ours."""
        shop, extension = self._call.exchange.shop(), self._call.proven.get(leg)
        prefix = shop.codes.courier
        if extension is None and leg.line is None and shop.phone(leg.peer) is not None:
            prefix, extension = shop.codes.talk, leg.peer
        if not prefix or extension is None:
            return other.send_key
        reader = CodeReader(prefix, CourierCodes(self._call, leg, extension).act, other.send_key)
        self._together.callback(reader.close)
        return reader.press

    def _forget_talk(self) -> None:
        self._call.talking_to = None

    def _follow_holds(self) -> None:
        """Who is held hears music, unless the one who holds brings its own; nobody is recorded meanwhile."""
        left, right = self._pair
        if not self._call.company.arrange() and self._bridge is not None:
            self._bridge.start()
            for holder, held in ((left, right), (right, left)):
                if holder.on_hold and not holder.brings_music:
                    held.port.play(self._call.exchange.music())
                if holder.on_hold and holder.held_by_keys:  # it would go on hearing whoever waits
                    holder.port.hear(None)
        if left.on_hold or right.on_hold or self._call.company.consulted is not None:
            self._call.recorder.pause()
        else:
            self._call.recorder.resume()

    # Transfers.

    def _judge(self, wish: TransferWish) -> Cause | None:
        """Whether a wish will be tried: only a phone of ours may have one, and it is no way round the number policy.

        A courier at the mobile may hand over to extensions of the shop.
        """
        if wish.by.line is not None and wish.by not in self._call.proven:
            return Cause.NUMBER_BARRED
        if self._wishes:
            return Cause.REJECTED
        refusal = (
            self._judge_place(wish.by, wish.instead_of) if wish.instead_of else self._judge_target(wish.by, wish.target)
        )
        if refusal is None:
            self._wishes.append(wish)
            self._woken.set()
        return refusal

    def _judge_place(self, by: Leg, place: Leg) -> Cause | None:
        """The place must be the same phone's own, in another call."""
        if place.line is not None or place.peer != by.peer:
            return Cause.NUMBER_BARRED
        other = self._call.exchange.call_of(place)
        return Cause.REJECTED if other is None or other is self._call else None

    def _judge_target(self, by: Leg, target: str) -> Cause | None:
        exchange = self._call.exchange
        if isinstance(to_dialled(exchange.shop(), target), ToOutside):
            if by in self._call.proven:
                return Cause.NO_SUCH_NUMBER
            verdict = exchange.policy().check(target)
            if not isinstance(verdict, Dialable):
                unknown = verdict.reason in (BarredReason.NO_SUCH_NUMBER, BarredReason.NOT_A_NUMBER)
                return Cause.NO_SUCH_NUMBER if unknown else Cause.NUMBER_BARRED
        return None

    async def _carry_out(self, wish: TransferWish) -> bool:
        """Try a transfer; True when another flow has told the rest of the story."""
        if wish.by.state is LegState.ENDED:
            return False
        place = wish.instead_of
        other = self._call.exchange.call_of(place) if place is not None else None
        if place is None or other is None:
            return await self._redirect(wish, wish.target)
        partner = other.give_partner_of(place)
        if partner is None:  # nobody has answered the consultation yet: the target is rung for the one who stays
            target = other.called if other.caller is place else wish.target
            place.hangup(Cause.TRANSFERRED)
            return await self._redirect(wish, target)
        self.part()
        call = self._call
        call.adopt(partner)
        self._recorded = self._recorded and call.recorder.was_told(partner, other.recorder)
        call.exchange.publish(CallTransferred(call_id=call.id, by=wish.by.peer, to=partner.peer))
        wish.report.succeeded()
        self._swap(wish.by, partner)
        place.hangup(Cause.TRANSFERRED)
        return False

    async def _redirect(self, wish: TransferWish, target: str) -> bool:
        """Another flow with the leg that stays as its caller."""
        call, was_caller = self._call, self._call.caller
        self.part()
        stays = self.partner_of(wish.by)
        call.caller = stays
        redirect = call.redirect = Redirect(wish)
        call.payer = call.proven.get(wish.by, wish.by.peer)
        destination = to_dialled(call.exchange.shop(), target)
        _, flow = flow_for(destination)
        try:
            await flow(call, destination)
        except LegEnded:
            raise
        except GatewayError as fault:
            redirect.why = cause_of_fault(fault)
        finally:
            call.redirect = None
            if not redirect.has_succeeded:
                wish.report.failed(redirect.why)
        if redirect.has_succeeded:
            return True
        if wish.by.state is LegState.UP:
            call.caller = was_caller
            return False
        call.ended_with = wish.by
        await call.refuse(redirect.why)
        return True
