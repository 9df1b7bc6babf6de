"""The days that are summed up, kept in a file beside the store, so that a new start has them at once.

The file says no more than the store does and may hold customers' numbers: whoever erases a number removes it
(`forget_days`), and no backup has it. It is believed only where it was made by the same code, of the same store or an
earlier moment of it; of a day that has changed since nothing is taken.
"""

from __future__ import annotations

import hashlib
import io
import logging
import pickle
from collections import OrderedDict
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from gateway.store import figures, occupancy, returns, statistics, waits
from gateway.store.days import Days
from gateway.store.schema import VERSION
from gateway.store.schema_access import audit

log = logging.getLogger(__name__)

FILE = "statistics.days"
_UNFINISHED = f"{FILE}.new"
_CLASSES: dict[tuple[str, str], Any] = {
    (each.__module__, each.__qualname__): each
    for each in (
        figures.Figures, occupancy.BusyTime, occupancy.LineFigures, occupancy.LinesOfStretch, returns.Steps,
        statistics.ClockSums, waits.Wait, OrderedDict, datetime, timedelta, timezone,
    )
}  # fmt: skip
_BROKEN = (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError)


def keep_days(days: Days, connection: Connection, directory: Path) -> bool:
    """Write what is known of days that are as they were; False: something has changed meanwhile, and no file is left.

    Raises OSError. The second look is for a number that was erased while this was being written.
    """
    file, unfinished = directory / FILE, directory / _UNFINISHED
    kept = days.current(connection)
    head = {"version": VERSION, "made_by": _made_by(), "newest": _newest(connection)}
    connection.rollback()
    unfinished.write_bytes(pickle.dumps((head, kept), protocol=pickle.HIGHEST_PROTOCOL))
    unfinished.replace(file)
    if days.current(connection).keys() >= kept.keys():
        return True
    forget_days(directory)
    return False


def recall_days(days: Days, connection: Connection, directory: Path) -> int:
    """Take over what an earlier run has kept, as far as it still holds; of how many parts of days."""
    try:
        head, kept = _Reader(io.BytesIO((directory / FILE).read_bytes())).load()
        if (head["version"], head["made_by"]) != (VERSION, _made_by()) or not _has(connection, head["newest"]):
            return 0
        return days.take(connection, kept)
    except FileNotFoundError:
        return 0
    except _BROKEN as fault:
        log.info("The days that were summed up before cannot be read: %s", type(fault).__name__)
        return 0


def forget_days(directory: Path) -> None:
    """Nothing of them stays on the disk. Raises OSError."""
    for name in (FILE, _UNFINISHED):
        (directory / name).unlink(missing_ok=True)


class _Reader(pickle.Unpickler):
    """Knows the classes of what is kept, and no others."""

    def find_class(self, module: str, name: str) -> Any:
        """One of them."""
        try:
            return _CLASSES[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is nothing of a day") from None


def _newest(connection: Connection) -> str | None:
    """The last row of the audit, which only grows: who has it is this store, now or later."""
    return connection.execute(select(audit.c.id).order_by(audit.c.id.desc()).limit(1)).scalar()


def _has(connection: Connection, audit_id: str | None) -> bool:
    return (
        audit_id is not None
        and connection.execute(select(audit.c.id).where(audit.c.id == audit_id)).first() is not None
    )


@cache
def _made_by() -> str:
    """What the code is that a day is summed up by."""
    code = hashlib.sha256()
    for module in (figures, occupancy, returns, statistics, waits):
        code.update(Path(str(module.__file__)).read_bytes())
    return code.hexdigest()
