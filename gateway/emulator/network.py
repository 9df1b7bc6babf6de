"""The mobile network behind the modems: who can be called, and what happens then."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.emulator.mobile_call import EndedBy, MobileCall
from gateway.emulator.progress import CallState
from gateway.emulator.sms_centre import SmsCentre
from gateway.emulator.subscriber import Subscriber, WhenCalled


class NetworkModem(Protocol):
    """What the network needs of a modem."""

    @property
    def number(self) -> str:
        """The SIM's number."""

    @property
    def is_registered(self) -> bool:
        """It can be called and can call."""

    def call_moved(self, call: MobileCall) -> None:
        """See ModemSide."""

    def offer(self, call: MobileCall) -> bool:
        """Ring for an incoming call; False when the modem is busy."""

    def key_pressed(self, digit: str) -> None:
        """The far end has pressed a key (for families that report it)."""

    def take_message(self, pdu: str) -> bool:
        """An SMS-DELIVER or STATUS-REPORT; False when the SIM has no room now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How quick the network is, in seconds."""

    alert: float = 0.3
    """From ATD to ringing at the far end (or its refusal)."""
    page: float = 0.2
    """From a subscriber's call to RING at the modem."""
    patience: float = 45.0
    """How long it lets a phone ring before the call ends with cause 19."""
    message: float = 0.1
    """How long an SMS travels."""
    ussd: float = 0.5


class Network:
    """Subscribers and modems, and the calls between them. All of it lives on one event loop."""

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self.subscribers: dict[str, Subscriber] = {}
        self.modems: list[NetworkModem] = []
        self.calls: dict[str, MobileCall] = {}
        self.ussd: dict[str, str] = {"*100#": "Баланс 123.45 р.", "*111#": "Balance: 123.45 RUB"}
        """What is answered to which code."""
        self.messages = SmsCentre(self)
        self._ids = itertools.count(1)
        self._timers: set[asyncio.TimerHandle] = set()

    def add(self, subscriber: Subscriber) -> Subscriber:
        """Let a number exist; one that exists is replaced."""
        subscriber.key_heard = self._key_heard
        self.subscribers[subscriber.number] = subscriber
        return subscriber

    def modem_with(self, number: str) -> NetworkModem | None:
        """The modem whose SIM has this number."""
        return next((modem for modem in self.modems if modem.number == number), None)

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Do it in a while, unless the network is closed by then."""

        def run() -> None:
            self._timers.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(timer)

    def dial(self, modem: NetworkModem, number: str) -> MobileCall:
        """A modem calls `number`."""
        call = self._new_call(modem, number, from_modem=True)
        self.later(self.pace.alert, lambda: self._reach(call))
        return call

    def call_modem(self, number: str, sim_number: str, *, shows_number: bool = True) -> MobileCall:
        """A subscriber calls a SIM; returns at once. LookupError when there is no such subscriber or SIM."""
        subscriber = self.subscribers[number]
        modem = self.modem_with(sim_number)
        if modem is None:
            raise LookupError(f"No SIM has the number {sim_number}.")
        call = self._new_call(modem, number if shows_number else "", from_modem=False)
        subscriber.calls_out(call)
        self.later(self.pace.page, lambda: self._page(modem, call))
        return call

    def answered_by_modem(self, call: MobileCall) -> None:
        """ATA: the subscriber who calls is through."""
        subscriber = self._owner(call)
        if subscriber is not None:
            subscriber.was_answered(call)
        call.answer()

    def close(self) -> None:
        """End all calls; nothing happens by itself any more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for subscriber in self.subscribers.values():
            subscriber.forget_timers()
        for call in self.calls.values():
            call.end(EndedBy.NETWORK, 41)

    def _new_call(self, modem: NetworkModem, number: str, *, from_modem: bool) -> MobileCall:
        call = MobileCall(f"c{next(self._ids)}", modem, number, from_modem)
        self.calls[call.id] = call
        return call

    def _reach(self, call: MobileCall) -> None:
        if call.state is CallState.ENDED:
            return
        subscriber = self.subscribers.get(call.number)
        if subscriber is None:
            call.end(EndedBy.NETWORK, 1)
            return
        if subscriber.call is not None and subscriber.habits.when_called is not WhenCalled.OFF:
            subscriber.calls.append(call)
            call.end(EndedBy.NETWORK, 17)
            return
        subscriber.is_called(call)
        self.later(self.pace.patience, lambda: self._give_up(call))

    def _page(self, modem: NetworkModem, call: MobileCall) -> None:
        if call.state is CallState.ENDED:
            return
        if not modem.is_registered:
            call.end(EndedBy.NETWORK, 20)
        elif modem.offer(call):
            call.ring()
            self.later(self.pace.patience, lambda: self._give_up(call))
        else:
            call.end(EndedBy.NETWORK, 17)

    def _give_up(self, call: MobileCall) -> None:
        if call.state is CallState.RINGING:
            call.end(EndedBy.NETWORK, 19)

    def _owner(self, call: MobileCall) -> Subscriber | None:
        return next((each for each in self.subscribers.values() if call in each.calls), None)

    def _key_heard(self, call: MobileCall, digit: str) -> None:
        modem = next((each for each in self.modems if each is call.modem), None)
        if modem is not None and call.state is CallState.ACTIVE:
            modem.key_pressed(digit)
