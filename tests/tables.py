"""The tables of a new store are made once a run and copied after that: to make them takes a hundred times as long."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path


class MadeOnce:
    """Stands where the store makes the tables of a database, in the tests' own process.

    Where there is a file already, empty or of an older release, the work is done for real.
    """

    def __init__(self, really: Callable[[Path], None], kept: Path) -> None:
        self.really = really
        self._kept = kept
        self._one_at_a_time = threading.Lock()

    def __call__(self, database: Path) -> None:
        if database.exists():
            self.really(database)
            return
        with self._one_at_a_time:
            if not self._kept.exists():
                self.really(self._kept)
        shutil.copy(self._kept, database)  # with its mode
