"""What happens to those who take calls, and to messages that callers have left."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffChanged(Event):
    """A phone takes calls of the queue again, or takes none. `state` is one of telephony.on_duty.DutyState.

    `reason` is why it pauses, in the owner's words; `until` the end of a wrap-up in UTC (ISO 8601); `by` who has
    ordered it: an extension, a user's name, or "gateway".
    """

    extension: str
    state: str
    reason: str = ""
    until: str | None = None
    by: str = "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxChanged(Event):
    """How many messages wait in a mailbox: a phone's extension, "queue", or empty for the closed shop's."""

    mailbox: str
    unheard: int
    heard: int
