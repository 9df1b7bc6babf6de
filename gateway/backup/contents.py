"""What belongs into a backup, by the names that it has there, and how it is read out again and judged."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from gateway.backup.sealed_file import BackupDamaged, BackupForeign, BackupTooNew, OpeningReader
from gateway.store.schema import VERSION

MANIFEST = "manifest.json"
DATABASE = "data/simbridge.db"
SETTINGS = "settings/gateway.toml"
SECRETS = "settings/secrets"
NUMBER_RANGES = "number-ranges.csv"
"""The registry of numbers that the owner has imported: branches are chosen by it."""
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The first thing in a backup. `schema` is the version of the store in it; `files` are all names that follow."""

    simbridge: str
    schema: str
    made_at: str
    files: tuple[str, ...]

    def to_json(self) -> bytes:
        """As it is stored."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is to be backed up: where it is, and its name in the backup."""

    path: Path
    name: str


def sources(data_dir: Path, config: Path, *, without: frozenset[Path], recordings: bool) -> Iterator[Source]:
    """Everything but the store itself, of which a copy is made first. `without` are files that must stay out."""
    yield Source(config, SETTINGS)
    yield from _below(config.parent / "secrets", SECRETS, without)
    yield from _below(data_dir / "tls", "data/tls", without)
    yield from _below(data_dir / "recording-keys", "data/recording-keys", without)
    yield from _below(data_dir / "prompts", "data/prompts", without)
    ranges = data_dir / NUMBER_RANGES
    if ranges.is_file():
        yield Source(ranges, f"data/{NUMBER_RANGES}")
    if recordings:
        yield from _below(data_dir / "recordings", "data/recordings", without)


def unpack(
    source: BinaryIO, passphrase: str, into: Path, *, told: Callable[[int], None] = lambda _bytes: None
) -> Manifest:
    """Open a backup into an empty directory and judge all of it. Raises BackupUnusable and OSError.

    What is left there when it raises is of no use. `told` hears how many bytes are there, from time to time.
    """
    written = 0
    reader = OpeningReader(source, passphrase)
    names: list[str] = []
    manifest: Manifest | None = None
    try:
        with tarfile.open(fileobj=cast("BinaryIO", reader), mode="r|gz") as archive:
            for member in archive:
                content = archive.extractfile(member)
                if not member.isfile() or content is None or not _is_harmless(member.name):
                    raise BackupForeign(f"The backup holds {member.name!r}, which is none of ours.")
                if manifest is None:
                    manifest = _manifest_of(content.read(), member.name)
                    continue
                names.append(member.name)
                target = into / member.name
                target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
                with target.open("xb") as file:
                    target.chmod(0o600)
                    while block := content.read(_READ_BYTES):
                        file.write(block)
                        written += len(block)
                        told(written)
        while reader.read(_READ_BYTES):
            pass  # what follows the archive is judged too
    except (tarfile.TarError, EOFError) as fault:
        raise BackupDamaged(f"The backup cannot be read: {fault}.") from fault
    if manifest is None or tuple(names) != manifest.files or DATABASE not in names:
        raise BackupDamaged("The backup does not hold what it says.")
    check_database(into / DATABASE, manifest.schema)
    return manifest


def check_database(database: Path, schema: str) -> None:
    """Judge the copy of a store as SQLite does. Raises BackupUnusable."""
    if schema > VERSION:
        raise BackupTooNew(f"The backup is of a newer simbridge (store {schema}, this one knows {VERSION}).")
    try:
        with closing(sqlite3.connect(database)) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            stored = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as fault:
        raise BackupDamaged(f"The store in the backup cannot be opened: {fault}.") from fault
    if verdict != "ok" or stored is None or str(stored[0]) != schema:
        raise BackupDamaged(f"The store in the backup is damaged: {verdict}.")


def settle_promises(database: Path) -> None:
    """Before a restored store is used: what waited to be sent when the backup was made has most likely been sent since.

    Such SMS are of unknown outcome, and a person decides (nothing is paid and read twice by itself); other deliveries
    are not repeated either. Call-backs that customers were promised stay promised. Raises BackupUnusable.
    """
    try:
        with closing(sqlite3.connect(database)) as connection, connection:
            # What is settled here is no news for a shared database, which knows better what became of it.
            connection.execute("UPDATE replication SET is_on = 0")
            connection.execute(
                "UPDATE messages SET state = 'unknown', failure = 'outcome-unknown'"
                " WHERE direction = 'outgoing' AND state IN ('queued', 'sending')"
            )
            connection.execute(
                "UPDATE jobs SET state = 'unknown', finished_at = created_at WHERE state IN ('waiting', 'running')"
            )
            connection.execute("UPDATE replication SET is_on = 1")
    except sqlite3.Error as fault:
        raise BackupDamaged(f"The store in the backup cannot be changed: {fault}.") from fault


def _below(directory: Path, name: str, without: frozenset[Path]) -> Iterator[Source]:
    if directory.is_dir():
        for path in sorted(directory.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.resolve() not in without:
                yield Source(path, f"{name}/{path.relative_to(directory).as_posix()}")


def _is_harmless(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return name == MANIFEST or (len(parts) > 1 and parts[0] in ("data", "settings") and ".." not in parts)


def _manifest_of(content: bytes, name: str) -> Manifest:
    if name != MANIFEST:
        raise BackupDamaged("The backup does not begin with what it holds.")
    try:
        found: dict[str, Any] = json.loads(content)
        return Manifest(**{**found, "files": tuple(found["files"])})
    except (ValueError, KeyError, TypeError) as fault:
        raise BackupDamaged(f"The backup does not say what it holds: {fault}.") from fault
