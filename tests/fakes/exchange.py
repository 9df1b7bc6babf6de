"""An exchange of fakes, and the scene in which flows are played in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway import flows
from gateway.audio.bridge import Bridge
from gateway.audio.frame import SILENCE, Frame
from gateway.audio.port import FrameSource
from gateway.errors import NoFreeLine, PromptUnusable, StoreError
from gateway.events import CallEnded, Event, EventBus, Published
from gateway.store.blocked import StoredBlocked
from gateway.store.call_backs import StoredCallBacks
from gateway.store.caller_regions import CallerRegions
from gateway.store.mailboxes import StoredMailboxes
from gateway.store.pauses import StoredPauses
from gateway.store.toll_free import StoredTollFree
from gateway.telephony.call_back_desk import CallBackDesk
from gateway.telephony.causes import Cause
from gateway.telephony.exchange import Exchange
from gateway.telephony.flow import find_flows
from gateway.telephony.forwarding import PhoneChange
from gateway.telephony.ledger import LineMinutes
from gateway.telephony.leg import Direction, Leg, LegState
from gateway.telephony.line import Caller, LineState
from gateway.telephony.numbers import Dialable
from gateway.telephony.on_duty import OnDuty
from gateway.telephony.orders import Order, alive
from gateway.telephony.shop import Shop
from gateway.telephony.switchboard import Switchboard
from gateway.telephony.waiting_line import WaitingLine
from tests.fakes.contacts import FakePeople
from tests.fakes.direct_store import loop_clock, memory_writer
from tests.fakes.legs import FakeLeg
from tests.fakes.order_desk import FakeOrderDesk
from tests.fakes.orders import pin_entry_in_memory

PROMPT_FRAMES = 50
"""Every fake prompt lasts one second."""


class FakePrompt:
    """One second of silence that knows its key."""

    def __init__(self, key: str, seconds: float = 1.0) -> None:
        self.key = key
        self._left = round(seconds * PROMPT_FRAMES)

    def next_frame(self) -> Frame | None:
        self._left -= 1
        return SILENCE if self._left >= 0 else None


def _unseen(_leg: FakeLeg) -> None:
    """Nobody looks."""


class FakeLine:
    """A SIM that carries one fake call."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = LineState.READY
        self.can_speak = True
        self.operator = ""
        self.signal_dbm: int | None = None
        self.legs: list[FakeLeg] = []
        self.dialled: list[tuple[str, str | None]] = []
        self.on_dial: Callable[[FakeLeg], None] = _unseen

    def dial(self, number: Dialable, *, call_id: str, extension: str | None) -> Leg:
        limited = (LineState.SEARCHING, LineState.ROAMING)
        if self.state is not LineState.READY and not (number.emergency and self.state in limited):
            raise NoFreeLine(f"The line {self.name} is {self.state}.")
        self.dialled.append((number.digits, extension))
        leg = FakeLeg(direction=Direction.OUTGOING, peer=number.digits, line=self.name)
        self.legs.append(leg)
        self.on_dial(leg)
        return leg


class FakeTrunk:
    """A provider that carries fake calls."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_usable = True
        self.has_room = True
        self.legs: list[FakeLeg] = []
        self.dialled: list[tuple[str, str | None]] = []
        self.on_dial: Callable[[FakeLeg], None] = _unseen

    def dial(self, number: Dialable, *, caller_id: str, call_id: str, extension: str | None) -> Leg:
        if not self.is_usable:
            raise NoFreeLine(f"The trunk {self.name} is away.")
        self.dialled.append((number.digits, extension))
        leg = FakeLeg(direction=Direction.OUTGOING, peer=number.digits, line=self.name)
        self.legs.append(leg)
        self.on_dial(leg)
        return leg


class FakePhones:
    """Phones of the shop: all are registered but those in `away`."""

    def __init__(self) -> None:
        self.legs: dict[str, list[FakeLeg]] = {}
        self.away: set[str] = set()
        self.on_dial: Callable[[FakeLeg], None] = _unseen

    def is_reachable(self, extension: str) -> bool:
        return extension not in self.away

    def ringing(self) -> set[str]:
        """Those that ring now."""
        waiting = (LegState.NEW, LegState.RINGING)
        return {each for each, legs in self.legs.items() if any(leg.state in waiting for leg in legs)}

    def answer(self, extension: str) -> FakeLeg:
        """Somebody picks up the phone that was rung last under that number."""
        leg = self.legs[extension][-1]
        leg.answers()
        return leg

    def dial(self, extension: str, *, caller: Caller) -> Leg:
        leg = FakeLeg(direction=Direction.OUTGOING, peer=extension)
        leg.display_name = caller.name
        self.legs.setdefault(extension, []).append(leg)
        if extension in self.away:
            leg.hangs_up(Cause.UNREACHABLE)
        self.on_dial(leg)
        return leg


class FakeRecording:
    def __init__(self) -> None:
        self.runs = True
        self.keeps = True
        self.bridges = 1
        self.is_paused_for_card = False

    def follow(self, bridge: Bridge) -> None:
        self.bridges += 1
        self.keeps = True

    def pause(self) -> None:
        self.keeps = False

    def resume(self) -> None:
        self.keeps = True

    def pause_for_card(self) -> None:
        self.is_paused_for_card = True

    def resume_after_card(self) -> None:
        self.is_paused_for_card = False

    def stop(self) -> None:
        self.runs = False


class FakeRecordings:
    def __init__(self) -> None:
        self.made: list[FakeRecording] = []

    def begin(self, *, call_id: str, bridge: Bridge) -> FakeRecording:
        recording = FakeRecording()
        self.made.append(recording)
        return recording


class Scene:
    """The exchange with fakes at every end."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.bus = EventBus(self.clock)
        self.events: list[Event] = []
        self.set_by = timedelta(0)
        self.prompt_seconds: dict[str, float] = {}
        """Of those that last longer than the one second."""
        self.writer = memory_writer()
        self.bus.subscribe(self._note)
        self.lines = {line.name: FakeLine(line.name) for line in shop.lines}
        self.trunks = {trunk.name: FakeTrunk(trunk.name) for trunk in shop.trunks}
        self.pbx_accounts = {account.name: FakeTrunk(account.name) for account in shop.pbx_accounts}
        self.phones = FakePhones()
        self.recordings = FakeRecordings()
        self.pin_entry = pin_entry_in_memory(lambda: self.shop, clock=loop_clock, publish=self.bus.publish)
        self.call_backs = CallBackDesk(
            StoredCallBacks(self.writer, gateway_id="g", clock=self.clock),
            publish=self.bus.publish,
            clock=self.clock,
        )
        self.bus.subscribe(self.call_backs.follow)
        self.duty = OnDuty(
            StoredPauses(self.writer, gateway_id="g", clock=self.clock),
            shop=lambda: self.shop,
            publish=self.bus.publish,
            clock=self.clock,
        )
        self.bus.subscribe(self.duty.follow)
        self.line_up = WaitingLine()
        self.bus.subscribe(self.line_up.follow)
        self.mailboxes = StoredMailboxes(self.writer, gateway_id="g", clock=self.clock, publish=self.bus.publish)
        self.bus.subscribe(self.mailboxes.follow)
        self.sounds: dict[str, bytes] = {}
        """What was said in recordings, by their ids: samples."""
        self.toll_free = StoredTollFree(
            self.writer, gateway_id="g", shop=lambda: self.shop, clock=self.clock, publish=self.bus.publish
        )
        self.bus.subscribe(self.toll_free)
        self.prompts_played: list[str] = []
        self.prompts_kept: dict[str, NDArray[np.int16]] = {}
        self.orders: list[Order] = []
        self.order_desk = FakeOrderDesk()
        self.people = FakePeople()
        self.blocked = StoredBlocked(self.writer, gateway_id="g", shop=lambda: self.shop, clock=self.clock)
        self.texts: list[tuple[str, str, str]] = []
        """SMS that were promised: to whom, what, by whom."""
        self.call_backs_later: list[tuple[str, Order, str]] = []
        """Couriers who are promised to be rung back: extension, order, the customer's call."""
        self.minutes: dict[str, LineMinutes] = {}
        self.is_overloaded = False
        self.mix_lateness: list[float] = []
        """Seconds, tick by tick."""
        self.switchboard = Switchboard(lambda: self.is_overloaded, drain_seconds=5)
        self.exchange = Exchange(
            shop=lambda: self.shop,
            lines=self.lines,
            trunks=self.trunks,
            pbx_accounts=self.pbx_accounts,
            phones=self.phones,
            prompts=self._prompt,
            recordings=self.recordings,
            publish=self.bus.publish,
            pin_entry=self.pin_entry,
            order_desk=self.order_desk,
            people=self.people,
            is_blocked=self.blocked.is_blocked,
            region_of=CallerRegions(Path("/nonexistent"), lambda: self.shop).region_of,
            toll_free=self.toll_free,
            promises=self.call_backs,
            duty=self.duty,
            line_up=self.line_up,
            mailboxes=self.mailboxes,
            sound_of=self._sound,
            clock=self.clock,
            minutes_of=lambda line: self.minutes.get(line, LineMinutes()),
            change_phone=self._change_phone,
            keep_prompt=self._keep_prompt,
            bring_in=lambda call_id, extension, role, by: self.switchboard.bring_in(call_id, extension, role, by=by),
            calls=self.switchboard.calls,
            call_back=self.switchboard.call_back,
            call_back_later=lambda *wish: self.call_backs_later.append(wish),
            orders=lambda: alive(self.orders, loop_clock(), timedelta(minutes=self.shop.orders.grace_minutes)),
            orders_at=lambda at: alive(self.orders, at, timedelta(minutes=self.shop.orders.grace_minutes)),
            send_text=lambda number, text, by: self.texts.append((number, text, by)),
            note_lateness=self.mix_lateness.append,
        )
        self.switchboard.connect(self.exchange)
        self.call_backs.connect(self.exchange, self.switchboard.place)

    def clock(self) -> datetime:
        """The wall clock, which a test may set by `set_by`."""
        return loop_clock() + self.set_by

    def _note(self, published: Published) -> None:
        self.events.append(published.event)

    async def _sound(self, recording_id: str) -> bytes:
        if recording_id not in self.sounds:
            raise StoreError(f"There is no recording {recording_id}.")
        return self.sounds[recording_id]

    async def _change_phone(self, extension: str, change: PhoneChange) -> None:
        phones = (change.applied(each) if each.extension == extension else each for each in self.shop.phones)
        self.shop = replace(self.shop, phones=tuple(phones))

    async def _keep_prompt(self, key: str, samples: bytes) -> None:
        if not any(samples):
            raise PromptUnusable("The file is silent.")
        self.prompts_kept[key] = np.frombuffer(samples, dtype="<i2")

    def _prompt(self, key: str) -> FrameSource:
        self.prompts_played.append(key)
        return FakePrompt(key, self.prompt_seconds.get(key, 1.0))

    def call_from_phone(self, extension: str, called: str) -> FakeLeg:
        """A phone of the shop dials."""
        leg = FakeLeg(direction=Direction.INCOMING, peer=extension, called=called)
        self.switchboard.incoming(leg)
        return leg

    def call_to_line(self, line: str, caller: str) -> FakeLeg:
        """Somebody calls a SIM."""
        leg = FakeLeg(direction=Direction.INCOMING, peer=caller, called=line, line=line)
        self.lines[line].state = LineState.BUSY
        self.switchboard.incoming(leg)
        return leg

    def call_to_trunk(self, trunk: str, caller: str, number: str) -> FakeLeg:
        """Somebody calls the shop's number at a provider."""
        leg = FakeLeg(direction=Direction.INCOMING, peer=caller, called=number, line=trunk)
        self.switchboard.incoming(leg)
        return leg

    async def after(self, seconds: float) -> None:
        """Let time go by."""
        await asyncio.sleep(seconds)

    def all_legs(self) -> list[FakeLeg]:
        """Every leg that was made on our order."""
        dialled = [leg for line in self.lines.values() for leg in line.legs]
        dialled += [leg for trunk in (*self.trunks.values(), *self.pbx_accounts.values()) for leg in trunk.legs]
        return dialled + [leg for legs in self.phones.legs.values() for leg in legs]

    def ended(self) -> CallEnded:
        """The record of the only call."""
        (record,) = [event for event in self.events if isinstance(event, CallEnded)]
        return record

    def check_nothing_left(self) -> None:
        """No leg rings or talks, no recording runs, no call is known."""
        assert [leg for leg in self.all_legs() if leg.state is not LegState.ENDED] == []
        assert [recording for recording in self.recordings.made if recording.runs] == []
        assert self.switchboard.calls() == []


@asynccontextmanager
async def scene(shop: Shop) -> AsyncIterator[Scene]:
    """A scene that must leave nothing behind."""
    find_flows(flows)
    playing = Scene(shop)
    async with playing.switchboard, playing.call_backs:
        yield playing
    playing.duty.close()
    playing.check_nothing_left()
