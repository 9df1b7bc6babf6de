"""Messages that callers have left: whose they are, which were heard, and whose lamp tells of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

import numpy as np

from gateway.audio.player import ClipSource
from gateway.telephony.queues import shared_boxes
from gateway.telephony.shop import Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftMessage:
    """One of them; `recording_id` is None when its sound is gone."""

    id: str
    mailbox: str
    call_id: str
    caller: str
    caller_name: str
    left_at: datetime
    seconds: float
    recording_id: str | None
    heard_at: datetime | None = None
    heard_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of one mailbox or several."""

    unheard: int = 0
    heard: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(unheard=self.unheard + other.unheard, heard=self.heard + other.heard)


Sound: TypeAlias = Callable[[str], Awaitable[bytes]]
"""What the caller has said in the recording of that id: samples of 16 bits, little-endian, at 8 kHz.

Raises GatewayError when it cannot be had.
"""


class Mailboxes(Protocol):
    """All messages."""

    def counts(self, mailbox: str) -> Counts:
        """How many there are."""

    async def messages(
        self, mailboxes: Sequence[str] | None, *, limit: int, only_unheard: bool
    ) -> Sequence[LeftMessage]:
        """Those of some mailboxes, or of all; the last first. Raises StoreError."""

    async def mark_heard(self, message_id: str, *, by: str) -> bool:
        """Somebody has listened to it, or needs not; False: there is no such message. Raises StoreError."""


class NoMailboxes:
    """Nobody leaves messages here."""

    def counts(self, mailbox: str) -> Counts:  # noqa: ARG002  # the verb's form
        """None."""
        return Counts()

    async def messages(self, mailboxes: Sequence[str] | None, **_: object) -> Sequence[LeftMessage]:  # noqa: ARG002  # the verb's form
        """None."""
        return ()

    async def mark_heard(self, message_id: str, *, by: str) -> bool:  # noqa: ARG002  # the verb's form
        """There is none."""
        return False


def clip_of(sound: bytes) -> ClipSource:
    """A message's sound, to be played."""
    return ClipSource(np.frombuffer(sound[: len(sound) // 2 * 2], dtype="<i2"))


def boxes_of(shop: Shop, extension: str) -> tuple[str, ...]:
    """The mailboxes that a phone listens to: its own, and the shop's where the owner wants that."""
    return (extension, *shared_boxes(shop, extension))


def waiting_for(shop: Shop, extension: str, mailboxes: Mailboxes) -> Counts:
    """What a phone's lamp tells of."""
    return sum((mailboxes.counts(each) for each in boxes_of(shop, extension)), Counts())
