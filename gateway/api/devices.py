"""Modems, phones and alerts as they are now, folded from their events into the form of the snapshot."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from gateway.events import (
    AlertAcknowledged,
    AlertCleared,
    AlertRaised,
    Event,
    ModemChanged,
    PhoneRegistered,
    PhoneUnregistered,
    TrunkChanged,
)
from gateway.ids import new_id
from gateway.telephony.shop import PhoneSettings, TrunkSettings


def wire_time(moment: datetime) -> str:
    """RFC 3339 in UTC, with milliseconds, as events have it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Modems:
    """The last word of every modem."""

    def __init__(self) -> None:
        self._modems: dict[str, tuple[ModemChanged, str]] = {}

    def wire(self) -> list[dict[str, object]]:
        """The JSON form (schema `Modem`), by name; `since` is when the present state was entered."""
        rows = []
        for name in sorted(self._modems):
            event, since = self._modems[name]
            row = asdict(event)
            row["name"] = row.pop("modem")
            rows.append({**row, "since": since})
        return rows

    def of_line(self, line: str) -> ModemChanged | None:
        """The modem that carries the line."""
        return next((event for event, _since in self._modems.values() if event.line == line), None)

    def apply(self, event: Event, time: str) -> None:
        """Take one event; `time` is its moment in wire form."""
        if isinstance(event, ModemChanged):
            before = self._modems.get(event.modem)
            since = before[1] if before is not None and before[0].state == event.state else time
            self._modems[event.modem] = (event, since)


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


def phone_wire(phone: PhoneSettings, contacts: list[dict[str, object]], *, in_call: bool) -> dict[str, object]:
    """The schema `Phone`."""
    return {
        "extension": phone.extension,
        "name": phone.name,
        "registered": bool(contacts),
        "in_call": in_call,
        "contacts": contacts,
    }


class Trunks:
    """The last word of every SIP provider."""

    def __init__(self) -> None:
        self._trunks: dict[str, tuple[TrunkChanged, str]] = {}

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
