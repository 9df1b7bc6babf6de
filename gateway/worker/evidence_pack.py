"""The evidence pack of one order: a ZIP file with the sound, the call log, SMS, who has listened, and check sums (B8).

`sha256sum -c SHA256SUMS` in the unpacked directory says whether a file was changed since. What was sealed is open in
the pack: whoever has it can listen.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from gateway.errors import GatewayError
from gateway.store.order_evidence import OrderEvidence
from gateway.worker.sealed import KeyRing
from gateway.worker.sound_entry import copied, plain_name, sound_suffix

_CALL_COLUMNS = (
    "id", "started_at", "answered_at", "ended_at", "direction", "caller", "called", "line", "courier", "shown",
    "answered_by", "cause", "ended_by", "talk_seconds", "cost",
)  # fmt: skip
_MESSAGE_COLUMNS = ("id", "time", "direction", "line", "peer", "state", "text", "sent_at", "delivered_at")
_ORDER_COLUMNS = (
    "number", "phone", "customer", "courier", "stage", "note", "created_at", "changed_at", "expires_at", "ended_at",
    "closed_at",
)  # fmt: skip


def write_pack(evidence: OrderEvidence, target: BinaryIO, recordings_dir: Path, keys: KeyRing) -> None:
    """Write the pack. A recording that cannot be read is named in recordings.csv with the reason. Raises OSError."""
    sums: list[tuple[str, str]] = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as pack:

        def add(name: str, content: bytes) -> None:
            pack.writestr(name, content)
            sums.append((hashlib.sha256(content).hexdigest(), name))

        sounds: list[Sequence[object]] = []
        for row in evidence.recordings:
            name = _file_name(row.path, row.id, row.started_at)
            try:
                digest = _add_sound(pack, name, recordings_dir, row.path, keys)
            except (GatewayError, OSError) as fault:
                name, digest, trouble = "", "", str(fault)
            else:
                sums.append((digest, name))
                trouble = ""
            sounds.append((row.id, row.call_id, row.started_at, row.seconds, name, digest, row.sha256, trouble))
        order = {name: _plain(getattr(evidence.order, name)) for name in _ORDER_COLUMNS}
        add("order.json", json.dumps(order, ensure_ascii=False, indent=1).encode())
        add("calls.csv", _table(_CALL_COLUMNS, (_picked(row, _CALL_COLUMNS) for row in evidence.calls)))
        add(
            "recordings.csv",
            _table(("id", "call", "started_at", "seconds", "file", "sha256", "sha256_when_made", "trouble"), sounds),
        )
        add("messages.csv", _table(_MESSAGE_COLUMNS, (_picked(row, _MESSAGE_COLUMNS) for row in evidence.messages)))
        heard = ((each.time, each.by, each.recording_id, each.downloaded) for each in evidence.listenings)
        add("who-listened.csv", _table(("time", "by", "recording", "downloaded"), heard))
        pack.writestr("SHA256SUMS", "".join(f"{digest}  {name}\n" for digest, name in sums))


def _add_sound(pack: zipfile.ZipFile, name: str, root: Path, path: str, keys: KeyRing) -> str:
    """Copy one recording; its check sum. Raises OSError, RecordingAway and KeyMissing."""
    digest = hashlib.sha256()
    for _ in copied(pack, name, path, root=root, keys=keys, digest=digest):
        pass
    return digest.hexdigest()


def _file_name(path: str, recording_id: str, started_at: datetime) -> str:
    return f"recordings/{started_at:%Y-%m-%dT%H-%M-%SZ}-{plain_name(recording_id)}{sound_suffix(path)}"


def _picked(row: Any, names: Sequence[str]) -> list[object]:
    values = [getattr(row, name) for name in names]
    return [
        value / 100 if name == "cost" and value is not None else value
        for name, value in zip(names, values, strict=True)
    ]


def _table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """CSV (RFC 4180) that a spreadsheet opens as UTF-8; no text of a stranger becomes a formula in it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    for row in rows:
        writer.writerow([_harmless(_plain(value)) for value in row])
    return text.getvalue().encode("utf-8-sig")


def _plain(value: object) -> object:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


def _harmless(value: object) -> object:
    """A text that a spreadsheet would calculate is quoted; a telephone number with its + is none."""
    if isinstance(value, str) and value[:1] in "=+-@\t\r" and value and not re.fullmatch(r"\+?[0-9 ]+", value):
        return "'" + value
    return value
