"""The ways of alerts as a test sets them, without a disk, and places that answer what they are told to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.api.alert_way_routes import AlertOutlets
from gateway.messaging.alert_trial import Tried
from gateway.store.alert_ways import with_way
from gateway.telephony.alert_ways import AlertWay, AlertWays


class FakeAlertWays:
    """`answers` is what a test of any way comes to; `of_file` are the ways that gateway.toml has set."""

    def __init__(self) -> None:
        self.ways = AlertWays()
        self.of_file: frozenset[AlertWay] = frozenset()
        self.answers: list[Tried] = []
        self.changed_by: list[tuple[str, str]] = []

    @property
    def outlets(self) -> AlertOutlets:
        return AlertOutlets(kept=self, in_use=lambda: self.ways, of_file=lambda: self.of_file, try_out=self.try_out)

    async def change(self, way: AlertWay, table: Mapping[str, object], *, by: str) -> None:
        self.ways = with_way(self.ways, way, table)
        self.changed_by.append((str(way), by))

    async def remove(self, way: AlertWay, *, by: str) -> None:
        empty = AlertWays()
        kept = {each: getattr(empty if each is way else self.ways, each) for each in AlertWay}
        self.ways = AlertWays(**{str(each): value for each, value in kept.items()})
        self.changed_by.append((str(way), by))

    async def try_out(self, way: AlertWay) -> Sequence[Tried]:
        return self.answers if way in self.ways.that_are_set else ()
