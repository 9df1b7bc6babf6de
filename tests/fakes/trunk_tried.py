"""A provider that takes one password, and remembers what it was asked."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.telephony.shop import TrunkSettings

RIGHT_PASSWORD = "right horse"


@dataclass(frozen=True, slots=True)
class FakeTried:
    state: str
    reason: str | None = None


class FakeProvider:
    """Hosts with a space are none; `nowhere.example` is not found."""

    def __init__(self) -> None:
        self.asked: list[TrunkSettings] = []

    async def try_trunk(self, settings: TrunkSettings) -> FakeTried:
        self.asked.append(settings)
        if " " in settings.host:
            raise ValueError("not a host")
        if settings.host.partition(":")[0] == "nowhere.example":
            return FakeTried("failed", "no-address")
        right = settings.password in (None, RIGHT_PASSWORD)
        return FakeTried("ready") if right else FakeTried("refused", "wrong-password")
