"""How the machine keeps up, for programs that watch it: the text form of Prometheus (exposition format 0.0.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

_NAME = "simbridge_voice_lateness_seconds"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class LatenessCounts(Protocol):
    """A histogram of how late the voices' deadlines were served; the media loop has one."""

    @property
    def BOUNDS_SECONDS(self) -> Sequence[float]:  # noqa: N802  # a constant of whoever counts
        """At most so late ..."""

    @property
    def counts(self) -> Sequence[int]:
        """... were so many, and as the last all that were later."""

    @property
    def total_seconds(self) -> float:
        """All together."""

    @property
    def worst_seconds(self) -> float:
        """The latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is told."""

    lateness: LatenessCounts
    running_calls: Callable[[], int]


class MetricsRoutes:
    """The handler."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [web.get("/api/v1/metrics", self._get_metrics)]

    async def _get_metrics(self, _request: web.Request) -> web.Response:
        body = metrics_text(self._watched).encode()
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})


def metrics_text(watched: Watched) -> str:
    """All of it."""
    late, below = watched.lateness, 0
    lines = [
        f"# HELP {_NAME} How late the deadlines of voices and the ticks of mixes and prompts were served.",
        f"# TYPE {_NAME} histogram",
    ]
    for bound, count in zip((*late.BOUNDS_SECONDS, "+Inf"), late.counts, strict=True):
        below += count
        lines.append(f'{_NAME}_bucket{{le="{bound}"}} {below}')
    lines += [
        f"{_NAME}_sum {late.total_seconds:.6f}",
        f"{_NAME}_count {below}",
        "# HELP simbridge_voice_lateness_worst_seconds The latest of them since the start.",
        "# TYPE simbridge_voice_lateness_worst_seconds gauge",
        f"simbridge_voice_lateness_worst_seconds {late.worst_seconds:.6f}",
        "# HELP simbridge_calls Calls that run now.",
        "# TYPE simbridge_calls gauge",
        f"simbridge_calls {watched.running_calls()}",
    ]
    return "\n".join(lines) + "\n"
