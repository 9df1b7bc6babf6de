"""Passwords: hashed with argon2id, one at a time, in a thread of its own (T-W9); and those that we make up."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

Result = TypeVar("Result")
_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def new_code() -> str:
    """Twelve characters in three groups, about 59 bits, easy to type from a console."""
    groups = ("".join(secrets.choice(_CODE_ALPHABET) for _ in range(4)) for _ in range(3))
    return "-".join(groups)


def hash_of(password: str) -> str:
    """What is kept of a password; it takes a while."""
    return _HASHER.hash(password)


class Passwords:
    """Makes and checks hashes. `close` at the end."""

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="password-hash")
        self._hash_of_nobody = ""

    def close(self) -> None:
        """Let the thread go."""
        self.thread.shutdown()

    def warm_up(self) -> None:
        """Have the hash of nobody made, so that the first unknown name takes no longer than the next."""
        self.thread.submit(self._verify, None, "")

    async def hashed(self, password: str) -> str:
        """What is kept of a password."""
        return await self._in_thread(lambda: hash_of(password))

    async def is_right(self, kept: str | None, password: str) -> bool:
        """Whether `password` is the one of which `kept` was made; None, for a name that nobody has, takes as long."""
        return await self._in_thread(lambda: self._verify(kept, password))

    def _verify(self, kept: str | None, password: str) -> bool:
        if not self._hash_of_nobody:
            self._hash_of_nobody = hash_of(secrets.token_hex())
        try:
            return _HASHER.verify(kept or self._hash_of_nobody, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self.thread, work)
