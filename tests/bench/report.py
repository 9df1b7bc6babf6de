"""The bench's table: our figures beside the aims and the references."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.bench.results import Figures, Level

REFERENCES = "Asterisk 22 on emulated modems, 2-core x86 machine, calls recorded"
"""Where the two columns of references were measured."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: figures that are shown with slashes between them."""

    title: str
    names: tuple[str, ...]
    aim: str = ""
    dongle: str = ""
    quectel: str = ""
    digits: int = 1


def _delay(name: str) -> tuple[str, ...]:
    return (f"{name}_p50", f"{name}_p95", f"{name}_p99")


def _time(name: str) -> tuple[str, ...]:
    return (f"{name}_p50", f"{name}_max")


_DELAYS = (
    Row("GSM to SIP", _delay("to_sip"), "0.3 / - / 2", "0.2 / 0.4", "0.2 / 0.4", 2),
    Row("SIP to GSM, at the voice port", _delay("to_gsm"), "1", "10 to 22", "0.3", 2),
    Row("  as heard behind the modem", _delay("heard"), "", "19 to 36", "4 to 19"),
    Row("  of it the wait for the modem's read", _delay("wait")),
    Row("  above that wait", _delay("above"), "3 / - / 6"),
    Row("  sent too late for that read, %", ("too_late",)),
)

ROWS: tuple[tuple[str, tuple[Row, ...]], ...] = (
    ("Added one-way delay, ms: p50 / p95 / p99", _DELAYS),
    (
        "Set-up, ms: p50 / worst",
        (
            Row("caller's number to INVITE", _time("number_to_invite"), "10", "5", "2"),
            Row("INVITE (with credentials) to ATD", _time("invite_to_dial"), "10", "5", "5"),
            Row("INVITE (the challenged one) to ATD", _time("first_invite_to_dial")),
            Row("modem's answer to 200 OK", _time("answer_to_ok"), "", "1", "1"),
            Row("phone's 200 OK to ATA", _time("ok_to_answer")),
        ),
    ),
    (
        "Cost of the daemon",
        (
            Row("processor per call, % of a core", ("cpu_per_call",), "0.6 at 8", "0.65 at 8", "0.65 at 8", 2),
            Row("  of it in system calls, %", ("cpu_kernel",), digits=0),
            Row("  of a bare loop that passes all on", ("cpu_floor",), digits=2),
            Row("processor without calls, %", ("cpu_idle",), digits=2),
            Row("resident MiB, idle / in the talk", ("rss_idle", "rss_talk"), "110", "34", "34", 0),
            Row("late for what was due, ms: p99 / worst", ("late_p99", "late_worst"), "5"),
        ),
    ),
    (
        "How good the measurement is",
        (
            Row("calls measured / frames found", ("calls_measured", "frames"), digits=0),
            Row("frames not found, to SIP / to GSM", ("to_sip_missing", "to_gsm_missing"), digits=0),
            Row("bytes dropped by the modems", ("dropped_bytes",), digits=0),
            Row("modems' ticks late, ms: p99 / worst", ("ticks_p99", "ticks_max")),
            Row("phones' ticks late, ms: p99 / worst", ("phone_ticks_p99", "phone_ticks_max")),
            Row("daemon waited for a processor, %", ("daemon_waited",), digits=2),
            Row("other programs, % of the machine", ("others",)),
            Row("load average", ("load_average",)),
            Row("one commit to the disk, ms", ("commit",)),
        ),
    ),
)

_TITLE, _CELL, _SIDE = 38, 23, 14


def table(levels: list[Level]) -> str:
    """All levels side by side."""
    figures = [level.figures() for level in levels]
    lines = [_line("", [level.title for level in levels], "aim", "chan_dongle", "chan_quectel")]
    for heading, rows in ROWS:
        lines += ["", heading]
        lines += [
            _line(f"  {row.title}", [_cell(row, each) for each in figures], row.aim, row.dongle, row.quectel)
            for row in rows
        ]
    lines += ["", f"References: {REFERENCES}."]
    return "\n".join(lines)


def family_table(level: Level) -> str:
    """The delays of each family at one level."""
    families = level.by_family()
    lines = [_line(f"Per family, {level.title} at once, ms", list(families))]
    lines += [_line(f"  {row.title}", [_cell(row, each) for each in families.values()]) for row in _DELAYS]
    return "\n".join(lines)


def _cell(row: Row, figures: Figures) -> str:
    return " / ".join(_number(figures[name], row.digits) for name in row.names)


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _line(title: str, cells: list[str], *sides: str) -> str:
    return (
        f"{title:<{_TITLE}}"
        + "".join(f"{each:>{_CELL}}" for each in cells)
        + "".join(f"{each:>{_SIDE}}" for each in sides)
    ).rstrip()
