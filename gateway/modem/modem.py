"""A modem and what is known of it: its state, its facts, and what may be asked of it at this moment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.audio.device_clock import Steadiness
from gateway.clock import WallClock
from gateway.errors import NoFreeLine
from gateway.events import AlertCleared, AlertRaised, ModemChanged, ModemRemoved, Publish
from gateway.modem.calls import ModemCalls
from gateway.modem.channel import Answer
from gateway.modem.commands import Command
from gateway.modem.dialect import ModemDialect
from gateway.modem.gsm_leg import GsmLeg
from gateway.modem.messages import SimMessages
from gateway.modem.pin_files import PinFiles
from gateway.modem.restart import RestartBell
from gateway.modem.rounds import Rounds
from gateway.modem.stagger import Stagger
from gateway.modem.usb_power import UsbPower
from gateway.modem.ussd import Ussd
from gateway.settings import ModemSettings
from gateway.telephony.ledger import Budget, Inbox, PinTries
from gateway.telephony.line import Incoming, LineState
from gateway.telephony.numbers import Dialable
from gateway.telephony.shop import LineSettings, ShopView
from gateway.telephony.trace import Traces

log = logging.getLogger(__name__)


class ModemState(StrEnum):
    """The life of a modem. Every state but READY and the waiting ones has a deadline."""

    ABSENT = "absent"
    OPENING = "opening"
    IDENTIFYING = "identifying"
    NO_SIM = "no-sim"
    LOCKED = "locked"
    SEARCHING = "searching"
    READY = "ready"
    FAULTY = "faulty"
    LOST = "lost"


_LINE_STATES = {
    ModemState.ABSENT: LineState.ABSENT,
    ModemState.OPENING: LineState.STARTING,
    ModemState.IDENTIFYING: LineState.STARTING,
    ModemState.NO_SIM: LineState.NO_SIM,
    ModemState.LOCKED: LineState.LOCKED,
    ModemState.SEARCHING: LineState.SEARCHING,
    ModemState.READY: LineState.READY,
    ModemState.FAULTY: LineState.FAULTY,
    ModemState.LOST: LineState.ABSENT,
}

ROAMING_BARRED = "roaming-barred"
"""The reason of a READY modem whose line may not call where it is now."""

SILENT = "modem-silent"
"""The reason of a FAULTY modem that has not finished a long command: it may hang, or the network is slow."""

RESTARTING = "modem-restarting"
"""The reason of a FAULTY modem that a person has restarted."""

_WHY_NOT = {
    LineState.READY: "it has just stopped being served.",
    LineState.BUSY: "it is in a call.",
    LineState.SEARCHING: "no network has taken its SIM card.",
    LineState.ROAMING: "it is in a foreign network, and roaming is not allowed for it.",
    LineState.NO_SIM: "there is no SIM card in its modem.",
    LineState.LOCKED: "its SIM card wants a PIN.",
    LineState.STARTING: "its modem is starting.",
    LineState.FAULTY: "its modem misbehaves and is being recovered.",
    LineState.ABSENT: "its modem is not plugged in.",
}

_LIMITED = frozenset({LineState.SEARCHING, LineState.ROAMING})
_ALARMING = frozenset({ModemState.ABSENT, ModemState.NO_SIM, ModemState.LOCKED, ModemState.FAULTY, ModemState.LOST})
_DAY = timedelta(days=1)
_MOST_STARTS = 1_000
_SERVED = frozenset({ModemState.READY, ModemState.SEARCHING})
_NO_VOICE = "no-voice"
_WORTH_AN_ALERT = frozenset({"registration-denied", ROAMING_BARRED})
"""Reasons of a modem that is served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the daemon gives to every modem."""

    shop: ShopView
    publish: Publish
    incoming: Incoming
    budget: Budget
    inbox: Inbox
    pin_tries: PinTries
    normalise: Callable[[str], str]
    """Makes E.164 of a number as the network gave it; what it does not know stays as it is."""
    clock: WallClock
    steadiness: Steadiness = field(default_factory=Steadiness)
    """How steady this machine is: one for all voice ports."""
    stagger: Stagger = field(default_factory=Stagger)
    """Whose turn it is to be opened: one for all modems."""
    power: UsbPower | None = None
    """Switches the power of a USB socket off and on again; None: nobody may."""
    traces: Traces | None = None
    """Where the dialogues with the modems are kept for a while."""
    pins: PinFiles | None = None
    """The PINs that people have given in the panel; None: nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModemFacts:
    """What was learned of a modem and its SIM; None: not yet."""

    usb_path: str | None = None
    usb_device: str | None = None
    family: str | None = None
    maker: str | None = None
    model: str | None = None
    firmware: str | None = None
    imei: str | None = None
    imsi: str | None = None
    iccid: str | None = None
    own_number: str | None = None
    operator: str | None = None
    registration: str | None = None
    creg: str | None = None
    cereg: str | None = None
    technology: str | None = None
    signal_dbm: int | None = None
    voice: bool | None = None
    voice_problem: str | None = None
    """Why it has no voice: a code of the error catalogue."""
    sim: str | None = None
    """"ready", "absent", or what the SIM wants, as +CPIN has it: "sim pin", "sim puk"."""
    pin_tries: int | None = None
    port_holder: str | None = None
    """The other program that has the port: "ModemManager (812)"."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a modem that is being served can do."""

    calls: ModemCalls
    messages: SimMessages
    ussd: Ussd


@dataclass(frozen=True, slots=True)
class Access:
    """What a person may have of a modem whose port is open and whose family is known."""

    ask: Callable[[Command], Awaitable[Answer]]
    """Raises AtRefused, AtTimeout, ModemLost."""
    dialect: ModemDialect
    enter_pin: Callable[[str, bool], Awaitable[None]]
    """As SimDoor.enter: the PIN, and whether the last try may be used."""


class Modem:
    """One configured modem. The supervisor and the session tell it what they find; lines ask it for calls."""

    def __init__(self, settings: ModemSettings, outside: Outside) -> None:
        self.settings = settings
        self.outside = outside
        self.state = ModemState.ABSENT
        self.reason: str | None = None
        self.facts = ModemFacts()
        self.service: Abilities | None = None
        """None unless the modem is served."""
        self.access: Access | None = None
        """None while its port is not open."""
        self.bell = RestartBell()
        self.rounds = Rounds()
        self.settled = asyncio.Event()
        """Set once it is served, or known why not."""
        self.served_since: list[datetime] = []
        """The moments of the last day at which it came into service."""
        self._alerts: set[str] = set()
        self._published: ModemChanged | None = None
        self._last_line: str | None = None

    @property
    def name(self) -> str:
        """As in gateway.toml."""
        return self.settings.name

    @property
    def line(self) -> LineSettings | None:
        """The line of the shop that this modem, or the SIM in it, is tied to."""
        for line in self.outside.shop().lines:
            if self.carries(line):
                return line
        return None

    def carries(self, line: LineSettings) -> bool:
        """Whether `line` names this modem, its IMEI or its SIM."""
        if line.modem is not None:
            return line.modem == self.name
        if line.iccid is not None:
            return line.iccid.rstrip("Ff") == self.facts.iccid
        return line.imei is not None and line.imei == self.facts.imei

    @property
    def line_state(self) -> LineState:
        """The state as the exchange wants it: BUSY while there is a call."""
        if self.service is not None and self.service.calls.is_busy:
            return LineState.BUSY
        if self.state is ModemState.READY and self.may_not_roam:
            return LineState.ROAMING
        return _LINE_STATES[self.state]

    @property
    def may_not_roam(self) -> bool:
        """It is in a foreign network, and the owner has not allowed its line to call from there."""
        line = self.line
        return self.facts.registration == "roaming" and line is not None and not line.roaming

    def dial(self, number: Dialable, *, line: str, call_id: str, extension: str | None) -> GsmLeg:
        """Place a call. Raises NoFreeLine unless the line is READY and can speak.

        For an emergency call no network needs to have taken the SIM, and abroad it is placed as well.
        """
        state = self.line_state
        may_call = state is LineState.READY or (number.emergency and state in _LIMITED)
        if self.service is None or not may_call or not self.facts.voice:
            why = "its modem has no voice." if state is LineState.READY else _WHY_NOT[state]
            raise NoFreeLine(f"The line {line} cannot call: {why}", line=line, state=str(state))
        return self.service.calls.dial(number, line=line, call_id=call_id, extension=extension)

    @property
    def is_gone(self) -> bool:
        """It is not plugged in."""
        return self.state in (ModemState.ABSENT, ModemState.LOST)

    @property
    def is_missed(self) -> bool:
        """A line of the shop is tied to it, or was tied to the SIM that it took along."""
        shop = self.outside.shop()
        return self.line is not None or (self._last_line is not None and shop.line(self._last_line) is not None)

    @property
    def sim_key(self) -> str:
        """What stands for the SIM in it: its ICCID, or the modem's IMEI where that cannot be read."""
        return self.facts.iccid or f"imei:{self.facts.imei}"

    @property
    def dialogue_key(self) -> str:
        """By what its dialogue is found in the traces: the line that it carries, or its own name."""
        line = self.line
        return line.name if line is not None else f"modem {self.name}"

    # For the fleet.

    def shop_changed(self) -> None:
        """The owner has edited the shop: which line it carries, and what that line may do, is looked at anew."""
        if self.state is ModemState.READY:
            self.enter(ModemState.READY, ROAMING_BARRED if self.may_not_roam else None)
        self.publish()

    def forgotten(self) -> None:
        """It is no longer there, for nobody."""
        self._clear_alerts(keep=None)
        self.outside.publish(ModemRemoved(modem=self.name))

    # For the supervisor and the session.

    def comes_into_service(self) -> None:
        """Its port was opened, and it has begun to be served: to be noted once for each time."""
        now = self.outside.clock()
        self.served_since = [*(each for each in self.served_since if now - each < _DAY), now][-_MOST_STARTS:]

    def enter(self, state: ModemState, reason: str | None = None) -> None:
        """The one place where the state changes: logs, publishes, raises and clears alerts."""
        if (state, reason) == (self.state, self.reason) and self._published is not None:
            return
        if state is not self.state:
            log.info("Modem %s: %s%s", self.name, state, f" ({reason})" if reason else "")
        self.state = state
        self.reason = reason
        if state is ModemState.IDENTIFYING and self.facts.port_holder is not None:
            self.facts = replace(self.facts, port_holder=None)
        if state in _ALARMING and reason not in (None, SILENT, RESTARTING):
            self._raise_alert(str(reason))
        elif state in _SERVED:
            self._clear_alerts(keep=reason)
            if reason in _WORTH_AN_ALERT:
                self._raise_alert(str(reason))
            if self.facts.voice is False and self.line is not None:
                self._raise_alert(_NO_VOICE)
        if state not in (ModemState.OPENING, ModemState.IDENTIFYING):
            self.settled.set()
        self.publish()

    def learn(self, **facts: str | int | bool | None) -> None:
        """Something was learned of the modem; publishes if it is new."""
        if all(getattr(self.facts, name) == value for name, value in facts.items()):
            return
        self.facts = replace(self.facts, **facts)  # type: ignore[arg-type]  # the names are checked by replace
        if self._published is not None:
            self.publish()

    def forget_sim(self) -> None:
        """The SIM is out, or the modem is gone: what was known of the SIM holds no longer."""
        self.facts = replace(
            self.facts,
            imsi=None, iccid=None, own_number=None, operator=None, registration=None, creg=None, cereg=None,
            technology=None, signal_dbm=None, sim=None, pin_tries=None,
        )  # fmt: skip

    def publish(self) -> None:
        """Publish the whole state, if it differs from what was published last."""
        line = self.line
        self._last_line = line.name if line is not None else self._last_line
        event = ModemChanged(
            modem=self.name,
            line=line.name if line else None,
            state=self.state,
            reason=self.reason,
            port=self.settings.at or None,
            **asdict(self.facts),
        )
        if event != self._published:
            self._published = event
            self.outside.publish(event)

    def _raise_alert(self, code: str) -> None:
        if code not in self._alerts:
            self._alerts.add(code)
            self.outside.publish(
                AlertRaised(code=code, subject=self.name, values={"modem": self.name, "port": self.settings.at})
            )

    def _clear_alerts(self, *, keep: str | None) -> None:
        for code in sorted(self._alerts - {keep, _NO_VOICE if self.facts.voice is False else None}):
            self._alerts.discard(code)
            self.outside.publish(AlertCleared(code=code, subject=self.name))
