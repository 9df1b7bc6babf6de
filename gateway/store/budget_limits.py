"""Why a call that costs money does not begin: the night, too many calls at once, no minutes left (T-F2, T-F3, goal 5).

Functions of the shop and of what is counted already; nothing is counted here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from gateway.errors import BudgetSpent, NightLocked, TooManyAtOnce
from gateway.telephony.shop import LineSettings, Shop, TrunkSettings


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose minutes: a line's or an extension's."""

    kind: str
    name: str


def way_of(shop: Shop, name: str) -> LineSettings | TrunkSettings | None:
    """The line or provider of that name."""
    return shop.line(name) or shop.trunk(name)


def minutes_of_a_day(shop: Shop, subject: Subject) -> int | None:
    """A line or trunk that the shop does not know has no minutes; an extension of that kind has no own limit."""
    if subject.kind == "line":
        line = way_of(shop, subject.name)
        return line.minutes_per_day if line is not None else 0
    person = shop.phone(subject.name) or shop.courier(subject.name)
    return person.minutes_per_day if person is not None else None


def day_refusal(shop: Shop, subjects: Iterable[Subject], used: Counter[Subject], day: str) -> BudgetSpent | None:
    """The line, or the extension, has used its minutes of that day."""
    for subject in subjects:
        limit = minutes_of_a_day(shop, subject)
        if limit is not None and used[subject] >= limit:
            return BudgetSpent(
                f"The {limit} minutes of {subject.kind} {subject.name} for {day} are used up.",
                kind=subject.kind, name=subject.name, minutes=str(limit), day=day,
            )  # fmt: skip
    return None


def own_mobile(shop: Shop, extension: str) -> str | None:
    """The mobile of the courier with that extension, a call to which is none of the extension's own."""
    courier = shop.courier(extension)
    return courier.mobile if courier is not None else None


def room_refusal(
    shop: Shop, extension: str, running: Collection[str], *, call_id: str, number: str
) -> TooManyAtOnce | None:
    """The extension has as many calls running as it may; `running` are their ids, without those to its own mobile."""
    person = shop.phone(extension) or shop.courier(extension)
    if person is None or number == own_mobile(shop, extension) or call_id in running:
        return None
    if len(running) < person.calls_at_once:
        return None
    return TooManyAtOnce(
        f"Extension {extension} has {len(running)} calls running; you allow it no more.",
        extension=extension, calls=str(person.calls_at_once),
    )  # fmt: skip


def night_refusal(
    shop: Shop, number: str, line: str, extension: str | None, now: datetime, *, is_certain: bool
) -> NightLocked | None:
    """The night lock holds, and the number is none of those that pass it; `is_certain`: somebody knows the time."""
    if number in shop.night.numbers or shop.courier_by_mobile(number) is not None:
        return None
    if not shop.night.is_on(now, shop.time_zone, is_certain=is_certain):
        return None
    kind, name = ("extension", extension) if extension is not None else ("line", line)
    return NightLocked(
        f"Nobody may call outside from {shop.night.begins} to {shop.night.ends}; {kind} {name} has tried.",
        kind=kind, name=name, begins=shop.night.begins, ends=shop.night.ends,
    )  # fmt: skip
