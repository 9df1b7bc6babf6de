"""Company: whoever joins two that talk, to listen, to whisper to one of them, or to take part; mixed by the clock.

Two who are alone hear each other by arrival, without a mixer. With the first guest the mixer takes over, with the last
one it goes again. A guest who takes part is heard by all and is in the recording, on the channel of what the caller
hears; one who whispers is heard by the employee alone, and nobody hears one who listens. One who is consulted talks to
whoever has asked for it, while the other one waits with music and nothing is recorded; when whoever asked hangs up, the
consulted one has the place (D2).
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.audio.bridge import Bridge
from gateway.audio.frame import FRAME_SECONDS
from gateway.audio.mix import Conference
from gateway.events import CallTransferred, PartyJoined, PartyLeft
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState

if TYPE_CHECKING:
    from gateway.telephony.call import Call

RING_SECONDS = 30.0
"""How long a guest's phone is rung."""
_MOST_TICKS_BEHIND = 5


class Role(StrEnum):
    """What a guest does."""

    LISTENS = "listen"
    WHISPERS = "whisper"
    SPEAKS = "speak"
    CONSULTS = "consult"


class Company:
    """The guests of one call, through all its talks."""

    def __init__(self, call: Call) -> None:
        self.guests: dict[Leg, Role] = {}
        """Those who have joined, in the order of joining."""
        self._hosts: dict[Leg, Leg] = {}
        """Who has asked the consulted ones, by these."""
        self._call = call
        self._pair: tuple[Leg, Leg] | None = None
        self._bridge: Bridge | None = None
        self._conference: Conference | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._is_recorded = False
        self._recorded_mix: object | None = None
        """The mix that is in the recording; None: the two alone are."""

    # Who talks.

    def meet(self, caller: Leg, callee: Leg, bridge: Bridge, *, recorded: bool) -> None:
        """These two talk from now on."""
        self._pair, self._bridge, self._is_recorded = (caller, callee), bridge, recorded

    def part(self) -> None:
        """They no longer do: guests hear silence until others meet; idempotent."""
        self._stop()
        self._pair = self._bridge = None

    @property
    def employee(self) -> Leg | None:
        """Whom a whisper is for: a phone of the shop, of two the one that was called; else the courier."""
        if self._pair is None:
            return None
        phones = [leg for leg in self._pair if leg.line is None]
        if phones:
            return phones[-1]
        courier = self._call.exchange.shop().courier(self._call.courier or "")
        return next((leg for leg in self._pair if courier is not None and leg.peer == courier.mobile), None)

    @property
    def consulted(self) -> Leg | None:
        """The guest whom one of the two consults now."""
        return next((leg for leg in self._present() if self.guests[leg] is Role.CONSULTS), None)

    def refusal(self, role: Role) -> Cause | None:
        """Why nobody can join in that role now; None: somebody can."""
        if role in (Role.WHISPERS, Role.CONSULTS) and self.employee is None:
            return Cause.REJECTED
        return Cause.BUSY if role is Role.CONSULTS and self.consulted is not None else None

    def host_of(self, guest: Leg) -> Leg | None:
        """Who consults that guest."""
        return self._hosts.get(guest)

    def heir(self, gone: Leg) -> Leg | None:
        """A guest who will have the place of `gone`, one of the two; no guest any more. None: there is none.

        Whoever was consulted by the one who has gone goes before those who take part.
        """
        consulted = self.consulted
        if consulted is not None and self._hosts.get(consulted) is gone:
            self._call.exchange.publish(CallTransferred(call_id=self._call.id, by=gone.peer, to=consulted.peer))
            leg: Leg | None = consulted
        else:
            leg = next((leg for leg in self._present() if self.guests[leg] is Role.SPEAKS), None)
        if leg is not None:
            del self.guests[leg]
            self._hosts.pop(leg, None)
        return leg

    # Who joins.

    async def receive(self, leg: Leg, role: Role, *, by: str) -> None:
        """Wait until the phone that is rung answers, let it join, and wait until it has gone."""
        if not await leg.up(within=RING_SECONDS):
            leg.hangup()
            return
        self.seat(leg, role, by=by)
        await leg.ended(within=None)
        self.leave(leg)

    def seat(self, leg: Leg, role: Role, *, by: str) -> None:
        """The leg, which is up, joins; one that has joined already does something else from now on."""
        self.guests[leg] = role
        self._hosts.pop(leg, None)
        host = self._asking(by)
        if role is Role.CONSULTS and host is not None:
            self._hosts[leg] = host
        self._call.exchange.publish(PartyJoined(call_id=self._call.id, leg_id=leg.id, peer=leg.peer, role=role, by=by))
        self._call.rearrange()

    def leave(self, leg: Leg) -> None:
        """The guest has gone; idempotent."""
        self._hosts.pop(leg, None)
        if self.guests.pop(leg, None) is not None:
            self._call.exchange.publish(PartyLeft(call_id=self._call.id, leg_id=leg.id, peer=leg.peer))
            self._call.rearrange()

    # Who hears whom.

    def arrange(self) -> bool:
        """Mix, if there are guests to be mixed; False: the two hear each other as ever.

        While one of the two holds, it is left out; when nobody else takes part, the other one hears music.
        """
        pair, guests = self._pair, self._present()
        if pair is None or not guests:
            self._stop()
            return False
        if self.consulted is not None:
            self._consult(self.consulted, pair, guests)
            return True
        if any(leg.on_hold for leg in pair) and not any(self.guests[leg] is Role.SPEAKS for leg in guests):
            self._stop()
            return False
        conference = self._conference or self._start()
        for leg in pair:
            if leg.on_hold:
                conference.drop(leg.port)
            else:
                conference.add(leg.port)
        here = {leg.port for leg in (*pair, *guests)}
        for port in conference.ports:
            if port not in here:
                conference.drop(port)
        employee = self.employee
        for leg in guests:
            match self.guests[leg]:
                case Role.SPEAKS:
                    conference.add(leg.port)
                case Role.WHISPERS if employee is not None:
                    conference.whisper(leg.port, employee.port)
                case _:
                    conference.listen_in(leg.port)
        self._record(conference, any(self.guests[leg] is Role.SPEAKS for leg in guests))
        return True

    def _asking(self, by: str) -> Leg | None:
        """Whom a consultation is for: the one of the two who has asked, else the employee."""
        asking = next((leg for leg in self._pair or () if leg.line is None and leg.peer == by), None)
        return asking or self.employee

    def _consult(self, consulted: Leg, pair: tuple[Leg, Leg], guests: list[Leg]) -> None:
        """The two talk; the third waits with music, and whoever listens hears on."""
        host = self._hosts.get(consulted, pair[1])
        waiting = pair[0] if host is pair[1] else pair[1]
        conference = self._conference or self._start()
        conference.add(host.port)
        conference.add(consulted.port)
        for leg in guests:
            if leg is not consulted:
                conference.listen_in(leg.port)
        conference.drop(waiting.port)
        waiting.port.play(self._call.exchange.music())

    def _present(self) -> list[Leg]:
        return [leg for leg in self.guests if leg.state is LegState.UP]

    def _record(self, conference: Conference, has_speakers: bool) -> None:
        """With somebody who takes part, the callee's channel is all that the caller hears."""
        if not self._is_recorded or self._pair is None or self._bridge is None:
            return
        caller = self._pair[0].port
        mix = conference.mix_for(caller) if has_speakers and caller in conference.ports else None
        if mix is self._recorded_mix:
            return
        self._recorded_mix = mix
        clock = asyncio.get_running_loop().time
        self._call.recorder.follow(self._bridge if mix is None else Bridge(caller, mix, clock))

    # The clock.

    def _start(self) -> Conference:
        loop = asyncio.get_running_loop()
        self._conference = conference = Conference(loop.time)
        self._due = loop.time()
        self._schedule()
        return conference

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._conference is not None:
            self._conference.close()
            self._conference = None
            if self._recorded_mix is not None and self._bridge is not None:
                self._call.recorder.follow(self._bridge)
            self._recorded_mix = None

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        self._due += FRAME_SECONDS
        if loop.time() - self._due > _MOST_TICKS_BEHIND * FRAME_SECONDS:
            self._due = loop.time()
        self._timer = loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        now = asyncio.get_running_loop().time()
        self._call.exchange.note_lateness(now - self._due)
        self._schedule()
        if self._conference is not None:
            self._conference.tick(now)
