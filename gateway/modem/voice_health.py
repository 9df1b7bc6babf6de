"""How well a modem's voice works over its calls: what is told to the owner, and when a restart is due.

On some modules the sound is good after a start and goes bad call by call. The sign is known from field
notes on the SIM7600: the first request for the sound of a call, granted at once while all is well, is refused
at first (firmware-notes/simcom.md). A module that never granted it at once tells nothing by refusing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from gateway.events import AlertCleared, AlertRaised, Publish

log = logging.getLogger(__name__)

SILENT_SECONDS = 3.0
"""So long a call may be up before somebody is told that its modem gives no sound."""
VOICE_BROKEN = "voice-broken"
MODEM_SILENT = "modem-silent"


class VoiceHealth:
    """The voice of one modem, from one start to the next."""

    def __init__(self, modem: str, publish: Publish, on_broken: Callable[[], None]) -> None:
        """`on_broken` is called when only a restart will help; it may be called in a call."""
        self._modem = modem
        self._publish = publish
        self._on_broken = on_broken
        self._was_good = False
        self._is_alarmed = False
        self.is_broken = False
        """A restart is due."""

    def switched_on(self, *, at_once: bool) -> None:
        """The modem has granted the sound of a call, at the first request or at a later one."""
        if at_once:
            self._was_good = True
        elif self._was_good:
            self._break("it did not give the sound of a call at once")

    def never_came(self) -> None:
        """The modem did not grant the sound of a call at all; one that never has is not mended by a restart."""
        if self._was_good:
            self._break("it did not give the sound of a call")
        else:
            self.is_silent()

    def is_silent(self) -> None:
        """A call is up and nothing has come from the modem for some seconds."""
        if not self._is_alarmed:
            self._is_alarmed = True
            log.warning("The modem %s gives no sound in its call.", self._modem)
            self._publish(AlertRaised(code=MODEM_SILENT, subject=self._modem, values={"modem": self._modem}))

    def is_heard(self) -> None:
        """Sound comes from the modem."""
        if self._is_alarmed:
            self._is_alarmed = False
            self._publish(AlertCleared(code=MODEM_SILENT, subject=self._modem))

    def _break(self, why: str) -> None:
        if not self.is_broken:
            self.is_broken = True
            log.warning("The voice of the modem %s has gone bad: %s.", self._modem, why)
            self._on_broken()
