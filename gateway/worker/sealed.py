"""Recordings that a stolen card does not tell: sealed by AES-256-GCM in pieces, read from any place (T-L9).

A file has a key of its own, drawn by HKDF (RFC 5869) from the owner's key and the file's salt, so that no nonce ever
comes twice. Each piece of 64 KiB is sealed with its number as nonce, and with the head of the file, which holds the
length: pieces can be neither exchanged nor left out. The keys lie in a directory of their own; a new one is made when
there is none, and an old one is kept for the files that it opens.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import GatewayError

SUFFIX = ".sealed"
PIECE_BYTES = 64 * 1024
_MAGIC = b"simbridge sound1"
_HEAD = struct.Struct(">16s8s16sQ")
"""Magic, the key's id, the salt, the length of what is sealed."""
_TAG_BYTES = 16
_KEY_BYTES = 32
_PIECES_KEPT = 4


class KeyMissing(GatewayError):
    """A recording cannot be opened, because its key is not there any more."""

    code = "recording-key-missing"


class KeyRing:
    """The keys in a directory, `<id>.key` each, readable for their owner alone."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[bytes, bytes] = {}

    def newest(self) -> tuple[bytes, bytes]:
        """Id and key for what is sealed now; made, and on disk, when there is none. Raises OSError."""
        files = sorted(self._directory.glob("*.key"), key=lambda file: (file.stat().st_mtime_ns, file.name))
        if files:
            return _id_of(key := _read(files[-1])), key
        key = secrets.token_bytes(_KEY_BYTES)
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._directory / f"{_id_of(key).hex()}.key"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        _sync(self._directory)
        return _id_of(key), key

    def of(self, key_id: bytes) -> bytes:
        """The key of that id. Raises KeyMissing."""
        if key_id not in self._known:
            path = self._directory / f"{key_id.hex()}.key"
            try:
                self._known[key_id] = _read(path)
            except OSError as fault:
                raise KeyMissing(f"The key {path} that opens this recording is not there.", key=path.name) from fault
        return self._known[key_id]


def seal(source: Path, target: Path, keys: KeyRing) -> None:
    """Write `source` sealed to `target`, in the place of what is there, and onto the disk. Raises OSError."""
    key_id, key = keys.newest()
    salt, length = secrets.token_bytes(16), source.stat().st_size
    head = _HEAD.pack(_MAGIC, key_id, salt, length)
    cipher = _cipher(key, salt)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    with os.fdopen(descriptor, "wb") as file, source.open("rb") as content:
        file.write(head)
        number = 0
        while piece := content.read(PIECE_BYTES):
            file.write(cipher.encrypt(_nonce(number), piece, head))
            number += 1
        file.flush()
        os.fsync(file.fileno())


class SealedSound(io.RawIOBase):
    """The content of a sealed file, read from any place. `descriptor` stays its owner's.

    Raises KeyMissing at once, and OSError for a piece that is not as it was written.
    """

    def __init__(self, descriptor: int, keys: KeyRing) -> None:
        super().__init__()
        head = os.pread(descriptor, _HEAD.size, 0)
        if len(head) < _HEAD.size or not head.startswith(_MAGIC):
            raise OSError("This is no sealed recording.")
        _, key_id, salt, self.size = _HEAD.unpack(head)
        self._head = head
        self._descriptor = descriptor
        self._cipher = _cipher(keys.of(key_id), salt)
        self._pieces: OrderedDict[int, bytes] = OrderedDict()
        self._place = 0

    def read_at(self, count: int, place: int) -> bytes:
        """At most `count` bytes from `place`, of one piece; none at the end."""
        if not 0 <= place < self.size:
            return b""
        number, within = divmod(place, PIECE_BYTES)
        return self._piece(number)[within : within + count]

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where reading goes on."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """As of every file."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer: Any, /) -> int:
        """As of every file."""
        view = memoryview(buffer).cast("B")
        content = self.read_at(len(view), self._place)
        view[: len(content)] = content
        self._place += len(content)
        return len(content)

    def _piece(self, number: int) -> bytes:
        if number not in self._pieces:
            sealed = os.pread(
                self._descriptor, PIECE_BYTES + _TAG_BYTES, _HEAD.size + number * (PIECE_BYTES + _TAG_BYTES)
            )
            try:
                piece = self._cipher.decrypt(_nonce(number), sealed, self._head)
            except (InvalidTag, ValueError) as fault:
                raise OSError("The sealed recording was changed, or is not whole.") from fault
            if len(piece) != min(PIECE_BYTES, self.size - number * PIECE_BYTES):
                raise OSError("The sealed recording is not whole.")
            self._pieces[number] = piece
            if len(self._pieces) > _PIECES_KEPT:
                self._pieces.popitem(last=False)
        return self._pieces[number]


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=salt, info=_MAGIC).derive(key))


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(_MAGIC + key).digest()[:8]


def _read(file: Path) -> bytes:
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except ValueError as fault:
        raise OSError(f"{file} is not a key of ours.") from fault
    if len(key) != _KEY_BYTES:
        raise OSError(f"{file} is not a key of ours.")
    return key


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
