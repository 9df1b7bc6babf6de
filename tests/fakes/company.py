"""What the API asks of running calls, without a switchboard: who joins, and how many there are."""

from __future__ import annotations

from gateway.api.company_routes import Company
from gateway.api.metrics import Watched
from gateway.api.trace_routes import Insight
from gateway.events import TracedLine
from gateway.media_loop import Lateness
from gateway.telephony.causes import Cause
from gateway.telephony.company import Role


class FakeCompany:
    """Knows the call c1, where nobody can whisper and 109 is away; remembers what was asked, in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.company = Company(joining=self, note=self.note)
        self.insight = Insight(trace=self.trace, capture=self.capture, note=self.note)

    async def note(self, call_id: str, *, by: str, address: str, extension: str, mode: str) -> None:
        assert address
        self.asked.append(("audit", call_id, by, extension, mode))

    def trace(self, call_id: str) -> tuple[TracedLine, ...]:
        if call_id != "c1":
            raise LookupError(call_id)
        return (TracedLine(-0.5, "at", "in", "red", "RING"), TracedLine(0.1, "sip", "out", "10.0.0.2:5060", "INVITE"))

    async def capture(self, call_id: str, seconds: float) -> bytes:
        self.asked.append(("capture", call_id, str(seconds)))
        return b"pcap"

    def bring_in(self, call_id: str, extension: str, role: Role, *, by: str) -> Cause | None:
        if call_id != "c1":
            raise LookupError(call_id)
        self.asked.append(("join", extension, role, by))
        if role is Role.WHISPERS:
            return Cause.REJECTED
        return {"999": Cause.NO_SUCH_NUMBER, "109": Cause.UNREACHABLE}.get(extension)

    def hand_over(self, call_id: str, leg_id: str) -> bool:
        if call_id != "c1":
            raise LookupError(call_id)
        self.asked.append(("hand-over", leg_id))
        return leg_id == "l2"

    def drop(self, call_id: str, leg_id: str) -> bool:
        if call_id != "c1":
            raise LookupError(call_id)
        self.asked.append(("drop", leg_id))
        return leg_id == "l2"


def watched() -> Watched:
    """Three calls, and deadlines of which one was late."""
    lateness = Lateness()
    for late in (0.00005, 0.00005, 0.003):
        lateness.note(late)
    return Watched(lateness=lateness, running_calls=lambda: 3)
