"""Recordings as evidence, without a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.api.recording_routes import Recorded


class FakeEvidence:
    """Knows the call c1, which has one recording; remembers what was asked of it."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[str, str]] = {}
        """By and why, by the call or the number."""
        self.heard: list[tuple[str, str, bool]] = []

    async def hold_call(self, call_id: str, *, by: str, why: str) -> int | None:
        if call_id != "c1":
            return None
        self.held[call_id] = (by, why)
        return 1

    async def release_call(self, call_id: str, *, by: str) -> int | None:
        if call_id != "c1":
            return None
        return 0 if self.held.pop(call_id, None) is None else 1

    async def hold_number(self, number: str, *, by: str, why: str) -> int:
        if len(number) < 3:
            raise ValueError("A number has at least three characters.")
        self.held[number] = (by, why)
        return 2

    async def release_number(self, number: str, *, by: str) -> int:
        if len(number) < 3:
            raise ValueError("A number has at least three characters.")
        return 0 if self.held.pop(number, None) is None else 2

    async def hold_order(self, order: str, *, by: str, why: str) -> int:
        self.held[f"order {order}"] = (by, why)
        return 3

    async def release_order(self, order: str, *, by: str) -> int:
        assert by
        return 0 if self.held.pop(f"order {order}", None) is None else 3

    async def note_evidence(self, order: str, *, by: str, address: str) -> bool:
        assert address
        self.heard.append((f"order {order}", by, True))
        return order != "none"

    async def note_listening(
        self, recording_id: str, *, by: str, address: str, is_download: bool, is_elsewhere: bool = False
    ) -> None:
        assert address
        self.heard.append((recording_id, by, is_download))

    async def note_pack(self, recording_ids: Sequence[str], *, by: str, address: str) -> None:
        assert address
        self.heard += [(each, by, True) for each in recording_ids]


@dataclass(frozen=True)
class FakePlan:
    calls: int = 2
    recordings: int = 1
    recorded_seconds: float = 61.5
    messages: int = 3
    mentions: int = 0
    held: int = 0
    running: int = 0


@dataclass(frozen=True)
class FakeOrder:
    id: str
    state: str = "waiting"
    done: int = 0
    total: int = 5
    plan: FakePlan | None = None


class FakeErasures:
    """Knows a plan for every number; the orders go on when a test says so."""

    def __init__(self) -> None:
        self.found = FakePlan()
        self.orders: dict[str, FakeOrder] = {}
        self.asked: list[tuple[str, str]] = []

    async def plan(self, number: str) -> FakePlan:
        if len(number) < 3:
            raise ValueError("A number has at least three characters.")
        return self.found

    def begin(self, number: str, *, by: str) -> FakeOrder:
        if len(number) < 3:
            raise ValueError("A number has at least three characters.")
        self.asked.append((number, by))
        order = FakeOrder(f"e{len(self.asked)}")
        self.orders[order.id] = order
        return order

    def progress(self, order_id: str) -> FakeOrder | None:
        return self.orders.get(order_id)

    def go_on(self, order_id: str, state: str, done: int) -> None:
        self.orders[order_id] = replace(self.orders[order_id], state=state, done=done, plan=self.found)


class FakeRecorded:
    """What the API's server is given, and what a test looks at."""

    def __init__(self) -> None:
        self.evidence = FakeEvidence()
        self.erasures = FakeErasures()
        self.paused: dict[str, bool] = {}
        self.prompts_read = 0
        self.recorded = Recorded(
            evidence=self.evidence,
            erasures=self.erasures,
            pause_recording=self._pause,
            prompts_changed=self._read_prompts,
        )

    def _pause(self, call_id: str, *, paused: bool) -> bool:
        """The call c1 is recorded, every other but `unknown` is not."""
        if call_id == "unknown":
            raise LookupError(call_id)
        self.paused[call_id] = paused
        return call_id == "c1"

    async def _read_prompts(self) -> None:
        self.prompts_read += 1
