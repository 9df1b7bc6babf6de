"""What a level of so many calls at once comes to: figures by name, ready for a table or for JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from tests.bench.calls import CallFigures, Round

Figures = dict[str, float]

NOISY_OTHERS_SHARE = 0.05
NOISY_TICK_MS = 2.0
NOISY_WAITED_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """All rounds with the same count of calls at once, in one life of the daemon."""

    count: int
    rounds: list[Round]
    idle_share: float
    """Of one core, with modems and phones but without calls."""
    idle_mib: float
    phone_lateness_ms: dict[str, float]
    commit_ms: float
    floor_percent: float
    """What a program costs that only passes everything on, per call; see floor.py."""
    beside: str = ""
    """What else was asked of the machine."""
    late_p99_ms: float = float("nan")
    late_worst_ms: float = float("nan")
    """How late the daemon was for what was due, made up voices and ticks of mixes; the worst since its start."""

    @property
    def title(self) -> str:
        """For a table."""
        calls = f"{self.count} call" + "s" * (self.count > 1)
        return f"{calls}, {self.beside}" if self.beside else calls

    @property
    def calls(self) -> list[CallFigures]:
        """Of all rounds."""
        return [call for each in self.rounds for call in each.calls]

    @property
    def others_share(self) -> float:
        """The worst round's use of the machine by everybody else."""
        return max(each.interval.others_share for each in self.rounds)

    def figures(self) -> Figures:
        """Everything; milliseconds, per cent of one core, MiB."""
        shares = [each.interval.daemon_share / self.count for each in self.rounds]
        ticks = np.concatenate([call.tick_lateness_ms for call in self.calls])
        return {
            **delays(self.calls),
            **_setup("number_to_invite", (call.setup.number_to_invite for call in self.calls)),
            **_setup("invite_to_dial", (call.setup.invite_to_dial for call in self.calls)),
            **_setup("first_invite_to_dial", (call.setup.first_invite_to_dial for call in self.calls)),
            **_setup("answer_to_ok", (call.setup.answer_to_ok for call in self.calls)),
            **_setup("ok_to_answer", (call.setup.ok_to_answer for call in self.calls)),
            "cpu_per_call": 100 * float(np.mean(shares)),
            "cpu_kernel": 100 * float(np.mean([each.interval.kernel_share for each in self.rounds])),
            "cpu_floor": self.floor_percent,
            "cpu_idle": 100 * self.idle_share,
            "rss_idle": self.idle_mib,
            "rss_talk": max(each.resident_mib for each in self.rounds),
            "calls_measured": len(self.calls),
            "frames": sum(len(call.to_sip.found) + len(call.to_gsm.found) for call in self.calls),
            "to_sip_missing": sum(call.to_sip.missing for call in self.calls),
            "to_gsm_missing": sum(call.to_gsm.missing for call in self.calls),
            "dropped_bytes": sum(call.dropped_bytes for call in self.calls),
            "ticks_p99": float(np.percentile(ticks, 99)),
            "ticks_max": float(ticks.max()),
            "phone_ticks_p99": self.phone_lateness_ms["p99"],
            "phone_ticks_max": self.phone_lateness_ms["max"],
            "daemon_waited": 100 * max(each.interval.daemon_waited_share for each in self.rounds),
            "others": 100 * self.others_share,
            "load_average": max(each.interval.load_average for each in self.rounds),
            "commit": self.commit_ms,
            "late_p99": self.late_p99_ms,
            "late_worst": self.late_worst_ms,
        }

    def by_family(self) -> dict[str, Figures]:
        """The delays of each family."""
        families = dict.fromkeys(call.family for call in self.calls)
        return {each: delays([call for call in self.calls if call.family == each]) for each in families}

    def noise(self) -> list[str]:
        """Why the figures of this level are to be taken with care; empty: they are not."""
        figures = self.figures()
        reasons = []
        if self.others_share > NOISY_OTHERS_SHARE:
            reasons.append(f"other programs used {figures['others']:.0f} % of the machine")
        if figures["ticks_p99"] > NOISY_TICK_MS:
            reasons.append(f"the modems' own ticks came {figures['ticks_p99']:.1f} ms late (p99)")
        if figures["daemon_waited"] > 100 * NOISY_WAITED_SHARE:
            reasons.append(f"the daemon waited for a processor {figures['daemon_waited']:.1f} % of the time")
        return reasons


def delays(calls: list[CallFigures]) -> Figures:
    """The percentiles of all frames of these calls, in ms."""
    return {
        **_percentiles("to_sip", (call.to_sip.at_port_ms for call in calls)),
        **_percentiles("to_gsm", (call.to_gsm.at_port_ms for call in calls)),
        **_percentiles("heard", (call.heard.heard_ms for call in calls)),
        **_percentiles("wait", (call.heard.wait_ms for call in calls)),
        **_percentiles("above", (call.heard.above_ms for call in calls)),
        "too_late": 100 * _too_late(calls),
    }


def _too_late(calls: list[CallFigures]) -> float:
    """The share of frames that left their phone less before the modem's read than half of them need to its port.

    No gateway could have them in that read: they are 20 ms above the wait.
    """
    way = float(np.median(np.concatenate([call.to_gsm.at_port_ms for call in calls])))
    waits = np.concatenate([call.heard.wait_ms for call in calls])
    return float(np.mean(waits % _FRAME_MS < way)) if len(waits) and way < _FRAME_MS else float("nan")


_FRAME_MS = 20.0


def _percentiles(name: str, parts: Iterable[np.typing.NDArray[np.float64]]) -> Figures:
    return _named(name, np.concatenate(list(parts)), {"p50": _at(50), "p95": _at(95), "p99": _at(99)})


def _setup(name: str, times: Iterable[float | None]) -> Figures:
    return _named(name, np.array([each for each in times if each is not None]), {"p50": _at(50), "max": np.max})


def _named(
    name: str, values: np.typing.NDArray[np.float64], kinds: dict[str, Callable[[np.typing.NDArray[np.float64]], float]]
) -> Figures:
    return {f"{name}_{kind}": float(of(values)) if len(values) else float("nan") for kind, of in kinds.items()}


def _at(percent: float) -> Callable[[np.typing.NDArray[np.float64]], float]:
    return lambda values: float(np.percentile(values, percent))
