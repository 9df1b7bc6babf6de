"""The shop's branches: which one a caller from somewhere is put through to, at some moment (E2).

The nearest one that is open then; when it is closed, the next nearest that is open; when none is, the shop is closed.
A caller's number tells the region it was given out in, so "near" means near that region's capital.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.telephony.region_places import CAPITALS
from gateway.telephony.russian_regions import BY_KEY, Region
from gateway.telephony.schedule import Schedule

FEWEST = 2
"""A shop with one branch is that branch: its rules are the shop's own."""
_EARTH_KM = 6371.0


@dataclass(frozen=True, kw_only=True)
class Branch:
    """`region` is a key of russian_regions; `place` is "latitude, longitude" in degrees, the region's capital if empty.

    `time_zone` is an IANA name; empty: the region's, or else the shop's.
    """

    name: str
    address: str = ""
    region: str = ""
    place: str = ""
    time_zone: str = ""
    phones: tuple[str, ...] = ()
    queue: str | None = None
    """The name of the queue that its callers wait in, in place of `phones`."""
    greeting: str = ""
    """A word, as of a queue's name, whose own prompts its callers hear; empty: those of its queue, or of the shop."""
    schedule: Schedule = field(default_factory=Schedule)

    def in_zone(self, shop_zone: str) -> Branch:
        """The same with hours by its own clocks; `shop_zone` where it does not say which."""
        region = BY_KEY.get(self.region)
        zone = self.time_zone or (region.zone if region is not None else shop_zone)
        return replace(self, schedule=self.schedule.in_zone(zone))

    @property
    def position(self) -> tuple[float, float] | None:
        """Latitude and longitude in degrees; None: not known."""
        return position_of(self.place) if self.place else CAPITALS.get(self.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The branch that receives a caller. Without one that is open it is the one that opens first."""

    branch: Branch
    is_open: bool
    nearer: tuple[Branch, ...]
    """Those that are nearer, and closed."""


def choose(branches: Sequence[Branch], region: Region | None, now: datetime) -> Choice:
    """Who receives a caller whose number is from `region`; None: not known, and the branches count as listed."""
    nearest = by_nearness(branches, region)
    for place, branch in enumerate(nearest):
        if branch.schedule.state_at(now).is_open:
            return Choice(branch=branch, is_open=True, nearer=tuple(nearest[:place]))
    never = datetime.max.replace(tzinfo=now.tzinfo)
    first = min(nearest, key=lambda branch: branch.schedule.state_at(now).opens_at or never)
    return Choice(branch=first, is_open=False, nearer=tuple(each for each in nearest if each is not first))


def by_nearness(branches: Sequence[Branch], region: Region | None) -> list[Branch]:
    """The nearest first; of equally near ones, and where nothing is known, as they are listed."""
    here = CAPITALS.get(region.key) if region is not None else None
    if here is None:
        return list(branches)

    def distance(branch: Branch) -> float:
        there = branch.position
        return math.inf if there is None else distance_km(here, there)

    return sorted(branches, key=distance)


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Along the surface of the earth, between two places in degrees (the haversine formula)."""
    (north, east), (other_north, other_east) = (tuple(map(math.radians, place)) for place in (one, other))
    half = (
        math.sin((other_north - north) / 2) ** 2
        + math.cos(north) * math.cos(other_north) * math.sin((other_east - east) / 2) ** 2
    )
    return 2 * _EARTH_KM * math.asin(math.sqrt(half))


def position_of(text: str) -> tuple[float, float]:
    """Degrees north and east of a text like "46.96, 142.73". Raises ValueError for what is no place on earth."""
    north, east = (float(part) for part in text.split(","))
    if not (abs(north) <= 90 and abs(east) <= 180):
        raise ValueError(text)
    return north, east
