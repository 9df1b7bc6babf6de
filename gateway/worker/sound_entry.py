"""A recording as a file of a ZIP: copied piece by piece, opened if it is sealed."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Protocol

from gateway.worker.recordings import open_below
from gateway.worker.sealed import SUFFIX, KeyRing

_PIECE_BYTES = 256 * 1024


class Digest(Protocol):
    """A check sum in the making."""

    def update(self, data: bytes, /) -> None:
        """So much more of the file."""


def copied(pack: zipfile.ZipFile, name: str, path: str, *, root: Path, keys: KeyRing, digest: Digest) -> Iterator[None]:
    """Copy one recording, one piece after each step. Raises OSError, RecordingAway and KeyMissing.

    What cannot be read at all leaves no empty file in the pack.
    """
    with open_below(root, path, keys) as recording, recording.as_file() as sound:
        first = sound.read(_PIECE_BYTES)
        # Sound does not become smaller by being packed once more.
        entry = zipfile.ZipInfo(name, date_time=datetime.now().timetuple()[:6])  # noqa: DTZ005  # ZIP has local time
        with pack.open(entry, "w") as into:
            piece = first
            while piece:
                digest.update(piece)
                into.write(piece)
                yield
                piece = sound.read(_PIECE_BYTES)


def sound_suffix(path: str) -> str:
    """How the name of the sound ends once it is open."""
    return PurePosixPath(path.removesuffix(SUFFIX)).suffix


def plain_name(text: str) -> str:
    """What every file system takes of a text; a line's name in Cyrillic comes to nothing."""
    return re.sub(r"[^0-9A-Za-z+-]", "", text)
