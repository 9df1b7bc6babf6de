"""What must be on disk before the next byte goes out (rule 10): each verb returns after the commit.

The store implements these Protocols; daemon.py passes them in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Minutes set aside for one paid leg. `granted_seconds` counts from its start."""

    id: str
    line: str
    granted_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMinutes:
    """How a line stands today: minutes used or reserved, and how many more it may carry; None: no limit is known."""

    used: int = 0
    left: int | None = None
    of_month: int = 0
    """Used or reserved since the first of the shop's month."""
    cost_of_month: int = 0
    """What these come to by the tariffs, in hundredths of the currency."""


class Budget(Protocol):
    """Minutes per line and day. The owner's minutes are counted before they are spent."""

    async def open(self, *, call_id: str, leg_id: str, line: str, extension: str | None, number: str) -> Reservation:
        """Commit the first minute of an outgoing call, before ATD.

        Raises BudgetSpent when the line, or the extension, has none left today, or the line none this month;
        TooManyCalls when the extension has begun too many other calls within the last minute, TooManyAtOnce when too
        many of its calls run, NightLocked when nobody may call outside at this hour.
        """

    async def extend(self, reservation: Reservation) -> Reservation:
        """Commit one more minute, before it begins. Raises BudgetSpent."""

    async def close(self, reservation: Reservation, *, talk_seconds: int) -> None:
        """Settle: what was not used of the reserved minutes goes back (0: nobody answered)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """One part of an SMS as it came from a SIM. `text` is None where the PDU could not be decoded."""

    line: str
    imsi: str
    pdu: bytes
    sender: str | None
    sent_at: datetime | None
    text: str | None
    reference: int | None
    part: int
    parts: int
    flash: bool = False
    """It wants to be shown at once and not to be stored by a phone (class 0, 23.038 section 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """What the network says became of a part that the SIM `imsi` has sent; `status` is TP-ST (23.040 9.2.3.15)."""

    imsi: str
    reference: int
    recipient: str
    status: int
    sent_at: datetime | None = None
    """When the network's message centre took the part, by its clock."""

    @property
    def is_delivered(self) -> bool:
        """The recipient's phone has it."""
        return self.status <= 0x02

    @property
    def is_pending(self) -> bool:
        """The network still tries."""
        return 0x20 <= self.status <= 0x3F


class Inbox(Protocol):
    """Where SMS go before they are deleted from the SIM."""

    async def keep(self, part: StoredPart) -> str | None:
        """Commit one part; the id of the whole message once all its parts are here, else None.

        A part that is known already (same sender, reference, number and time) is not stored twice.
        """

    async def report(self, report: DeliveryReport) -> None:
        """Commit what became of a part of ours; a report of what we do not know is passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingText:
    """A message of ours on its way. `line` is the one that was asked for; None: the best one.

    `parts_taken` parts went out by the SIM of `carried_by`, and the rest must follow by the same; `reference`
    ties them together.
    """

    id: str
    to: str
    text: str
    parts: int
    reference: int
    by: str
    line: str | None
    accepted_at: datetime
    due_at: datetime
    expires_at: datetime
    attempts: int = 0
    parts_taken: int = 0
    carried_by: str | None = None


class Outbox(Protocol):
    """Where messages wait to be sent, and what became of them. Every verb returns after the commit."""

    async def accept(self, text: OutgoingText) -> bool:
        """Keep a new message; False: one of that id is known. Raises StoreError: then it is not kept."""

    async def waiting(self) -> list[OutgoingText]:
        """After a start: what waits, in the order of acceptance.

        A part that was being sent when the last run ended has an unknown outcome now, and its message too.
        """

    async def used(self, local_day: str) -> dict[str, int]:
        """How many parts each line has begun on that day of the shop."""

    async def begin(self, text: OutgoingText, *, part: int, line: str, imsi: str, local_day: str) -> None:
        """Commit, before AT+CMGS, that the part is being sent (rule 10). Raises StoreError: then it must not be."""

    async def taken(self, text: OutgoingText, *, part: int, reference: int) -> None:
        """The network has the part; with the last one the message is sent."""

    async def postpone(self, text: OutgoingText, *, part: int | None, failure: str) -> None:
        """The message waits until its `due_at`; `part` was not sent after all."""

    async def end(self, text: OutgoingText, *, part: int | None, state: str, failure: str | None) -> bool:
        """The message comes to `state` and is not tried any more; False when it was not waiting or being sent."""

    async def revive(self, message_id: str, *, now: datetime, expires_at: datetime) -> OutgoingText | None:
        """Let a failed, expired or cancelled message, or one of unknown outcome, wait again; None: there is none such.

        Parts that the network has taken are not sent again.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What an operator answered to `code`. `value` is None where no amount was found in `text`.

    `failure` is a code of the error catalogue where nothing was answered.
    """

    line: str
    time: datetime
    code: str
    text: str | None
    value: float | None
    failure: str | None = None


class Balances(Protocol):
    """What the operators said of the lines' money."""

    def last(self, line: str) -> Balance | None:
        """What was told last of the line, also before a restart."""

    async def keep(self, balance: Balance) -> None:
        """Commit what was told, and let everybody know."""


class PinTries(Protocol):
    """One try per SIM with a stored PIN, remembered across restarts (T-F13)."""

    async def may_try(self, iccid: str, pin_digest: str) -> bool:
        """Commit the try; False when this PIN was tried on this SIM before and not found right."""

    async def was_right(self, iccid: str) -> None:
        """The SIM accepted the PIN: the next start may use it again."""


class PinEntry(Protocol):
    """Tries to guess a PIN, counted before they are looked at (T-F7)."""

    async def begin(self, caller: str) -> str | None:
        """Commit one more try of that caller; its key, or None: no PIN is looked at any more today."""

    async def was_right(self, key: str) -> None:
        """That try was no guess."""


class Bindings(Protocol):
    """Where phones are registered, so that they ring after a restart before they register again."""

    async def save(
        self, extension: str, contact: str, received_from: str, expires_at: datetime, user_agent: str
    ) -> None:
        """Commit a binding before its 200 goes out; the same extension and contact replaces the former."""

    async def remove(self, extension: str, contact: str | None = None) -> None:
        """Commit the removal of one binding, or of all of an extension."""

    async def load(self) -> list[tuple[str, str, str, datetime, str]]:
        """All bindings that have not expired: (extension, contact, received_from, expires_at, user_agent)."""
