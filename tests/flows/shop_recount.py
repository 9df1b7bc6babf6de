"""The calls of some days as people have lived through them, counted by the plainest loops that there are.

Nothing here is taken from the gateway but the id of the call that a leg belonged to. What comes out is held against
the list of missed customers and the statistics, which are made of what the journal wrote.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from gateway.store.figures import Figures
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Direction
from tests.flows.shop_people import Held, Lived, moment


@dataclass(frozen=True, slots=True, eq=False)
class LivedCall:
    """One call: the legs that people held in it, in the order in which they began."""

    id: str
    legs: tuple[Held, ...]

    @property
    def caller(self) -> Held:
        """Who has called; where the gateway did it by itself, whoever was there first."""
        came = [each for each in self.legs if each.leg.direction is Direction.INCOMING]
        return came[0] if came else self.legs[0]

    @property
    def is_incoming(self) -> bool:
        """Somebody outside has called."""
        return self.caller.leg.direction is Direction.INCOMING and self.caller.leg.line is not None

    @property
    def is_inside(self) -> bool:
        """A phone has called another one, or a feature code."""
        leg = self.caller.leg
        return leg.direction is Direction.INCOMING and leg.line is None and not leg.called.startswith("+")

    @property
    def is_returned(self) -> bool:
        """The gateway has called, as somebody was promised."""
        return self.caller.leg.direction is Direction.OUTGOING

    @property
    def began(self) -> float:
        """When it did: what the gateway has dialled is a call once somebody is there who was rung first."""
        caller = self.caller
        is_handed_over = caller.leg.direction is Direction.OUTGOING and caller.leg.line is None
        return caller.up_at if is_handed_over and caller.up_at is not None else caller.began

    @property
    def ended(self) -> float:
        """When nobody was there any more. All that began has ended."""
        return max(each.ended_at for each in self.legs if each.ended_at is not None)

    @property
    def met_at(self) -> float | None:
        """When two people came to be there at once."""
        there = sorted((each.taken_at, each.ended_at) for each in self.legs if each.taken_at is not None)
        for (_, first_ends), (second_comes, _) in pairwise(there):
            if first_ends is None or first_ends > second_comes:
                return second_comes
        return None

    @property
    def met(self) -> tuple[Held, Held] | None:
        """Those two; the one who was there first is the first."""
        at = self.met_at
        if at is None:
            return None
        there = [
            each for each in self.legs if each.taken_at is not None and each.taken_at <= at < (each.ended_at or at)
        ]
        first, second = sorted(there, key=lambda each: each.taken_at or 0.0)[:2]
        return first, second

    @property
    def partner(self) -> Held | None:
        """Whom the caller has talked to."""
        met = self.met
        return None if met is None else next(each for each in met if each is not self.caller)


def calls_of(lived: Lived) -> list[LivedCall]:
    """All calls, the first one first."""
    by_call: defaultdict[str, list[Held]] = defaultdict(list)
    for held in lived.held:
        if held.leg.call_id:
            by_call[held.leg.call_id].append(held)
    return sorted((LivedCall(each, tuple(legs)) for each, legs in by_call.items()), key=lambda call: call.began)


@dataclass(frozen=True, slots=True)
class LivedStory:
    """A customer's tries in vain, one after the other, and when somebody has talked to them after all.

    Of who withholds the number each try is a story.
    """

    number: str
    tries: tuple[str, ...]
    first_at: datetime
    talked_at: datetime | None
    is_closed: bool
    """Somebody has said that nobody need call back."""


def stories_of(calls: Iterable[LivedCall], lived: Lived, customers: Iterable[str]) -> list[LivedStory]:
    """Of every customer who was ever missed."""
    found = []
    calls = list(calls)
    for number in customers:
        steps: list[tuple[float, str, str]] = []
        for call in calls:
            met = call.met
            if met is not None and number in (met[0].who, met[1].who):
                steps.append((call.met_at or 0.0, "talk", call.id))
            elif call.is_incoming and call.caller.who == number and met is None:
                steps.append((call.began, "try", call.id))
        steps += [(at, "closed", "") for who, at in lived.closed if who == number]
        tries: list[tuple[float, str]] = []
        for at, what, call_id in sorted(steps):
            if what == "try":
                tries.append((at, call_id))
            elif tries:
                talked_at = moment(at) if what == "talk" else None
                ids = tuple(each for _, each in tries)
                found.append(LivedStory(number, ids, moment(tries[0][0]), talked_at, what == "closed"))
                tries = []
        if tries:
            found.append(LivedStory(number, tuple(each for _, each in tries), moment(tries[0][0]), None, False))
    closed = {whom for whom, _ in lived.closed}
    for call in calls:
        if call.is_incoming and call.met is None and not call.caller.who:
            found.append(LivedStory("", (call.id,), moment(call.began), None, call.id in closed))
    return found


def figures_of(calls: Iterable[LivedCall], key_of: Callable[[LivedCall], str | None]) -> dict[str, Figures]:
    """Summed by what `key_of` says; calls between phones, and those without a key, are left out."""
    found: defaultdict[str, Figures] = defaultdict(Figures)
    for call in calls:
        key = key_of(call)
        if key is None or call.is_inside:
            continue
        at = call.met_at
        talk_ms = 0 if at is None else round((call.ended - at) * 1000)
        if call.is_incoming:
            waited = 0 if at is None else round((at - call.began) * 1000)
            found[key] += Figures(incoming=1, answered=int(at is not None), talk_ms=talk_ms, wait_ms=waited)
        else:
            found[key] += Figures(outgoing=1, reached=int(at is not None), talk_ms=talk_ms)
    return dict(found)


def local(call: LivedCall, zone: ZoneInfo, form: str) -> str:
    """When it began, by the shop's clock."""
    return format(moment(call.began).astimezone(zone), form)


def by_extension(calls: list[LivedCall], extensions: Iterable[str]) -> dict[str, Figures]:
    """What each phone answered, let ring in vain, and made."""
    found: dict[str, Figures] = {}
    for extension in extensions:
        of_it = figures_of(calls, lambda call, extension=extension: extension if _is_of(call, extension) else None)  # type: ignore[misc]  # a default fixes it
        in_vain = sum(
            call.is_incoming and call.met_at is None and any(each.who == extension for each in call.legs)
            for call in calls
        )
        sum_ = of_it.get(extension, Figures()) + Figures(incoming=in_vain)
        if sum_ != Figures():
            found[extension] = sum_
    return found


def _is_of(call: LivedCall, extension: str) -> bool:
    """The phone has made the call, or has talked in it."""
    partner = call.partner
    answered = partner is not None and partner.who == extension
    return answered if call.is_incoming else call.caller.who == extension or answered


def by_way(calls: Iterable[LivedCall]) -> dict[str, Figures]:
    """What each line and provider has carried, leg by leg."""
    found: defaultdict[str, Figures] = defaultdict(Figures)
    for call in calls:
        at = call.met_at
        for held in call.legs:
            way, ended, up_at = held.leg.line, held.ended_at or 0.0, held.up_at
            if way is None:
                continue
            if held.leg.direction is Direction.INCOMING:
                met = at is not None
                found[way] += Figures(
                    incoming=1, answered=int(met), talk_ms=0 if at is None else round((call.ended - at) * 1000),
                    wait_ms=0 if at is None else round((at - call.began) * 1000),
                )  # fmt: skip
            else:
                talked = 0 if up_at is None else round((ended - up_at) * 1000)
                found[way] += Figures(outgoing=1, reached=int(up_at is not None), talk_ms=talked)
    return dict(found)


@dataclass(frozen=True, slots=True)
class Busy:
    """So many lines were busy from one moment to another."""

    count: int
    since: float
    until: float


def busy_lines(calls: Iterable[LivedCall], lines: Iterable[str]) -> list[Busy]:
    """By a look between every two changes."""
    spans = line_spans(calls, lines)
    edges = sorted({edge for _, since, until in spans for edge in (since, until)})
    found = []
    for since, until in pairwise(edges):
        middle = (since + until) / 2
        found.append(Busy(len({line for line, begins, ends in spans if begins < middle < ends}), since, until))
    return found


def line_spans(calls: Iterable[LivedCall], lines: Iterable[str]) -> list[tuple[str, float, float]]:
    """Which line, from when, until when."""
    names = set(lines)
    legs = [each for call in calls for each in call.legs]
    return [(each.leg.line, each.began, each.ended_at or 0.0) for each in legs if each.leg.line in names]


def peaks_of(busy: Iterable[Busy], zone: ZoneInfo) -> list[int]:
    """The most lines at once by the hour of the shop's day, of a zone whose hours are whole ones."""
    peaks = [0] * 24
    for each in busy:
        at = each.since
        while at < each.until:
            here = moment(at).astimezone(zone)
            peaks[here.hour] = max(peaks[here.hour], each.count)
            at += 3600.0 - here.minute * 60 - here.second - here.microsecond / 1e6
    return peaks


def one_more_line(calls: list[LivedCall], lines: Iterable[str]) -> tuple[int, int]:
    """How many calls found no line, and how many of them one more would have carried, each for the mean time."""
    spans = line_spans(calls, lines)
    refused = sorted(
        call.began for call in calls if call.met_at is None and call.caller.leg.cause is Cause.NO_FREE_LINE
    )
    carried: list[float] = []
    mean = sum(until - since for _, since, until in spans) / len(spans) if spans else 0.0
    for at in refused:
        is_busy = any(since <= at < until for _, since, until in spans)
        if is_busy and (not carried or carried[-1] + mean <= at):
            carried.append(at)
    return len(refused), len(carried)
