"""Names on the disk: a file that is synced may still lose its own by a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def sync_names(directory: Path) -> None:
    """Have the disk know the files of a directory by their names. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
