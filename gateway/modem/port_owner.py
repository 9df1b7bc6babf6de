"""Which other program holds a serial port, as far as this user may see."""

from __future__ import annotations

import os
from pathlib import Path

MEDDLERS = ("ModemManager", "gammu-smsd", "smsd", "pppd", "wvdial", "minicom", "picocom", "chan_dongle", "asterisk")
"""Programs that take modems; named where the kernel does not let us see who has the port."""


def owner_of(device: str, proc: Path = Path("/proc")) -> str | None:
    """The program that has `device` open, as "name (pid)"; None when there is none, or it cannot be seen.

    The open files of other users' programs can be seen by root alone. Where none is found, a program that
    is known to take modems and runs on this machine is named with a question mark.
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
    return suspect


def running(program: str, proc: Path = Path("/proc")) -> int | None:
    """The process id of a program of that name."""
    return next((int(each.name) for each in proc.glob("[0-9]*") if _name(each) == program), None)


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
            if str(descriptor.readlink()) == wanted:
                return True
        except OSError:
            continue
    return False
