"""The signal of a modem over time, as the points of a small SVG drawing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from web.formats import parse_time

WIDTH = 120
HEIGHT = 24
_WEAKEST_DBM = -113
_STRONGEST_DBM = -51


def signal_lines(history: Sequence[dict[str, Any]], now: datetime) -> list[str]:
    """The `points` of polylines, one for each stretch in which the signal was known; each value holds to the next.

    `history` is `signal_history` of the API. The drawing is WIDTH by HEIGHT and reaches from its first sample to
    `now`; nothing when there is nothing to draw.
    """
    if not history:
        return []
    begin = parse_time(str(history[0]["time"]))
    span = max((now - begin).total_seconds(), 1.0)

    def across(moment: datetime) -> float:
        return round(min(max((moment - begin).total_seconds() / span, 0.0), 1.0) * WIDTH, 1)

    ends = [parse_time(str(each["time"])) for each in history[1:]] + [now]
    lines: list[list[str]] = [[]]
    for sample, end in zip(history, ends, strict=True):
        dbm = sample["dbm"]
        if dbm is None:
            lines.append([])
            continue
        height = _height(int(dbm))
        lines[-1] += [f"{across(parse_time(str(sample['time'])))},{height}", f"{across(end)},{height}"]
    return [" ".join(points) for points in lines if points]


def _height(dbm: int) -> float:
    share = (dbm - _WEAKEST_DBM) / (_STRONGEST_DBM - _WEAKEST_DBM)
    return round((1 - min(max(share, 0.0), 1.0)) * (HEIGHT - 2) + 1, 1)
