"""Recordings as evidence, without a store."""

from __future__ import annotations

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

    async def note_listening(self, recording_id: str, *, by: str, address: str, is_download: bool) -> None:
        assert address
        self.heard.append((recording_id, by, is_download))


class FakeRecorded:
    """What the API's server is given, and what a test looks at."""

    def __init__(self) -> None:
        self.evidence = FakeEvidence()
        self.recorded = Recorded(evidence=self.evidence)
