"""Modems, phones and alerts as they are now, folded from their events into the form of the snapshot."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime

from gateway.clock import wire_time
from gateway.events import (
    AlertAcknowledged,
    AlertCleared,
    AlertRaised,
    Event,
    ModemChanged,
    ModemRemoved,
    PhoneRegistered,
    PhoneUnregistered,
    TrunkChanged,
)
from gateway.ids import new_id
from gateway.telephony.ledger import Balance
from gateway.telephony.shop import PhoneSettings, TrunkSettings

SIGNAL_SAMPLES = 120
SIGNAL_SECONDS = 60
"""What lies closer together becomes one sample, the last of them; the newest is always there."""


@dataclass(slots=True)
class _ModemNow:
    event: ModemChanged
    since: str
    last_fault: dict[str, str] | None = None
    signal: deque[tuple[str, int | None]] = field(default_factory=lambda: deque(maxlen=SIGNAL_SAMPLES))

    def note_signal(self, dbm: int | None, time: str) -> None:
        if self.signal and self.signal[-1][1] == dbm:
            return
        if len(self.signal) > 1 and _seconds_between(self.signal[-2][0], self.signal[-1][0]) < SIGNAL_SECONDS:
            self.signal.pop()
        if dbm is not None or self.signal:
            self.signal.append((time, dbm))


class Modems:
    """The last word of every modem, its signal over time, and what was wrong with it last."""

    def __init__(self) -> None:
        self._modems: dict[str, _ModemNow] = {}

    def wire(self) -> list[dict[str, object]]:
        """The JSON form (schema `Modem`), by name; `since` is when the present state was entered."""
        rows = []
        for name in sorted(self._modems):
            now = self._modems[name]
            row = asdict(now.event)
            row["name"] = row.pop("modem")
            history = [{"time": time, "dbm": dbm} for time, dbm in now.signal]
            rows.append({**row, "since": now.since, "last_fault": now.last_fault, "signal_history": history})
        return rows

    def of_line(self, line: str) -> ModemChanged | None:
        """The modem that carries the line; one that is there comes before one that was pulled out."""
        candidates = [now.event for now in self._modems.values() if now.event.line == line]
        return min(candidates, key=lambda event: event.state in ("absent", "lost"), default=None)

    def apply(self, event: Event, time: str) -> None:
        """Take one event; `time` is its moment in wire form."""
        match event:
            case ModemChanged():
                now = self._modems.setdefault(event.modem, _ModemNow(event, time))
                if event.reason is not None and (now.event.reason != event.reason or now.last_fault is None):
                    now.last_fault = {"code": event.reason, "time": time}
                if now.event.state != event.state:
                    now.since = time
                now.event = event
                now.note_signal(event.signal_dbm, time)
            case ModemRemoved():
                self._modems.pop(event.modem, None)
            case _:
                pass


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


class Registrations:
    """Where the phones are registered. The registrar says when one ends: a refresh is no event."""

    def __init__(self) -> None:
        self._contacts: dict[str, dict[str, tuple[str, str]]] = {}

    def contacts(self, extension: str) -> list[dict[str, object]]:
        """The registrations of one extension, in wire form."""
        return [
            {"contact": contact, "user_agent": user_agent, "since": since}
            for contact, (user_agent, since) in self._contacts.get(extension, {}).items()
        ]

    def apply(self, event: Event, time: str) -> None:
        """Take one event; `time` is its moment in wire form."""
        match event:
            case PhoneRegistered():
                self._contacts.setdefault(event.extension, {})[event.contact] = (event.user_agent, time)
            case PhoneUnregistered():
                self._contacts.get(event.extension, {}).pop(event.contact, None)
            case _:
                pass


def balance_wire(balance: Balance | None) -> dict[str, object] | None:
    """The schema `Line.balance`."""
    if balance is None:
        return None
    return {
        "time": wire_time(balance.time),
        "text": balance.text,
        "value": balance.value,
        "failure": balance.failure,
    }


def phone_wire(phone: PhoneSettings, contacts: list[dict[str, object]], *, in_call: bool) -> dict[str, object]:
    """The schema `Phone`."""
    return {
        "extension": phone.extension,
        "name": phone.name,
        "registered": bool(contacts),
        "in_call": in_call,
        "do_not_disturb": phone.do_not_disturb,
        "forwards": {
            "always": phone.forward_always,
            "busy": phone.forward_busy,
            "no_answer": phone.forward_no_answer,
        },
        "contacts": contacts,
    }


class Trunks:
    """The last word of every SIP provider."""

    def __init__(self) -> None:
        self._trunks: dict[str, tuple[TrunkChanged, str]] = {}
        self._settings: dict[str, TrunkSettings] = {}

    def follow(self, trunks: Iterable[TrunkSettings]) -> None:
        """Take the accounts as the shop has them now: what was said of another one of that name counts no more."""
        wanted = {trunk.name: trunk for trunk in trunks}
        for name, settings in self._settings.items():
            if wanted.get(name) != settings:
                self._trunks.pop(name, None)
        self._settings = wanted

    def wire(self, trunk: TrunkSettings) -> dict[str, object]:
        """The schema `Trunk`; `since` is when the present state was entered, None when nothing was heard yet."""
        event, since = self._trunks.get(trunk.name, (None, None))
        return {
            "name": trunk.name,
            "host": trunk.host,
            "number": trunk.number,
            "state": event.state if event is not None else "starting",
            "reason": event.reason if event is not None else None,
            "since": since,
        }

    def apply(self, event: Event, time: str) -> None:
        """Take one event; `time` is its moment in wire form."""
        if isinstance(event, TrunkChanged):
            before = self._trunks.get(event.trunk)
            since = before[1] if before is not None and before[0].state == event.state else time
            self._trunks[event.trunk] = (event, since)


@dataclass(slots=True, kw_only=True)
class Alert:
    """The schema `Alert`."""

    id: str
    code: str
    subject: str
    values: dict[str, str]
    raised_at: str
    acknowledged_at: str | None = None
    acknowledged_by: str | None = None


class Alerts:
    """What a person should know and is not over; one alert per code and subject."""

    def __init__(self) -> None:
        self._alerts: dict[tuple[str, str], Alert] = {}

    def wire(self) -> list[dict[str, object]]:
        """The JSON form, newest first."""
        return [asdict(alert) for alert in reversed(self._alerts.values())]

    def by_id(self, alert_id: str) -> Alert | None:
        """The alert of that id that is not over."""
        return next((alert for alert in self._alerts.values() if alert.id == alert_id), None)

    def apply(self, event: Event, time: str) -> None:
        """Take one event; an alert that is raised again keeps its id and its first time."""
        match event:
            case AlertRaised():
                known = self._alerts.get((event.code, event.subject))
                if known is None:
                    self._alerts[event.code, event.subject] = Alert(
                        id=new_id(), code=event.code, subject=event.subject, values=event.values, raised_at=time
                    )
                else:
                    known.values = event.values
            case AlertCleared():
                self._alerts.pop((event.code, event.subject), None)
            case AlertAcknowledged():
                alert = self._alerts.get((event.code, event.subject))
                if alert is not None:
                    alert.acknowledged_at, alert.acknowledged_by = time, event.by
            case _:
                pass
