"""People of a small shop and its customers, who do at random what people do; each of them holds fake legs.

What they have lived through is kept leg by leg, and is all that whoever judges their days knows of them: nothing is
learned from what the gateway tells.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from gateway.events import PhoneRegistered
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg, LegState
from gateway.telephony.line import LineState
from tests.fakes.direct_store import BEGAN
from tests.fakes.exchange import FakeLine, Scene
from tests.fakes.legs import FakeLeg

DUTY, MANAGER_MOBILE = "+79039990001", "+79039990002"
WITHHELD = ""
FRAMES_AT_ONCE = 20


@dataclass(slots=True, eq=False)
class Held:
    """A leg as whoever is at its far end has lived through it; moments are the loop's seconds."""

    leg: FakeLeg
    who: str
    """An extension or a number."""
    began: float
    up_at: float | None = None
    ended_at: float | None = None
    takes_by_key: bool = False
    """Who answers is there only after the key."""
    taken_at: float | None = None


@dataclass(slots=True)
class Lived:
    """Everything that everybody has lived through."""

    held: list[Held] = field(default_factory=list)
    closed: list[tuple[str, float]] = field(default_factory=list)
    """Whom somebody has taken off the list of missed ones, and when: a number, or the call of who showed none."""

    def hold(self, leg: FakeLeg, who: str, *, takes_by_key: bool = False) -> Held:
        """Somebody holds a leg from now on."""
        loop = asyncio.get_running_loop()
        held = Held(leg, who, loop.time(), takes_by_key=takes_by_key)
        leg.fake_port.frames_at_once = FRAMES_AT_ONCE
        self.held.append(held)

        def changed(_leg: Leg) -> None:
            if leg.state is LegState.UP:
                held.up_at = held.up_at or loop.time()
                held.taken_at = held.taken_at or (None if takes_by_key else held.up_at)
            elif leg.state is LegState.ENDED:
                held.ended_at = held.ended_at or loop.time()

        leg.on_change(changed)
        if leg.state is not LegState.NEW:
            changed(leg)
        return held

    def talks(self, held: Held) -> bool:
        """Somebody else is at the other end of this leg now."""
        call_id = held.leg.call_id
        return held.up_at is not None and any(
            other is not held and other.leg.call_id == call_id and other.taken_at is not None and other.ended_at is None
            for other in self.held[-60:]
        )


class People:
    """Who works there, who calls there, and whoever has duty; everything by chance of `dice`."""

    def __init__(self, s: Scene, dice: random.Random, customers: tuple[str, ...]) -> None:
        self.s = s
        self.dice = dice
        self.lived = Lived()
        self.customers = customers
        self.is_over = False
        """Nobody begins anything new."""
        self._busy: dict[str, Held] = {}
        """Who is in a call now."""
        s.phones.on_dial = self._phone_rings
        for line in s.lines.values():
            line.on_dial = partial(self._line_dials, line)
        for trunk in s.trunks.values():
            trunk.on_dial = self._rings_outside

    # Customers.

    def customer_calls(self, number: str) -> None:
        """A customer, or somebody who withholds the number, calls by some way; who finds a SIM busy calls in vain."""
        if self.is_over or self._is_busy(number):
            return
        way = self.dice.choices(("provider", "free", "red", "blue"), (5, 2, 2, 2))[0]
        if way in self.s.lines:
            line = self.s.lines[way]
            if line.state is not LineState.READY:
                return
            leg = self.s.call_to_line(way, number)
            self._free_at_the_end(line, leg)
        else:
            leg = self.s.call_to_trunk(way, number, self.s.shop.trunk(way).number or "")  # type: ignore[union-attr]  # it stands there
        held = self.lived.hold(leg, number)
        self._takes_part(held)
        self._later(self._patience(), lambda: self._tires(held))
        if self.dice.random() < 0.5:
            for _ in range(self.dice.randrange(1, 8)):
                keys = self.dice.choices(("1", "#", "102#", "7"), (8, 1, 1, 1))[0]
                self._later(self.dice.uniform(0, 90), partial(self._presses, held, keys))
        if number and self.dice.random() < 0.3:
            self._later(self.dice.uniform(20, 1500), lambda: self.customer_calls(number))

    def _patience(self) -> float:
        return self.dice.expovariate(1 / self.dice.choice((2, 20, 60, 200)))

    def _tires(self, held: Held) -> None:
        """Who waits gives up; who talks comes to the end of the talk."""
        if held.ended_at is not None:
            return
        if self.lived.talks(held) and self.dice.random() < 0.9:
            self._later(self._talk_seconds(), lambda: self._hangs_up(held))
        else:
            self._hangs_up(held)

    # Employees.

    def strikes_off(self, whom: str) -> None:
        """Somebody has said that nobody need call this customer back, or the caller of this call."""
        self.lived.closed.append((whom, self._now()))

    def comes(self, extension: str) -> None:
        """The phone is there again."""
        self.s.phones.away.discard(extension)
        self.s.bus.publish(
            PhoneRegistered(extension=extension, contact="sip:phone", user_agent="", expires_seconds=3600)
        )

    def leaves(self, extension: str) -> None:
        """The phone is signed off; a call that runs goes on."""
        self.s.phones.away.add(extension)

    def employee_dials(self, extension: str, text: str) -> None:
        """An employee calls a number, a colleague, or a feature code."""
        if self.is_over or extension in self.s.phones.away or self._is_busy(extension):
            return
        held = self.lived.hold(self.s.call_from_phone(extension, text), extension)
        self._takes_part(held)
        self._later(self.dice.uniform(3, 60), lambda: self._tires(held))

    def _phone_rings(self, leg: FakeLeg) -> None:
        held = self.lived.hold(leg, leg.peer)
        if leg.state is LegState.ENDED:
            return
        if self._is_busy(leg.peer) and self.dice.random() < 0.8:
            self._later(0.05, lambda: self._hangs_up(held, Cause.BUSY))
            return
        self._later(0.1, lambda: self._hears_ring(held))
        what = self.dice.random()
        if what < 0.55:
            self._later(self.dice.uniform(0.5, 30), lambda: self._picks_up(held))
        elif what < 0.65:
            self._later(self.dice.uniform(0.5, 10), lambda: self._hangs_up(held, Cause.REJECTED))

    # Outside parties.

    def _line_dials(self, line: FakeLine, leg: FakeLeg) -> None:
        line.state = LineState.BUSY
        self._free_at_the_end(line, leg)
        self._rings_outside(leg)

    def _rings_outside(self, leg: FakeLeg) -> None:
        number = leg.peer
        held = self.lived.hold(leg, number, takes_by_key=number == DUTY and self.s.shop.reception.night_confirms)
        if self._is_busy(number):
            self._later(1, lambda: self._hangs_up(held, Cause.BUSY))
            return
        what = self.dice.random()
        failure = self.dice.choice((Cause.NETWORK_LOST, Cause.MODEM_LOST, Cause.CONGESTION, Cause.UNREACHABLE))
        if what < 0.08:
            self._later(self.dice.uniform(0.1, 8), lambda: self._hangs_up(held, failure))
            return
        self._later(1, lambda: self._hears_ring(held))
        if what < 0.65:
            self._later(self.dice.uniform(2, 25), lambda: self._picks_up(held))
            if number == DUTY:
                self._later(self.dice.uniform(5, 35), lambda: self._presses(held, "1"))
        elif what < 0.8:
            cause = self.dice.choice((Cause.BUSY, Cause.REJECTED))
            self._later(self.dice.uniform(1, 20), lambda: self._hangs_up(held, cause))

    # What anybody does with a leg.

    def _hears_ring(self, held: Held) -> None:
        if held.leg.state is LegState.NEW:
            held.leg.rings()

    def _picks_up(self, held: Held) -> None:
        if held.ended_at is not None or self._is_busy(held.who):
            return
        self._takes_part(held)
        held.leg.answers()
        self._later(self.dice.uniform(0.5, 60), lambda: self._tires(held))

    def _presses(self, held: Held, keys: str) -> None:
        if held.ended_at is None and held.up_at is not None:
            if held.takes_by_key and keys == "1":
                held.taken_at = held.taken_at or self._now()
            held.leg.presses(keys)

    def _hangs_up(self, held: Held, cause: Cause = Cause.HUNG_UP) -> None:
        if held.ended_at is None:
            held.leg.hangs_up(cause)

    def _takes_part(self, held: Held) -> None:
        if held.who:
            self._busy[held.who] = held

    def _is_busy(self, who: str) -> bool:
        held = self._busy.get(who)
        return held is not None and held.ended_at is None

    def _free_at_the_end(self, line: FakeLine, leg: FakeLeg) -> None:
        def is_free() -> None:
            if line.state is LineState.BUSY:
                line.state = LineState.READY

        def changed(_leg: Leg) -> None:
            if leg.state is LegState.ENDED:
                self._later(1.0, is_free)

        leg.on_change(changed)

    def _talk_seconds(self) -> float:
        return min(self.dice.expovariate(1 / 60), 300.0)

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, what)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def moment(loop_time: float) -> datetime:
    """The wall clock's at a moment of the loop."""
    return BEGAN + timedelta(seconds=loop_time - 1000.0)
