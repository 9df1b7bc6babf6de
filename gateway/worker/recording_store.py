"""The shared store of recordings: a bucket that speaks S3. The verbs block, within bounds.

The library is loaded when the first file goes there: a gateway alone never needs it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gateway.replication_settings import ReplicationSettings

if TYPE_CHECKING:
    from obstore.store import S3Store

_PIECE_BYTES = 256 * 1024


class RecordingStoreAway(OSError):
    """The bucket cannot be reached, or refuses what we want of it."""


class RecordingStore:
    """The verbs raise RecordingStoreAway."""

    def __init__(self, place: ReplicationSettings) -> None:
        self._place = place
        self._bucket: S3Store | None = None

    def put(self, name: str, file: Path) -> None:
        """Have the file there; the store itself compares it with its SHA-256, which goes with it."""
        import obstore  # noqa: PLC0415  # loaded only where there is a bucket

        with _told():
            obstore.put(self._opened(), name, file)

    def sha256(self, name: str) -> str:
        """Of what is there, read back, in hexadecimal."""
        digest = hashlib.sha256()
        for piece in self._pieces(name):
            digest.update(piece)
        return digest.hexdigest()

    def fetch(self, name: str, into: BinaryIO) -> str:
        """Copy what is there; its SHA-256, in hexadecimal."""
        digest = hashlib.sha256()
        for piece in self._pieces(name):
            digest.update(piece)
            into.write(piece)
        return digest.hexdigest()

    def remove(self, name: str) -> None:
        """Have nothing there under that name, whether or not there was."""
        import obstore  # noqa: PLC0415  # as above

        with _told():
            try:
                obstore.delete(self._opened(), name)
            except FileNotFoundError:
                return

    def _pieces(self, name: str) -> Iterator[bytes]:
        import obstore  # noqa: PLC0415  # as above

        with _told():
            for piece in obstore.get(self._opened(), name).stream(min_chunk_size=_PIECE_BYTES):
                yield bytes(piece)

    def _opened(self) -> S3Store:
        from obstore.store import S3Store  # noqa: PLC0415  # as above

        if self._bucket is None:
            place = self._place
            secret = Path(place.s3_secret_key_file or "").read_text(encoding="utf-8").strip()
            self._bucket = S3Store(
                place.s3_bucket,
                endpoint=(place.s3_endpoint or "").rstrip("/"),
                region=place.s3_region,
                access_key_id=place.s3_access_key or "",
                secret_access_key=secret,
                virtual_hosted_style_request=False,
                checksum_algorithm="SHA256",
                disable_bulk_delete=True,
                client_options={
                    "allow_http": True,
                    "connect_timeout": "10s",
                    "read_timeout": "30s",
                    "timeout": "600s",
                    "pool_max_idle_per_host": "0",
                },
                retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=10)},
            )
        return self._bucket


@contextmanager
def _told() -> Iterator[None]:
    from obstore.exceptions import BaseError  # noqa: PLC0415  # as above

    try:
        yield
    except (BaseError, OSError) as fault:
        # What the library says goes on for lines; its first one tells what is wrong.
        raise RecordingStoreAway(str(fault).split("\n", maxsplit=1)[0][:200]) from fault
