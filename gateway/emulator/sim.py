"""A SIM: who it is, how it is locked, what messages lie on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Lock(StrEnum):
    """What CPIN? says; ABSENT answers with an error."""

    READY = "READY"
    PIN = "SIM PIN"
    PUK = "SIM PUK"
    BLOCKED = "SIM BLOCKED"
    ABSENT = "ABSENT"


@dataclass(slots=True)
class StoredMessage:
    """A message on the SIM: 0 received unread, 1 received read, 2 stored unsent, 3 stored sent."""

    status: int
    pdu: str
    """Hex, with the service centre."""


@dataclass(slots=True)
class MessageStore:
    """Numbered slots for messages, on the SIM or in the modem."""

    slots: int = 20
    messages: dict[int, StoredMessage] = field(default_factory=dict)

    def put(self, message: StoredMessage) -> int | None:
        """Put it into the first free slot; its index, or None when there is none."""
        free = next((index for index in range(1, self.slots + 1) if index not in self.messages), None)
        if free is not None:
            self.messages[free] = message
        return free


@dataclass(slots=True, kw_only=True)
class Sim:
    """The card. `pin` None: it asks for none."""

    number: str
    imsi: str
    iccid: str
    pin: str | None = None
    puk: str = "12345678"
    centre: str = "+79168999100"
    tells_number: bool = True
    """CNUM gives the number; many SIM cards do not know it."""
    present: bool = True
    call_waiting: bool = False
    """The network offers a second call while one is up (a service of the subscription, set by AT+CCWA)."""
    pin_tries: int = 3
    puk_tries: int = 10
    unlocked: bool = False
    store: MessageStore = field(default_factory=MessageStore)

    @property
    def lock(self) -> Lock:
        """What it waits for."""
        if not self.present:
            return Lock.ABSENT
        if self.puk_tries == 0:
            return Lock.BLOCKED
        if self.pin_tries == 0:
            return Lock.PUK
        return Lock.READY if self.pin is None or self.unlocked else Lock.PIN

    def enter_pin(self, pin: str) -> bool:
        """One try; False when it was wrong, which costs a try."""
        if pin != self.pin:
            self.pin_tries -= 1
            return False
        self.pin_tries = 3
        self.unlocked = True
        return True

    def enter_puk(self, puk: str, new_pin: str) -> bool:
        """One try with the PUK; the right one sets a new PIN."""
        if puk != self.puk:
            self.puk_tries -= 1
            return False
        self.pin, self.pin_tries, self.puk_tries, self.unlocked = new_pin, 3, 10, True
        return True

    def power_cycle(self) -> None:
        """The card forgets that the PIN was entered."""
        self.unlocked = False
