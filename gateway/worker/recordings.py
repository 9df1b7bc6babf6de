"""Recordings as bytes: found by id, opened below their root and nowhere else, served in ranges (T-W3, T-W11)."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from aiohttp import web

from gateway.api.problems import RangeNotSatisfiable, RecordingAway
from gateway.worker.sealed import SUFFIX, KeyRing, SealedSound

_PIECE_BYTES = 128 * 1024
_TYPES = {".wav": "audio/wav", ".opus": "audio/ogg", ".mp3": "audio/mpeg"}


@dataclass(frozen=True, slots=True)
class OpenRecording:
    """An open file and what is known of it; `size` is that of the sound, `sealed` its content where it is sealed."""

    descriptor: int
    size: int
    etag: str
    sealed: SealedSound | None = None

    def read_at(self, count: int, place: int) -> bytes:
        """At most `count` bytes of the sound from `place`; none at the end. Raises OSError."""
        if self.sealed is not None:
            return self.sealed.read_at(count, place)
        return os.pread(self.descriptor, count, place)

    @contextmanager
    def as_file(self) -> Iterator[BinaryIO]:
        """The sound as a file of its own to read from its beginning."""
        if self.sealed is not None:
            self.sealed.seek(0)
            yield cast("BinaryIO", self.sealed)
            return
        with os.fdopen(os.dup(self.descriptor), "rb") as file:
            yield file


@contextmanager
def open_below(root: Path, relative: str, keys: KeyRing) -> Iterator[OpenRecording]:
    """Open a regular file below `root`, following no symbolic link on the way. Raises RecordingAway and KeyMissing."""
    parts = PurePosixPath(relative).parts
    if not parts or relative.startswith("/") or any(part in ("..", ".") or "\0" in part for part in parts):
        raise RecordingAway("The path of the recording is not below its directory.")
    descriptors: list[int] = []
    try:
        try:
            descriptors.append(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            for part in parts[:-1]:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                descriptors.append(os.open(part, flags, dir_fd=descriptors[-1]))
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptors.append(os.open(parts[-1], flags, dir_fd=descriptors[-1]))
            facts = os.fstat(descriptors[-1])
        except OSError as error:
            raise RecordingAway(f"The file {relative} cannot be read: {error.strerror}.") from error
        if not stat.S_ISREG(facts.st_mode):
            raise RecordingAway(f"{relative} is not a file.")
        sealed = _unsealed(descriptors[-1], keys) if relative.endswith(SUFFIX) else None
        size = facts.st_size if sealed is None else sealed.size
        yield OpenRecording(descriptors[-1], size, f'"{facts.st_size:x}-{facts.st_mtime_ns:x}"', sealed)
    finally:
        for descriptor in reversed(descriptors):
            os.close(descriptor)


def wanted_range(header: str | None, size: int) -> tuple[int, int] | None:
    """(first, end) of a Range header with one byte range (RFC 9110 section 14.1.2); None: send all of it.

    A header that we do not understand, or that wants several parts, is ignored as section 14.2 allows.
    Raises RangeNotSatisfiable.
    """
    match = re.fullmatch(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", header or "", re.ASCII)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        first, end = max(0, size - int(match[2])), size
    else:
        first, end = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < int(match[1]):
            return None
    if first >= size or first >= end:
        raise RangeNotSatisfiable(f"The recording has {size} bytes.", size=size)
    return first, end


async def send_recording(request: web.Request, recording: OpenRecording, *, filename: str) -> web.StreamResponse:
    """Answer with the file, or the part that is asked for."""
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Type": _TYPES.get(PurePosixPath(filename).suffix, "application/octet-stream"),
        "Content-Disposition": f'inline; filename="{filename}"',
        "ETag": recording.etag,
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("If-None-Match") == recording.etag:
        return web.Response(status=304, headers={name: headers[name] for name in ("Cache-Control", "ETag")})
    may_be_part = request.headers.get("If-Range", recording.etag) == recording.etag
    part = wanted_range(request.headers.get("Range"), recording.size) if may_be_part else None
    first, end = part or (0, recording.size)
    response = web.StreamResponse(status=206 if part else 200, headers=headers)
    response.content_length = end - first
    if part:
        response.headers["Content-Range"] = f"bytes {first}-{end - 1}/{recording.size}"
    await response.prepare(request)
    if request.method != "HEAD":
        await _copy(recording, first, end, response)
    return response


def _unsealed(descriptor: int, keys: KeyRing) -> SealedSound:
    try:
        return SealedSound(descriptor, keys)
    except OSError as error:
        raise RecordingAway(str(error)) from error


async def _copy(recording: OpenRecording, first: int, end: int, response: web.StreamResponse) -> None:
    place = first
    while place < end:
        try:
            piece = await asyncio.to_thread(recording.read_at, min(_PIECE_BYTES, end - place), place)
        except OSError as error:
            raise ConnectionResetError(f"the file cannot be read on: {error}") from error
        if not piece:
            raise ConnectionResetError("the file became shorter while it was sent")
        await response.write(piece)
        place += len(piece)
    await response.write_eof()
