"""Mailboxes that hold what a test says."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.telephony.mailboxes import Counts, LeftMessage


class FakeMailboxes:
    """Counts, and messages; `heard` are those that were listened to, with by whom."""

    def __init__(self, **counts: tuple[int, int]) -> None:
        """As `FakeMailboxes(_101=(2, 8))`: two unheard and eight heard."""
        self._counts = {name.removeprefix("_"): Counts(unheard=new, heard=old) for name, (new, old) in counts.items()}
        self.listed: list[LeftMessage] = []
        self.heard: list[tuple[str, str]] = []

    def set(self, mailbox: str, unheard: int, heard: int) -> None:
        self._counts[mailbox] = Counts(unheard=unheard, heard=heard)

    def counts(self, mailbox: str) -> Counts:
        return self._counts.get(mailbox, Counts())

    @property
    def unheard(self) -> int:
        return sum(each.unheard for each in self._counts.values())

    async def messages(
        self, mailboxes: Sequence[str] | None, *, limit: int, only_unheard: bool
    ) -> Sequence[LeftMessage]:
        return [
            each
            for each in self.listed
            if (mailboxes is None or each.mailbox in mailboxes) and not (only_unheard and each.heard_at)
        ][:limit]

    async def mark_heard(self, message_id: str, *, by: str) -> bool:
        self.heard.append((message_id, by))
        return any(each.id == message_id for each in self.listed)
