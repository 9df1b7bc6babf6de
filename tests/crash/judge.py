"""What must be true after a kill: a whole database, a row for each call, its minute counted, each message once, each
file a WAV."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
import wave
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.emulator.client import CallFacts

MOST_LOST_SECONDS = 1.0


class Unkept(Exception):
    """A promise was not kept."""


@dataclass(frozen=True, slots=True)
class Before:
    """What had been there before the round."""

    calls: int
    minutes: int
    """Of the budget, all that was ever counted."""
    sums: dict[str, str]
    """SHA-256 by path of the recordings that were finished."""


class Evidence:
    """The data directory, looked at from outside."""

    def __init__(self, data: Path) -> None:
        self._data = data

    async def taken(self) -> Before:
        """As it is now."""
        return await asyncio.to_thread(self._taken)

    async def judge(
        self, before: Before, *, killed_at: float, call: CallFacts | None, text: str, within: float
    ) -> float | None:
        """Raises Unkept. The seconds of the recording that are lost; None when the call was not recorded yet."""
        deadline = time.monotonic() + within
        while True:  # the SMS may come from the SIM again, and what is mended is written after the start
            try:
                return await asyncio.to_thread(self._judge, before, killed_at, call, text)
            except (Unkept, FileNotFoundError):
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)

    def _taken(self) -> Before:
        recordings = self._data / "recordings"
        sums = {
            str(file.relative_to(recordings)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in recordings.rglob("*.wav")
        }
        if not (self._data / "simbridge.db").exists():
            return Before(0, 0, sums)
        return Before(len(self._rows("SELECT id FROM calls")), self._minutes(), sums)

    def _judge(self, before: Before, killed_at: float, call: CallFacts | None, text: str) -> float | None:
        (whole,) = self._rows("PRAGMA integrity_check")[0]
        _hold(whole == "ok", f"the database is damaged: {whole}")
        kept = self._rows("SELECT count(*) FROM messages WHERE text = ?", text)[0][0]
        _hold(kept == 1, f"the SMS {text!r} is kept {kept} times")
        calls = self._rows("SELECT id, ended_at FROM calls ORDER BY started_at, id")[before.calls :]
        _hold(len(calls) <= 1, f"one call has {len(calls)} rows")
        _hold(call is None or len(calls) == 1, "the courier's mobile rang, and no row tells of it")
        _hold(all(ended for _, ended in calls), "a call that was cut off is still open")
        self._judge_counters(self._minutes() - before.minutes, was_dialled=call is not None)
        recordings = self._data / "recordings"
        for path, checksum in before.sums.items():
            now = hashlib.sha256((recordings / path).read_bytes()).hexdigest()
            _hold(now == checksum, f"the finished recording {path} was changed")
        _hold(not list(recordings.rglob("*.part")), "a recording was not mended")
        for file in recordings.rglob("*.wav"):
            if str(file.relative_to(recordings)) not in before.sums:
                _hold(_seconds(file) >= 0, f"{file.name} is no WAV")
        return self._lost(calls[0][0], killed_at) if calls else None

    def _judge_counters(self, minutes: int, *, was_dialled: bool) -> None:
        """A call that was cut off in its first minute has cost that minute; one that was not dialled yet, perhaps."""
        left_open = self._rows("SELECT count(*) FROM reservations WHERE settled_at IS NULL")[0][0]
        _hold(left_open == 0, f"{left_open} reservations were left open")
        allowed = (1,) if was_dialled else (0, 1)
        _hold(minutes in allowed, f"{minutes} minutes were counted for a call of {'one' if was_dialled else 'none'}")

    def _minutes(self) -> int:
        return int(self._rows("SELECT coalesce(sum(minutes), 0) FROM budget_minutes")[0][0])

    def _lost(self, call_id: str, killed_at: float) -> float | None:
        rows = self._rows("SELECT path, started_at, state, deleted_at FROM recordings WHERE call_id = ?", call_id)
        if not rows:
            return None
        path, started_at, state, _ = rows[0]
        _hold(state == "finished", "the recording's row was left open")
        began = datetime.strptime(started_at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()
        file = self._data / "recordings" / path
        lost = killed_at - began - (_seconds(file) if file.exists() else 0.0)
        _hold(lost <= MOST_LOST_SECONDS, f"{lost:.2f} s of a recording are lost")
        return max(0.0, lost)

    def _rows(self, query: str, *values: str) -> list[Any]:
        with closing(sqlite3.connect(self._data / "simbridge.db", timeout=10)) as connection:
            return connection.execute(query, values).fetchall()


def _hold(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Unkept(otherwise)


def _seconds(file: Path) -> float:
    with wave.open(str(file)) as sound:
        seconds: float = sound.getnframes() / sound.getframerate()
        return seconds
