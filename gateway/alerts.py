"""Which states a person should know of: events in, alerts out. Each alert is raised once and cleared when it is over.

A modem has a grace of 20 seconds: a stick that is plugged in anew, or a cell that is lost for a
moment, is no news.
"""

from __future__ import annotations

import asyncio

from gateway.audio.recording_writer import RecordingTrouble
from gateway.events import AlertCleared, AlertRaised, EventBus, ModemChanged, Published

GRACE_SECONDS = 20.0

_MODEM_ALERTS = {
    "absent": "modem-lost",
    "lost": "modem-lost",
    "no-sim": "no-sim",
    "locked": "sim-locked",
    "searching": "no-network",
    "faulty": "modem-faulty",
}
"""By the modem's state; the other states are none of a person's business."""


class Alerts:
    """`async with` it: from entry to exit alerts follow the events."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._raised: dict[str, str] = {}
        """subject -> code of the alert that stands."""
        self._waiting: dict[str, tuple[str, asyncio.TimerHandle]] = {}
        self._stop_listening = bus.subscribe(self._apply)

    def close(self) -> None:
        """No more alerts."""
        self._stop_listening()
        for _code, timer in self._waiting.values():
            timer.cancel()
        self._waiting.clear()

    def recording_trouble(self, trouble: RecordingTrouble) -> None:
        """The disk does not take a recording, or (no reason) takes it again."""
        if trouble.reason is not None:
            self._raise("recording-failed", "recordings", {"reason": trouble.reason})
        else:
            self._clear("recordings")

    def _apply(self, published: Published) -> None:
        if isinstance(published.event, ModemChanged):
            self._modem(published.event)

    def _modem(self, modem: ModemChanged) -> None:
        subject = modem.line or modem.modem
        code = _MODEM_ALERTS.get(modem.state)
        waiting = self._waiting.get(subject)
        if waiting is not None and waiting[0] != code:
            waiting[1].cancel()
            del self._waiting[subject]
        if code is None:
            if modem.state == "ready":
                self._clear(subject)
        elif self._raised.get(subject) != code and subject not in self._waiting:
            values = {"modem": modem.modem, "line": modem.line or "", "reason": modem.reason or ""}
            timer = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._due, code, subject, values)
            self._waiting[subject] = (code, timer)

    def _due(self, code: str, subject: str, values: dict[str, str]) -> None:
        self._waiting.pop(subject, None)
        self._raise(code, subject, values)

    def _raise(self, code: str, subject: str, values: dict[str, str]) -> None:
        if self._raised.get(subject) == code:
            return
        self._clear(subject)
        self._raised[subject] = code
        self._bus.publish(AlertRaised(code=code, subject=subject, values=values))

    def _clear(self, subject: str) -> None:
        code = self._raised.pop(subject, None)
        if code is not None:
            self._bus.publish(AlertCleared(code=code, subject=subject))
