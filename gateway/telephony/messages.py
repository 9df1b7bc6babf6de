"""Text messages in the words of the trade: a line that carries them, what becomes of a part, and phones that write.

The modem driver implements TextLine, messaging implements TextMessages, the SIP driver PhoneTexts; none
of them knows another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol, TypeAlias

from gateway.telephony.numbers import Dialable


class MessageState(StrEnum):
    """What a person wants to know of a message."""

    RECEIVED = "received"
    PARTIAL = "partial"
    """Parts of it are still on their way to us."""
    UNDECODED = "undecoded"
    QUEUED = "queued"
    SENDING = "sending"
    """It may be on its way: committed before the modem is told (rule 10)."""
    SENT = "sent"
    """The network has taken every part."""
    DELIVERED = "delivered"
    """The recipient's phone has every part."""
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """The modem or we went away in the midst: it may have been sent. It is not sent again by itself."""


@dataclass(frozen=True, slots=True)
class PartTaken:
    """The network has the part; `reference` is its TP-MR (23.040 section 9.2.3.6), by which it is reported."""

    reference: int


@dataclass(frozen=True, slots=True)
class PartRefused:
    """The part was not sent. `cause` is a code of the catalogue; `is_final`: another try would end the same."""

    cause: str
    is_final: bool


@dataclass(frozen=True, slots=True)
class PartUnknown:
    """The modem had the part and never said what became of it."""

    cause: str


PartOutcome: TypeAlias = PartTaken | PartRefused | PartUnknown


class TextLine(Protocol):
    """One SIM, as far as it carries messages and USSD."""

    @property
    def name(self) -> str:
        """As in shop.toml."""

    @property
    def can_text(self) -> bool:
        """A message can be sent now: registered, and no call that a command would have to wait behind."""

    @property
    def imsi(self) -> str:
        """Which SIM it is; empty while that is not known."""

    @property
    def signal_dbm(self) -> int | None:
        """How well it is heard."""

    @property
    def operator(self) -> str | None:
        """Whose network it is in."""

    async def send_part(
        self, number: Dialable, text: str, *, reference: int, part: int, valid_for: timedelta | None = None
    ) -> PartOutcome:
        """Send part `part` (from 1) of the text, which `reference` ties to the others, and ask for a report.

        `valid_for`: how long the network shall try to deliver it; None: as long as it likes.
        """

    async def ask(self, code: str) -> UssdAnswer:
        """Send a USSD code, or the reply in an open session. Raises TextRefused, AtRefused, AtTimeout, ModemLost."""

    async def end_session(self) -> None:
        """End an open USSD session, if there is one."""


TextLines: TypeAlias = Mapping[str, TextLine]

CountParts: TypeAlias = Callable[[str], int]
"""In how many parts a text travels. Raises PduInvalid for one that cannot be sent."""


@dataclass(frozen=True, slots=True)
class UssdAnswer:
    """What the network says; `wants_answer`: the session waits for a reply."""

    text: str
    wants_answer: bool


class TextMessages(Protocol):
    """Where a phone's messages go: the SIP driver calls it for a MESSAGE to a number outside."""

    async def send(self, extension: str, to: str, text: str) -> str:
        """Keep a text of that extension to be sent by the line it owns; its id once it is committed.

        Raises TextNotAllowed (the extension owns no line), RecipientBarred, PduInvalid, SmsLimitReached,
        OutboxFull and StoreError; then nothing is sent.
        """


class PhoneTexts(Protocol):
    """The shop's phones, as far as they take messages."""

    async def deliver(self, extension: str, *, sender: str, text: str) -> bool:
        """Give a text to the phones of the extension; True when one has taken it, False when none did now."""
