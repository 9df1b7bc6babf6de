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


class Budget(Protocol):
    """Minutes per line and day. The owner's minutes are counted before they are spent."""

    async def open(self, *, call_id: str, leg_id: str, line: str, extension: str | None, number: str) -> Reservation:
        """Commit the first minute of an outgoing call, before ATD.

        Raises BudgetSpent when the line, or the extension, has none left today.
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


class Inbox(Protocol):
    """Where SMS go before they are deleted from the SIM."""

    async def keep(self, part: StoredPart) -> str | None:
        """Commit one part; the id of the whole message once all its parts are here, else None.

        A part that is known already (same sender, reference, number and time) is not stored twice.
        """


class PinTries(Protocol):
    """One try per SIM with a stored PIN, remembered across restarts (T-F13)."""

    async def may_try(self, iccid: str, pin_digest: str) -> bool:
        """Commit the try; False when this PIN was tried on this SIM before and not found right."""

    async def was_right(self, iccid: str) -> None:
        """The SIM accepted the PIN: the next start may use it again."""


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
