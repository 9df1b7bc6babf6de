"""Figures as text; and two side by side: how much more or less it is, and whether that is good, by sign and word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from web.formats import decimal, duration
from web.translation import gettext


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure now and before, as text; `change` is empty where there is nothing to compare."""

    word: str
    """By which the daemon's words, section `statistics`, call it."""
    now: str
    before: str
    change: str
    verdict: str
    """better, worse, more, less, same; empty as `change`."""


@dataclass(frozen=True, slots=True)
class _Figure:
    part: str
    name: str
    kind: str
    good: int
    """1: more is better, -1: less is; 0: neither."""
    word: str = ""


_FIGURES = (
    _Figure("total", "incoming", "count", 0),
    _Figure("total", "answered", "count", 1),
    _Figure("total", "missed", "count", -1),
    _Figure("total", "missed_share", "share", -1),
    _Figure("total", "service_level", "share", 1),
    _Figure("total", "seconds_to_answer", "time", -1),
    _Figure("waits", "median_seconds", "time", -1, "wait_median"),
    _Figure("waits", "p90_seconds", "time", -1, "wait_p90"),
    _Figure("returns", "customers", "count", -1),
    _Figure("returns", "returned", "count", 0),
    _Figure("returns", "median_seconds", "time", -1, "return_median"),
    _Figure("total", "outgoing", "count", 0),
    _Figure("total", "reached", "count", 0),
    _Figure("total", "answer_seizure_ratio", "share", 1),
    _Figure("total", "talk_seconds", "time", 0),
    _Figure("total", "average_talk_seconds", "time", 0),
    _Figure("total", "cost", "money", -1),
)


def compare(found: dict[str, Any]) -> dict[str, Compared]:
    """The figures of `Statistics`, by part and name with a point between them; none where nothing is compared."""
    if found["before"] is None:
        return {}
    return {
        f"{each.part}.{each.name}": _compared(
            each, found[each.part][each.name], found["before"][each.part][each.name], found["currency"]
        )
        for each in _FIGURES
    }


def compare_shares(now: float | None, before: float | None, *, good: int) -> Compared:
    """Two shares, of which more is better (`good` 1) or worse (-1)."""
    return _compared(_Figure("", "", "share", good), now, before, "")


def _compared(figure: _Figure, now: float | None, before: float | None, currency: str) -> Compared:
    show: Callable[[float], str] = {
        "count": lambda value: str(round(value)),
        "share": percent,
        "time": lambda value: duration(value) if value else "0:00",
        "money": lambda value: f"{decimal(value)} {currency}",
    }[figure.kind]
    shown, shown_before = ("–" if each is None else show(each) for each in (now, before))
    word = figure.word or figure.name
    if now is None or before is None:
        return Compared(word, shown, shown_before, "", "")
    if shown == shown_before:
        return Compared(word, shown, shown_before, gettext("no change"), "same")
    difference = now - before
    sign, size = ("+" if difference > 0 else "−"), abs(difference)
    if figure.kind == "share":
        change = gettext("%(number)s points", number=f"{sign}{round(abs(round(now * 100) - round(before * 100)))}")
    else:
        change = sign + show(size)
        if before:
            change += f" ({sign}{percent(size / before)})"
    return Compared(word, shown, shown_before, change, _verdict(figure.good * difference, difference))


def _verdict(gain: float, difference: float) -> str:
    if gain:
        return "better" if gain > 0 else "worse"
    return "more" if difference > 0 else "less"


def percent(share: float) -> str:
    """`12 %`, with a space that does not break."""
    return f"{round(share * 100)}\N{NO-BREAK SPACE}%"


def figure(name: str, value: float | None, currency: str) -> str:
    """One figure of the schema `Figures` by its name; a dash for none."""
    if value is None:
        return "–"
    if name in _TIMES:
        return duration(value)
    if name in _SHARES:
        return percent(value)
    return f"{decimal(value)} {currency}" if name == "cost" else str(value)


_TIMES = frozenset({"talk_seconds", "average_talk_seconds", "seconds_to_answer", "busy_seconds"})
_SHARES = frozenset({"answer_seizure_ratio", "occupancy", "missed_share", "service_level"})
