"""Recordings of many calls as one ZIP file, made while it is sent: neither the memory nor the disk holds it.

It holds the sound, `calls.csv` as the list of calls has it, `recordings.csv` that says which file is of which call, and
`SHA256SUMS`: `sha256sum -c SHA256SUMS` in the unpacked directory says whether a file was changed since. What was sealed
is open in it: whoever has it can listen.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from gateway.errors import GatewayError
from gateway.worker.call_table import call_cells, call_titles
from gateway.worker.sealed import KeyRing
from gateway.worker.seams import Archive
from gateway.worker.sound_entry import copied, plain_name, sound_suffix
from gateway.worker.spreadsheet import as_csv

_COLUMNS = ("id", "call", "started_at", "seconds", "file", "sha256", "trouble")


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """Where the sound is, and for whom the tables are written."""

    archive: Archive
    recordings_dir: Path
    keys: KeyRing
    language: str
    zone: tzinfo


class _Outgoing(io.RawIOBase):
    """What was written and not yet taken; it cannot be gone back in."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any, /) -> int:
        """Keep it until it is taken."""
        piece = bytes(data)
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        """All of it, once."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


@dataclass(slots=True)
class _Tables:
    calls: list[list[object]] = field(default_factory=list)
    recordings: list[list[object]] = field(default_factory=list)
    sums: list[tuple[str, str]] = field(default_factory=list)


def pack_pieces(packing: Packing, wanted: Mapping[str, Sequence[str]]) -> Generator[bytes, None, None]:
    """The ZIP file piece by piece; `wanted` are recordings by the id of their call. It blocks.

    A recording that cannot be read, or is gone by now, is named in recordings.csv with the reason. Raises DBAPIError.
    """
    out, tables = _Outgoing(), _Tables()
    with zipfile.ZipFile(out, "w") as pack:
        for call_id, recording_ids in wanted.items():
            call = packing.archive.call(call_id)
            if call is not None:
                tables.calls.append(call_cells(call, packing.language, packing.zone))
            for recording_id in recording_ids:
                for _ in _add(packing, pack, tables, call or {"id": call_id, "recordings": []}, recording_id):
                    yield out.taken()
        for name, content in _written(tables, packing.language):
            pack.writestr(name, content, zipfile.ZIP_DEFLATED)
    yield out.taken()


def _add(
    packing: Packing, pack: zipfile.ZipFile, tables: _Tables, call: Mapping[str, Any], recording_id: str
) -> Iterator[None]:
    known = next((each for each in call["recordings"] if each["id"] == recording_id), None)
    path = packing.archive.recording_path(recording_id) if known is not None else None
    if known is None or path is None:
        tables.recordings.append([recording_id, call["id"], None, None, None, None, "It is not there any more."])
        return
    began = datetime.fromisoformat(known["started_at"]).astimezone(packing.zone)
    parties = (plain_name(str(call[side])) for side in ("caller", "called"))
    name = "_".join(
        each for each in (f"recordings/{began:%Y-%m-%d_%H-%M-%S}", *parties, plain_name(recording_id)) if each
    ) + sound_suffix(path)
    row: list[object] = [recording_id, call["id"], f"{began:%Y-%m-%d %H:%M:%S}", known["seconds"]]
    digest = hashlib.sha256()
    try:
        yield from copied(pack, name, path, root=packing.recordings_dir, keys=packing.keys, digest=digest)
    except (GatewayError, OSError) as fault:
        tables.recordings.append([*row, None, None, str(fault)])
    else:
        tables.recordings.append([*row, name, digest.hexdigest(), None])
        tables.sums.append((digest.hexdigest(), name))


def _written(tables: _Tables, language: str) -> Iterator[tuple[str, bytes]]:
    for name, titles, rows in (
        ("calls.csv", call_titles(language), tables.calls),
        ("recordings.csv", _COLUMNS, tables.recordings),
    ):
        content = as_csv(titles, rows, language)
        tables.sums.append((hashlib.sha256(content).hexdigest(), name))
        yield name, content
    yield "SHA256SUMS", "".join(f"{digest}  {name}\n" for digest, name in tables.sums).encode()
