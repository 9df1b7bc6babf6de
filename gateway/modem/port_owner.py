"""Which other program holds a serial port, as far as this user may see."""

from __future__ import annotations

import os
from pathlib import Path

MEDDLERS = ("ModemManager", "gammu-smsd", "smsd", "pppd", "wvdial", "minicom", "picocom", "asterisk")
"""Programs that take modems; named where the kernel does not let us see who has the port."""
MEDDLING_UNITS = ("ModemManager", "gammu-smsd", "smstools", "asterisk")
"""The same as services of systemd."""


def owner_of(
    device: str, proc: Path = Path("/proc"), services: Path = Path("/sys/fs/cgroup/system.slice")
) -> str | None:
    """The program that has `device` open, as "name (pid)"; None when there is none, or it cannot be seen.

    The open files of other users' programs can be seen by root alone, and our own unit hides their very
    existence from us (ProtectProc). Where none is found, a program or service that is known to take modems and
    runs on this machine is named with a question mark.
    """
    wanted = os.path.realpath(device)
    suspect: str | None = None
    for directory in sorted(proc.glob("[0-9]*"), key=lambda each: int(each.name)):
        if int(directory.name) == os.getpid():
            continue
        name = _name(directory)
        if _has_open(directory, wanted):
            return f"{name or 'a program'} ({directory.name})"
        if name in MEDDLERS and suspect is None:
            suspect = f"{name} ({directory.name})?"
    if suspect is None:
        suspect = next((f"{unit}?" for unit in MEDDLING_UNITS if _has_processes(services / f"{unit}.service")), None)
    return suspect


def running(program: str, proc: Path = Path("/proc")) -> int | None:
    """The process id of a program of that name."""
    return next((int(each.name) for each in proc.glob("[0-9]*") if _name(each) == program), None)


def _has_processes(service: Path) -> bool:
    """Whether a service runs: cgroup v2, `populated` of cgroup.events."""
    try:
        return "populated 1" in (service / "cgroup.events").read_text(encoding="ascii")
    except OSError:
        return False


def _name(directory: Path) -> str | None:
    try:
        return (directory / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None  # it has just ended


def _has_open(directory: Path, wanted: str) -> bool:
    try:
        descriptors = list((directory / "fd").iterdir())
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            # A container has a /dev/pts/3 of its own, which is not ours.
            if str(descriptor.readlink()) == wanted and descriptor.samefile(wanted):
                return True
        except OSError:
            continue
    return False
