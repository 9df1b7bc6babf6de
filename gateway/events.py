"""Everything that happens is an event: frozen facts with past-tense names, and the bus that carries them.

The wire form is derived from the class: `LegEnded` travels as `"leg.ended"`. The bus gives each
event its `seq` and its UTC time. Subscribers are called at once and must not block; who has slow
work to do puts the event into a queue of its own. Calls, money and SMS never depend on an event
reaching the disk (rule 10); events are for records, people and programs that watch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeAlias

from gateway.call_events import (
    CallAnswered,
    CallBackChanged,
    CallBackPromised,
    CallEnded,
    CallQueued,
    CallRouted,
    CallShown,
    CallStarted,
    CallStepped,
    CallTraced,
    CallTransferred,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegRang,
    LegResumed,
    LegSound,
    LegStarted,
    MessageLeft,
    RecordingFinished,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
    TracedLine,
)
from gateway.clock import WallClock, utc_now, wire_time
from gateway.event import Event
from gateway.staff_events import MailboxChanged, StaffChanged

log = logging.getLogger(__name__)

__all__ = [
    "AlertAcknowledged",
    "AlertCleared",
    "AlertRaised",
    "AudioReturned",
    "AudioStopped",
    "BalanceChecked",
    "CallAnswered",
    "CallBackChanged",
    "CallBackPromised",
    "CallEnded",
    "CallQueued",
    "CallRouted",
    "CallShown",
    "CallStarted",
    "CallStepped",
    "CallTraced",
    "CallTransferred",
    "ContactsChanged",
    "Event",
    "EventBus",
    "LegAnswered",
    "LegEnded",
    "LegHeld",
    "LegRang",
    "LegResumed",
    "LegSound",
    "LegStarted",
    "MailboxChanged",
    "MessageLeft",
    "MissedClosed",
    "ModemChanged",
    "ModemRemoved",
    "OrdersChanged",
    "PartyJoined",
    "PartyLeft",
    "PhoneRegistered",
    "PhoneUnregistered",
    "Publish",
    "Published",
    "RecordingFinished",
    "RecordingPaused",
    "RecordingResumed",
    "RecordingStarted",
    "ShopChanged",
    "SmsChanged",
    "SmsReceived",
    "StaffChanged",
    "Subscriber",
    "TracedLine",
    "TrunkChanged",
]
"""Whoever needs an event imports it from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioStopped(Event):
    """One party of a running talk is not heard any more, while it should be.

    `side` is "caller" or "callee", `reason` "nothing-arrives" or "no-signal" (what arrives is digital silence while
    the other party speaks).
    """

    call_id: str
    leg_id: str
    side: str
    peer: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioReturned(Event):
    """The party is heard again, after `seconds`."""

    call_id: str
    leg_id: str
    side: str
    peer: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyJoined(Event):
    """Somebody has joined two who talk, or does something else there now. `by` is the person who ordered it.

    `role` is one of telephony.company.Role: "listen", "whisper" or "speak".
    """

    call_id: str
    leg_id: str
    peer: str
    role: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyLeft(Event):
    """Somebody who had joined has gone."""

    call_id: str
    leg_id: str
    peer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModemChanged(Event):
    """The state of a modem, whole: what was not learned yet is None."""

    modem: str
    line: str | None
    state: str
    reason: str | None
    """A code of the error catalogue when the state is not a good one."""
    family: str | None = None
    model: str | None = None
    firmware: str | None = None
    imei: str | None = None
    imsi: str | None = None
    iccid: str | None = None
    own_number: str | None = None
    operator: str | None = None
    registration: str | None = None
    technology: str | None = None
    signal_dbm: int | None = None
    voice: bool | None = None
    port: str | None = None
    usb_path: str | None = None
    """Its place at the USB bus: "1-1.4"."""
    usb_device: str | None = None
    """What the bus calls it, with its id."""
    maker: str | None = None
    creg: str | None = None
    """Registration for calls (+CREG), and `cereg` that for LTE (+CEREG); `registration` is what both mean together."""
    cereg: str | None = None
    voice_problem: str | None = None
    """A code of the error catalogue when `voice` is false."""
    sim: str | None = None
    """"ready", "absent", or what it wants: "sim pin", "sim puk"."""
    pin_tries: int | None = None
    port_holder: str | None = None
    """Another program that has the port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModemRemoved(Event):
    """A modem that was found by itself has been pulled out, and no line is tied to it: it is forgotten."""

    modem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsReceived(Event):
    """A whole message is in the inbox. `text` is None where it could not be decoded."""

    message_id: str
    line: str
    sender: str | None
    text: str | None
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsChanged(Event):
    """A message of ours is in another state (telephony.messages.MessageState).

    `failure` is a code of the error catalogue where the state is not a good one; `line` is None before one is chosen.
    """

    message_id: str
    line: str | None
    recipient: str
    state: str
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceChecked(Event):
    """The operator was asked for the balance of a line. `value` is None where its answer could not be read."""

    line: str
    value: float | None
    text: str | None
    """What the operator said; None: nothing, and `failure` says why."""
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneRegistered(Event):
    """A phone of ours can be rung. `contact` is where."""

    extension: str
    contact: str
    user_agent: str
    expires_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneUnregistered(Event):
    """A phone of ours is gone: signed off, expired or dead."""

    extension: str
    contact: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkChanged(Event):
    """A SIP provider is in another state than before.

    `state` is one of telephony.line.TrunkState. `reason` says why where it is not a good one: "no-address"
    (its name cannot be looked up, or no network of ours leads there), "no-answer", "wrong-password",
    "forbidden" (403), "not-granted", "too-many-challenges", "bad-answer", "bad-certificate" (TLS: it is not that of the
    host, or nobody whom we trust vouches for it), or "status-" and a SIP status. A courier's account at the PBX is
    told of like a provider, as "pbx " and the extension.
    """

    trunk: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised(Event):
    """Something a person should know. `code` is of the error catalogue; `subject` is what it is about."""

    code: str
    subject: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCleared(Event):
    """The alert of that code and subject is over."""

    code: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAcknowledged(Event):
    """A person has seen the alert of that code and subject; it is not over. `by` is the person's name."""

    code: str
    subject: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopChanged(Event):
    """The owner has changed the shop; `by` is a user's name or "import"."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersChanged(Event):
    """Orders are new or have changed; of many at once only the first fifty numbers are told."""

    numbers: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedClosed(Event):
    """A person has said that nobody need call a missed customer back; without a number, the caller of that call."""

    number: str
    call_id: str = ""
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactsChanged(Event):
    """Contacts are new, have changed or are gone; of many at once only the first fifty ids are told."""

    ids: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class Published:
    """An event with its place in the order of things."""

    seq: int
    time: datetime
    event: Event

    def wire(self) -> dict[str, object]:
        """The JSON form that the stream, webhooks and the journal use."""
        return {
            "seq": self.seq,
            "time": wire_time(self.time),
            "type": self.event.type_name(),
            **asdict(self.event),
        }


Subscriber: TypeAlias = Callable[[Published], None]
Publish: TypeAlias = Callable[[Event], None]
"""What everything that has something to say is given."""


class EventBus:
    """Carries events to subscribers, in order, at once. A subscriber's fault is logged and hurts nobody else."""

    def __init__(self, clock: WallClock = utc_now) -> None:
        self._clock = clock
        self._seq = 0
        self._subscribers: tuple[Subscriber, ...] = ()

    @property
    def seq(self) -> int:
        """The number of the last event."""
        return self._seq

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with every event from now on, until the returned function is called."""
        self._subscribers = (*self._subscribers, subscriber)

        def stop() -> None:
            self._subscribers = tuple(each for each in self._subscribers if each != subscriber)

        return stop

    def publish(self, event: Event) -> None:
        """Number the event and give it to everyone."""
        self._seq += 1
        published = Published(self._seq, self._clock(), event)
        for subscriber in self._subscribers:
            try:
                subscriber(published)
            except Exception:  # one of the few named places (rule 4): a watcher must not hurt what it watches
                log.exception("A subscriber failed on %s", event.type_name())
