"""Programs of the owner's that are told what happens, each of what it wants to know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


class Happening(StrEnum):
    """What a program can be told of. The words are what it reads: they stay."""

    CALL_STARTED = "call.started"
    CALL_ANSWERED = "call.answered"
    CALL_ENDED = "call.ended"
    CALL_MISSED = "call.missed"
    RECORDING_READY = "recording.ready"
    SMS_RECEIVED = "sms.received"
    ORDER_ASKED = "order.asked"
    ORDER_CHANGED = "order.changed"
    COURIER_ON_SHIFT = "courier.on_shift"
    COURIER_OFF_SHIFT = "courier.off_shift"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHook:
    """One program."""

    id: str = ""
    """Ours, or the name that gateway.toml gives it."""
    name: str = ""
    """The owner's word for it."""
    url: str = ""
    secret: str | None = field(default=None, repr=False)
    """What each message is signed with."""
    events: tuple[Happening, ...] = ()
    panel: str = ""
    """Where the program finds the panel, as https://simbridge.local:8080: what links begin with; empty: with "/"."""
    of_file: bool = False
    """gateway.toml says so: it may be in a private network, and the panel does not change it."""


EventHooksView: TypeAlias = Callable[[], Sequence[EventHook]]
"""Gives them as they are now; whoever holds a view sees a change at the next call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCall:
    """What a program is told of every call."""

    call_id: str
    started_at: datetime
    direction: str = "incoming"
    caller: str = ""
    caller_name: str = ""
    called: str = ""
    line: str | None = None
    courier: str | None = None
    order: str | None = None
    flow: str = ""
    answered_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOffCall:
    """A call that a crash has ended."""

    call: KnownCall
    talk_seconds: float
    total_seconds: float
