"""Ledgers in memory, for the modems: they keep what the store would keep, and can be told to fail."""

from __future__ import annotations

from gateway.errors import BudgetSpent, StoreError
from gateway.ids import new_id
from gateway.telephony.ledger import DeliveryReport, Reservation, StoredPart


class MemoryBudget:
    """A minute at a time, as long as `minutes` last."""

    def __init__(self, minutes: int = 1000) -> None:
        self.minutes = minutes
        self.opened: list[str] = []
        self.closed: dict[str, int] = {}
        self.broken = False

    async def open(self, *, call_id: str, leg_id: str, line: str, extension: str | None, number: str) -> Reservation:
        self._take(line)
        self.opened.append(number)
        return Reservation(id=leg_id, line=line, granted_seconds=60)

    async def extend(self, reservation: Reservation) -> Reservation:
        self._take(reservation.line)
        return Reservation(id=reservation.id, line=reservation.line, granted_seconds=reservation.granted_seconds + 60)

    async def close(self, reservation: Reservation, *, talk_seconds: int) -> None:
        self.closed[reservation.id] = talk_seconds

    def _take(self, line: str) -> None:
        if self.broken:
            raise StoreError("The disk is full.")
        if self.minutes <= 0:
            raise BudgetSpent(f"No minutes are left on {line}.", line=line)
        self.minutes -= 1


class MemoryInbox:
    """Keeps parts; knows a part that was kept before."""

    def __init__(self) -> None:
        self.parts: list[StoredPart] = []
        self.reports: list[DeliveryReport] = []
        self.broken = False

    async def keep(self, part: StoredPart) -> str | None:
        if self.broken:
            raise StoreError("The disk is full.")
        if part.pdu not in [known.pdu for known in self.parts]:
            self.parts.append(part)
        siblings = {each.part for each in self.parts if (each.sender, each.reference) == (part.sender, part.reference)}
        return new_id() if len(siblings) == part.parts else None

    async def report(self, report: DeliveryReport) -> None:
        if self.broken:
            raise StoreError("The disk is full.")
        self.reports.append(report)

    @property
    def texts(self) -> list[str | None]:
        """Whole messages, parts in order."""
        groups: dict[tuple[str | None, int | None, int], dict[int, str | None]] = {}
        for position, part in enumerate(self.parts):
            key = (part.sender, part.reference, part.parts if part.reference is not None else -position)
            groups.setdefault(key, {})[part.part] = part.text
        return ["".join(parts[number] or "" for number in sorted(parts)) for parts in groups.values()]


class MemoryPinTries:
    """One try per SIM and PIN, until it was right."""

    def __init__(self) -> None:
        self.tried: dict[str, str] = {}
        self.asked = 0

    async def may_try(self, iccid: str, pin_digest: str) -> bool:
        self.asked += 1
        if self.tried.get(iccid) == pin_digest:
            return False
        self.tried[iccid] = pin_digest
        return True

    async def was_right(self, iccid: str) -> None:
        self.tried.pop(iccid, None)
