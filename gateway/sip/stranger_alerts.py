"""What the owner is told of strangers: who guesses passwords, and who calls from the internet (T-S1, T-S14)."""

from __future__ import annotations

import asyncio
import logging

from gateway.events import AlertCleared, AlertRaised, Publish
from gateway.sip.transport import Address

log = logging.getLogger(__name__)

BANNED = "source-banned"
PHONES_SHUT_OUT = "phones-shut-out"
"""An address is banned from which phones of the shop are signed in."""
GUESSED = "phone-guessed"
FROM_INTERNET = "sip-from-internet"
REACHABLE = "sip-port-open"
FOREIGN_SECONDS = 86_400.0
"""A packet from the internet is told of once a day, whoever sends it."""
REACHABLE_SECONDS = 90_000.0
"""Longer than a day: the next look comes before the alert has cleared, and goes on with it."""


class StrangerAlerts:
    """Alerts that clear by themselves."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._ends: dict[tuple[str, str], asyncio.TimerHandle] = {}

    def has_banned(self, host: str, account: str, seconds: float, phones: tuple[str, ...] = ()) -> None:
        """A host is shut out for so long; the last of its wrong passwords was for `account`.

        `phones` are the extensions that are signed in from there, and shut out with it.
        """
        log.warning("%s is shut out for %d s: too many wrong passwords, the last one for %r", host, seconds, account)
        self.has_lifted(host)
        if phones:
            named = {"account": account[:40], "phones": ", ".join(phones)}
            self._raise(PHONES_SHUT_OUT, host, named, seconds)
        else:
            self._raise(BANNED, host, {"account": account[:40]}, seconds)

    def has_lifted(self, host: str) -> None:
        """The host is heard again."""
        self._end(BANNED, host)
        self._end(PHONES_SHUT_OUT, host)

    def has_closed(self, extension: str, seconds: float) -> None:
        """A phone of the shop can sign in from no new address for so long: its password is guessed at."""
        if (GUESSED, extension) not in self._ends:
            log.warning("The password of phone %s is guessed at: no new address can sign in", extension)
        self._raise(GUESSED, extension, {}, seconds)

    def has_opened(self, extension: str) -> None:
        """It can sign in from anywhere again."""
        self._end(GUESSED, extension)

    def has_ignored(self, host: str) -> None:
        """A packet came from the internet, where nobody may call from: this port can be reached from there."""
        if not any(code == FROM_INTERNET for code, _ in self._ends):
            log.warning("A SIP packet from %s was ignored: the port can be reached from the internet", host)
            self._raise(FROM_INTERNET, "sip", {"host": host}, FOREIGN_SECONDS)

    def is_reachable(self, at: Address) -> None:
        """Our own look has found that the port can be reached from the internet, at that address."""
        log.warning("SIP can be reached from the internet at %s", at)
        self._raise(REACHABLE, at.host, {"address": str(at)}, REACHABLE_SECONDS)

    def close(self) -> None:
        """Nothing clears any more."""
        for end in self._ends.values():
            end.cancel()

    def _raise(self, code: str, subject: str, values: dict[str, str], seconds: float) -> None:
        running = self._ends.pop((code, subject), None)
        if running is None:
            self._publish(AlertRaised(code=code, subject=subject, values=values))
        else:
            running.cancel()
        self._ends[code, subject] = asyncio.get_running_loop().call_later(seconds, self._clear, code, subject)

    def _end(self, code: str, subject: str) -> None:
        running = self._ends.get((code, subject))
        if running is not None:
            running.cancel()
            self._clear(code, subject)

    def _clear(self, code: str, subject: str) -> None:
        del self._ends[code, subject]
        self._publish(AlertCleared(code=code, subject=subject))
