"""Small charts as shapes for a template: bars in an SVG, shades of a table. The template names the colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 720.0, 160.0
"""Of the drawing's own coordinates; a page stretches it."""
SHADES = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle; `kind` is the figure that it stands for."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Column:
    """What stands over one key: bars on top of each other."""

    label: str
    bars: tuple[Bar, ...]
    total: float


def columns(rows: Sequence[dict[str, Any]], kinds: Sequence[str], labels: Sequence[str]) -> list[Column]:
    """The figures `kinds` of each row as stacked bars, the highest stack as high as the drawing."""
    highest = max((sum(row[kind] or 0 for kind in kinds) for row in rows), default=0) or 1
    step = WIDTH / max(len(rows), 1)
    made = []
    for place, (row, label) in enumerate(zip(rows, labels, strict=True)):
        bars, top = [], HEIGHT
        for kind in kinds:
            height = HEIGHT * (row[kind] or 0) / highest
            if height:
                top -= height
                bars.append(
                    Bar(
                        round(place * step + step * 0.1, 2), round(top, 2), round(step * 0.8, 2), round(height, 2), kind
                    )
                )
        made.append(Column(label, tuple(bars), sum(row[kind] or 0 for kind in kinds)))
    return made


def shade(value: float, most: float) -> int:
    """How dark a cell is: 0 for nothing, 1 to SHADES."""
    if value <= 0 or most <= 0:
        return 0
    return min(SHADES, 1 + int(value / most * SHADES * 0.999))
