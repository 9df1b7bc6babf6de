"""What processes cost, from /proc: processor time to the microsecond, memory, and who else was busy."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_IDLE_FIELDS = (3, 4)
"""idle and iowait of the first line of /proc/stat (proc_stat(5)); guest time is part of user time there."""
_BUSY_FIELDS = 8


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process until now."""

    at: float
    ran_seconds: float
    waited_seconds: float
    """Ready to run, without a processor: what a busy machine has taken from it."""
    modes: tuple[int, int]
    """User and system time by the clock's ticks, which are coarse, but tell the two apart."""


def usage(pid: int) -> Usage:
    """User and system time of all threads that live, as the scheduler accounts it (/proc/PID/task/TID/schedstat)."""
    ran = waited = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = (task / "schedstat").read_text().split()
        ran += int(fields[0])
        waited += int(fields[1])
    fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return Usage(time.monotonic(), ran / 1e9, waited / 1e9, (int(fields[11]), int(fields[12])))


def resident_mib(pid: int) -> float:
    """Resident memory now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


@dataclass(frozen=True, slots=True)
class Interval:
    """Between two looks."""

    daemon_share: float
    """Of one core."""
    daemon_waited_share: float
    kernel_share: float
    """Of the daemon's time: what it spent in system calls."""
    others_share: float
    """Of all cores: what everything but the bench's own processes used."""
    load_average: float


class Watch:
    """Looks at the daemon and at the whole machine from its making until `stop`."""

    def __init__(self, daemon: int) -> None:
        self._daemon = daemon
        self._at_start = usage(daemon)
        self._own_at_start = _own_seconds()
        self._machine_at_start = _machine_seconds()

    def stop(self) -> Interval:
        """What has been used since."""
        now = usage(self._daemon)
        seconds = now.at - self._at_start.at
        user, system = (b - a for a, b in zip(self._at_start.modes, now.modes, strict=True))
        others = (_machine_seconds() - self._machine_at_start) - (_own_seconds() - self._own_at_start)
        return Interval(
            daemon_share=(now.ran_seconds - self._at_start.ran_seconds) / seconds,
            daemon_waited_share=(now.waited_seconds - self._at_start.waited_seconds) / seconds,
            kernel_share=system / max(1, user + system),
            others_share=max(0.0, others) / seconds / (os.cpu_count() or 1),
            load_average=os.getloadavg()[0],
        )


def machine() -> str:
    """The machine in a line: processor, cores, system, Python."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model"):
            model = value.strip()
    cores = os.cpu_count() or 1
    return f"{model}, {cores} cores; {platform.system()} {platform.release()}; Python {platform.python_version()}"


def commit_ms(directory: Path, times: int = 30) -> float:
    """The median time of writing 4 KiB and waiting until they are on the disk: part of every commit."""
    path = directory / "commit-probe"
    taken = []
    with path.open("wb", buffering=0) as file:
        for _ in range(times):
            began = time.monotonic()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            taken.append(time.monotonic() - began)
    path.unlink()
    return sorted(taken)[times // 2] * 1000


def _machine_seconds() -> float:
    """Processor time used by everything on this machine since its start, stolen time included."""
    fields = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return sum(value for at, value in enumerate(fields[:_BUSY_FIELDS]) if at not in _IDLE_FIELDS) / _TICKS_PER_SECOND


def _own_seconds() -> float:
    """Of this process and its children that live."""
    own = os.getpid()
    return sum(usage(pid).ran_seconds for pid in (own, *_children(own)))


def _children(parent: int) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # The name, in parentheses, may hold anything; state and parent follow it (proc_pid_stat(5)).
            fields = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if int(fields[1]) == parent:
            found.append(int(process.name))
    return found
