"""A file that only its passphrase opens, and that nobody can shorten, lengthen or change unseen.

The key comes from the passphrase by scrypt (RFC 7914). The content is cut into blocks of one mebibyte, each
sealed by AES-256-GCM (NIST SP 800-38D) with a nonce that counts the blocks and marks the last one, so that blocks
can be neither exchanged nor left out. Layout: MAGIC, 16 bytes of salt, 7 bytes that begin each nonce, the blocks.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, BinaryIO

from gateway.errors import GatewayError

# cryptography is loaded where a file is sealed or opened: the daemon only looks at which there are.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"simbridge backup 1\n"
BLOCK_BYTES = 1 << 20
_TAG_BYTES = 16
_SALT_BYTES = 16
_PREFIX_BYTES = 7
_SCRYPT_COST = 1 << 16
"""64 MiB and about half a second on a Raspberry Pi: the price of one guess."""


class BackupUnusable(GatewayError):
    """A backup cannot be made, opened or put back; the message says why."""

    code = "backup-unusable"


class BackupForeign(BackupUnusable):
    """The file is none that simbridge has made."""

    code = "backup-foreign"


class WrongPassphrase(BackupUnusable):
    """The passphrase does not open the backup."""

    code = "backup-passphrase-wrong"


class BackupDamaged(BackupUnusable):
    """The backup is cut off, or was changed."""

    code = "backup-damaged"


class BackupTooNew(BackupUnusable):
    """The backup is of a later release than this one."""

    code = "backup-too-new"


class SealingWriter:
    """What is written goes sealed into `target`; `finish` seals the last block. Without it the file is a torso."""

    def __init__(self, target: BinaryIO, passphrase: str) -> None:
        salt, self._prefix = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_PREFIX_BYTES)
        self._header = MAGIC + salt + self._prefix
        self._cipher = _cipher(passphrase, salt)
        self._target = target
        self._waiting = bytearray()
        self._count = 0
        target.write(self._header)

    def write(self, content: bytes, /) -> int:
        """Take all of it. Raises OSError."""
        self._waiting += content
        while len(self._waiting) > BLOCK_BYTES:
            self._seal(bytes(self._waiting[:BLOCK_BYTES]), is_last=False)
            del self._waiting[:BLOCK_BYTES]
        return len(content)

    def finish(self) -> None:
        """The end: what waits becomes the last block, be it empty."""
        self._seal(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _seal(self, block: bytes, *, is_last: bool) -> None:
        nonce = _nonce(self._prefix, self._count, is_last=is_last)
        self._target.write(self._cipher.encrypt(nonce, block, self._header))
        self._count += 1


class OpeningReader:
    """Reads what a SealingWriter wrote. Every byte it gives was judged. Raises BackupUnusable at any other."""

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        self._header = source.read(len(MAGIC) + _SALT_BYTES + _PREFIX_BYTES)
        if not self._header.startswith(MAGIC) or len(self._header) < len(MAGIC) + _SALT_BYTES + _PREFIX_BYTES:
            raise BackupForeign("This file is not a simbridge backup.")
        salt = self._header[len(MAGIC) : len(MAGIC) + _SALT_BYTES]
        self._cipher = _cipher(passphrase, salt)
        self._source = source
        self._opened = bytearray()
        self._count = 0
        self._is_over = False
        self._next = source.read(BLOCK_BYTES + _TAG_BYTES)

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes, and less only at the end."""
        while len(self._opened) < size and not self._is_over:
            self._open_block()
        taken = bytes(self._opened[:size])
        del self._opened[:size]
        return taken

    def _open_block(self) -> None:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # as said above

        block, self._next = self._next, self._source.read(BLOCK_BYTES + _TAG_BYTES)
        self._is_over = not self._next
        nonce = _nonce(self._header[-_PREFIX_BYTES:], self._count, is_last=self._is_over)
        try:
            self._opened += self._cipher.decrypt(nonce, block, self._header)
        except (InvalidTag, ValueError) as fault:
            if self._count == 0:
                raise WrongPassphrase(
                    "The passphrase is not the one of this backup, or its beginning is damaged."
                ) from fault
            raise BackupDamaged("The backup is damaged, or not whole.") from fault
        self._count += 1


def _nonce(prefix: bytes, count: int, *, is_last: bool) -> bytes:
    return prefix + count.to_bytes(4, "big") + bytes([is_last])


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # as said above
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt  # noqa: PLC0415  # as said above

    return AESGCM(Scrypt(salt=salt, length=32, n=_SCRYPT_COST, r=8, p=1).derive(passphrase.encode()))
