"""What a call may reach: the shop, its lines and phones, its prompts, and where recordings go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Protocol, TypeAlias

from gateway.audio.bridge import Bridge
from gateway.audio.hold_music import hold_music
from gateway.audio.port import FrameSource
from gateway.clock import WallClock, utc_now
from gateway.errors import GatewayError, NoFreeLine, StoreError
from gateway.events import Publish
from gateway.telephony.best_line import LineStanding, best_line
from gateway.telephony.causes import Cause
from gateway.telephony.contacts import NobodyKnown, People
from gateway.telephony.forwarding import PhoneChange
from gateway.telephony.ledger import LineMinutes, PinEntry
from gateway.telephony.line import Line, Phones, Trunk
from gateway.telephony.mailboxes import Mailboxes, NoMailboxes, Sound
from gateway.telephony.numbers import Dialable, NumberPolicy
from gateway.telephony.on_duty import Duty, EverybodyOnDuty
from gateway.telephony.order_status import NoOrderDesk, OrderDesk
from gateway.telephony.orders import Order, OrderView
from gateway.telephony.promised import CallBackPromises, NoPromises
from gateway.telephony.proof_guesses import ProofGuesses
from gateway.telephony.russian_regions import Region
from gateway.telephony.shop import PBX_PREFIX, CourierSettings, ShopView
from gateway.telephony.toll_free import NoGuard, TollFree
from gateway.telephony.trace import Traces
from gateway.telephony.waiting_line import WaitingLine
from gateway.telephony.ways import line_passed_over, trunk_passed_over

if TYPE_CHECKING:
    from gateway.telephony.call import Call
    from gateway.telephony.company import Role
    from gateway.telephony.leg import Leg

log = logging.getLogger(__name__)

Prompts: TypeAlias = Callable[[str], FrameSource]
"""A prompt by its key, in the shop's language, from its beginning."""


CallBackVerb: TypeAlias = Callable[[str, Order | None, float], Cause | None]
BringIn: TypeAlias = "Callable[[str, str, Role, str], Cause | None]"
"""The call's id, whom to ring, what that party does, and who wants it."""


class RefusalOf(Protocol):
    """Asks the budget about a paid call that is only thought of."""

    def __call__(self, *, way: str, extension: str | None, number: str, at: datetime) -> GatewayError | None:
        """Why a call by that line or provider to that number would be refused at that moment; None: it would not."""


def _refuse_nothing(*, way: str, extension: str | None, number: str, at: datetime) -> None:
    """Nothing is counted here."""


class CallRecording(Protocol):
    """A recording that runs."""

    def follow(self, bridge: Bridge) -> None:
        """Record the parties of this bridge from now on: somebody else has taken part."""

    def pause(self) -> None:
        """Keep silence, until `resume`: a party is on hold."""

    def resume(self) -> None:
        """Keep what is said."""

    @property
    def is_paused_for_card(self) -> bool:
        """Somebody has asked for silence."""

    def pause_for_card(self) -> None:
        """Keep silence until `resume_after_card`, whatever else happens: somebody asked for it."""

    def resume_after_card(self) -> None:
        """That is over."""

    def stop(self) -> None:
        """Keep nothing more; the file is completed elsewhere, and RecordingFinished follows."""


class Recordings(Protocol):
    """Begins recordings."""

    def begin(self, *, call_id: str, bridge: Bridge) -> CallRecording:
        """Record both parties of the bridge from now on. A disk that fails never touches the call."""


def _send_nothing(number: str, text: str, by: str) -> None:
    """Nothing sends SMS here."""


def _promise_no_call_back(extension: str, order: Order, call_id: str) -> None:
    """Nothing is kept here."""


class _NobodyCounts:
    """Where tries cannot be counted no PIN is looked at."""

    async def begin(self, caller: str) -> None:  # the verb's form
        """No try is let through."""

    async def was_right(self, key: str) -> None:
        """There was none."""


def _call_nobody_back(extension: str, order: Order | None = None, after: float = 0.0) -> Cause:  # noqa: ARG001  # the verb's form
    return Cause.UNREACHABLE


def _bring_in_nobody(call_id: str, extension: str, role: Role, by: str) -> Cause:  # noqa: ARG001  # the verb's form
    return Cause.UNREACHABLE


async def _keep_nothing(extension: str, change: PhoneChange) -> None:
    raise StoreError(f"Nothing keeps the {change.feature} of {extension} here.")


async def _no_sound(recording_id: str) -> bytes:
    raise StoreError(f"Nothing plays the recording {recording_id} here.")


async def _keep_no_prompt(key: str, samples: bytes) -> None:
    raise StoreError(f"Nothing keeps {len(samples)} bytes as {key} here.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The surroundings of every call, built once by the daemon."""

    shop: ShopView
    lines: Mapping[str, Line]
    phones: Phones
    prompts: Prompts
    recordings: Recordings
    publish: Publish
    trunks: Mapping[str, Trunk] = field(default_factory=dict)
    pbx_accounts: Mapping[str, Trunk] = field(default_factory=dict)
    """The couriers' accounts at the PBX, by the names that the shop gives them."""
    change_phone: Callable[[str, PhoneChange], Awaitable[None]] = _keep_nothing
    """Commit a change of the phone with that extension; it counts from the next call on. Raises StoreError."""
    keep_prompt: Callable[[str, bytes], Awaitable[None]] = _keep_no_prompt
    """Use what was dictated (16 bits, little-endian, 8 kHz) in the place of a prompt. Raises PromptUnusable."""
    promises: CallBackPromises = field(default_factory=NoPromises)
    """Promises to call somebody back."""
    duty: Duty = field(default_factory=EverybodyOnDuty)
    """Who takes calls of the queue now."""
    line_up: WaitingLine = field(default_factory=WaitingLine)
    """Those who wait for somebody of the shop."""
    mailboxes: Mailboxes = field(default_factory=NoMailboxes)
    """Messages that callers have left."""
    sound_of: Sound = _no_sound
    """What was said in a recording."""
    clock: WallClock = utc_now
    """The wall clock that hours and promises go by."""
    bring_in: BringIn = _bring_in_nobody
    """Ring a phone of ours that shall join a running call; None: it is being rung, else why not."""
    calls: Callable[[], Sequence[Call]] = field(default=lambda: ())
    """The calls that run now, oldest first."""
    pin_entry: PinEntry = field(default_factory=_NobodyCounts)
    """Counts tries to guess a PIN."""
    call_back: CallBackVerb = _call_nobody_back
    """Ring a courier's registered mobile, in so many seconds; None: it is being done, else why not."""
    call_back_later: Callable[[str, Order, str], None] = _promise_no_call_back
    """Promise, at once and for good, to ring a courier back for an order's customer, whose call has that id."""
    orders: OrderView = field(default=lambda: ())
    """The orders that live now, the one that counts most first."""
    orders_at: Callable[[datetime], Sequence[Order]] = field(default=lambda _moment: ())
    """Those of them that live at another moment."""
    toll_free: TollFree = field(default_factory=NoGuard)
    """Bounds what callers of toll-free numbers cost."""
    order_desk: OrderDesk = field(default_factory=NoOrderDesk)
    """Knows how far orders are."""
    proof_guesses: ProofGuesses = field(default_factory=ProofGuesses)
    """Wrong answers of those who asked for somebody's order."""
    people: People = field(default_factory=NobodyKnown)
    """Those outside whom the shop knows."""
    is_blocked: Callable[[str], bool] = field(default=lambda _number: False)
    """The shop has blocked that number, as the network spells it."""
    region_of: Callable[[str], Region | None] = field(default=lambda _number: None)
    """The region of Russia that a number (E.164) was given out in, if it is known."""
    send_text: Callable[[str, str, str], None] = _send_nothing
    """Promise an SMS, at once and for good: to which number, what, and whose extension is named as its sender."""
    refusal_of: RefusalOf = _refuse_nothing
    """Why the budget would not let such a paid call begin; nothing is counted."""
    minutes_of: Callable[[str], LineMinutes] = field(default=lambda _line: LineMinutes())
    """What the line of that name has used of its minutes, and what it may still use."""
    minutes_of_extension: Callable[[str], LineMinutes] = field(default=lambda _extension: LineMinutes())
    """The same of a phone or a courier, today."""
    traces: Traces = field(default_factory=lambda: Traces(lambda: asyncio.get_running_loop().time()))
    """What the wires say."""
    music: Callable[[], FrameSource] = hold_music
    """What somebody hears who waits."""
    note_lateness: Callable[[float], None] = field(default=lambda _seconds: None)
    """The clock of a mix was so many seconds late."""

    def call_of(self, leg: Leg) -> Call | None:
        """The running call that a leg belongs to."""
        return next((call for call in self.calls() if call.id == leg.call_id), None)

    def policy(self) -> NumberPolicy:
        """The number policy as the owner has set it now."""
        return NumberPolicy(self.shop().numbers)

    def home_of(self, caller: str) -> Region | None:
        """The region that a caller's number, as the network spells it, was given out in, if it is known."""
        return self.region_of(self.policy().normalise(caller) or caller)

    def free_lines(
        self, names: tuple[str, ...], *, besides: str | None, operator: str | None = None, emergency: bool = False
    ) -> Iterator[Line]:
        """The lines of those names (all, when there are none) that can carry a voice call now, the best first.

        Each is judged when its turn comes. `besides` is the line that the caller already occupies: one SIM carries
        one call. `operator` is that of the mobile that is called, if it is known.
        """
        left = [name for name in names or tuple(self.lines) if name != besides]
        while True:
            free = [
                line
                for line in map(self.lines.get, left)
                if line is not None and line_passed_over(line, besides=besides) is None
            ]
            standings = [self._standing(line) for line in free]
            best = best_line(standings, operator=operator or "", is_emergency=emergency)
            if best is None:
                return
            left.remove(best.name)
            yield free[standings.index(best)]

    def _standing(self, line: Line) -> LineStanding:
        settings, minutes = self.shop().line(line.name), self.minutes_of(line.name)
        return LineStanding(
            name=line.name,
            operator=(settings.operator if settings is not None else None) or line.operator,
            minutes_left=minutes.left,
            minutes_used=minutes.used,
            signal_dbm=line.signal_dbm,
        )

    def usable_trunks(self, *, payer: str | None, besides: str | None, emergency: bool = False) -> Iterator[Trunk]:
        """The trunks that can carry a call now, each judged when its turn comes: the payer's account at the PBX first.

        Then those of the shop in their order; never the one the caller came by (`besides`). One without room is
        passed over, unless it is an emergency.
        """
        account = self.pbx_accounts.get(f"{PBX_PREFIX}{payer}")
        for trunk in (*(() if account is None else (account,)), *self.trunks.values()):
            if trunk_passed_over(trunk, besides=besides, emergency=emergency) is None:
                yield trunk

    def ways_outside(
        self,
        number: Dialable,
        *,
        call_id: str,
        payer: str | None,
        besides_line: str | None = None,
        besides_trunk: str | None = None,
        first: str = "",
    ) -> Iterator[Leg]:
        """New legs to a number, each dialled when it is asked for, by the next way that can carry a call now.

        The line of the name `first`, the payer's account at the PBX, the trunks, the SIM lines. A way that is gone
        when its turn comes is passed over.
        """
        known = self.free_lines((first,), besides=besides_line) if first else ()
        others = (line for line in self.free_lines((), besides=besides_line) if line.name != first)
        by_line = partial(_by_line, number, call_id, payer)
        by_trunk = partial(_by_trunk, number, call_id, payer)
        trunks = self.usable_trunks(payer=payer, besides=besides_trunk)
        for leg in chain(map(by_line, known), map(by_trunk, trunks), map(by_line, others)):
            if leg is not None:
                yield leg

    def has_way_outside(self, *, payer: str | None) -> bool:
        """A trunk or a SIM line can carry a call to a number now."""
        ways = chain(self.usable_trunks(payer=payer, besides=None), self.free_lines((), besides=None))
        return next(ways, None) is not None

    def can_join(self, courier: CourierSettings) -> bool:
        """A line can carry the courier's mobile now, and another way the customer."""
        line = next(self.free_lines(courier.lines, besides=None, operator=courier.operator), None)
        if line is None:
            return False
        trunks = self.usable_trunks(payer=courier.extension, besides=None)
        return next(chain(trunks, self.free_lines((), besides=line.name)), None) is not None


def _by_line(number: Dialable, call_id: str, payer: str | None, line: Line) -> Leg | None:
    try:
        return line.dial(number, call_id=call_id, extension=payer)
    except NoFreeLine as fault:
        log.info("Another way is tried: %s", fault)
        return None


def _by_trunk(number: Dialable, call_id: str, payer: str | None, trunk: Trunk) -> Leg | None:
    try:
        return trunk.dial(number, caller_id="", call_id=call_id, extension=payer)
    except NoFreeLine as fault:
        log.info("Another way is tried: %s", fault)
        return None
