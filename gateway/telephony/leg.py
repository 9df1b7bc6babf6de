"""Leg: one party's connection to us, a GSM call or a SIP dialog. It ends once, with a Cause.

Two sides use a leg. A flow calls the public verbs; none of them waits for a wire (rule 2 of the
house): they note what is wanted, and the driver's own task does it. The driver subclasses Leg,
implements the `_start_*` and `_send_*` hooks, and reports with `_has_*`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from gateway.audio.port import MediaPort
from gateway.errors import LegEnded
from gateway.ids import new_id
from gateway.telephony.causes import Cause
from gateway.telephony.transfer import OnTransfer, TransferWish


class Direction(StrEnum):
    """Seen from the gateway: INCOMING, they called us; OUTGOING, we call them."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class LegState(StrEnum):
    """NEW -> RINGING -> UP -> ENDED; a state may be skipped, none is gone back to."""

    NEW = "new"
    RINGING = "ringing"
    UP = "up"
    ENDED = "ended"


class Leg(ABC):
    """One party's connection.

    `peer` is the other end: a phone number as the network gave it (E.164 with `+` where known, empty
    when withheld) or an extension. `called` is what an incoming caller dialled: an extension, a trunk's
    number, or the line's name for a call to a SIM. `line` is the name of the SIM line, trunk or
    PBX account that carries it; None for a phone of ours.
    """

    kind: str = "leg"
    """"gsm" or "sip", for records."""

    def __init__(
        self, *, direction: Direction, peer: str, called: str, port: MediaPort, line: str | None = None
    ) -> None:
        self.id = new_id()
        self.direction = direction
        self.peer = peer
        self.called = called
        self.port = port
        self.line = line
        self.display_name = ""
        self.early_media = False
        """True once an outgoing leg brings audio before its answer (183, or a modem that passes the network's tone)."""
        self.on_hold = False
        """The party does not want to hear us: it talks to somebody else, or has us wait."""
        self.held_by_keys = False
        """While on hold: the party's wire does not know of it."""
        self.brings_music = False
        """While on hold: the party itself plays something to whoever waits."""
        self.replaces: Leg | None = None
        """An incoming leg that wants the place of another one (RFC 3891); routing looks at it first."""
        self.call_id = ""
        """The call that the leg belongs to now."""
        self.on_transfer: OnTransfer = _no_transfer
        """Who decides when the party wants the other one connected elsewhere; set while two talk."""
        self.redirected_to = ""
        """Where a phone that was rung wants its call to go instead (SIP 302), as it would dial it."""
        self.state = LegState.NEW
        self.cause: Cause | None = None
        self.ended_by_peer = False
        """Who ended it: the party (True) or we (False)."""
        self._changed = asyncio.Event()
        self._end_callbacks: list[Callable[[], None]] = []
        self._change_callbacks: list[Callable[[Leg], None]] = []
        self._keys: deque[str] = deque(maxlen=64)
        self._key_callbacks: list[Callable[[str], None]] = []
        self._hold_callbacks: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id[-6:]} {self.direction} {self.peer!r} {self.state}>"

    # Verbs for a flow.

    def ring(self) -> None:
        """Tell an incoming caller that it rings (180; nothing on GSM, where the network does it)."""
        if self.state is LegState.NEW:
            self._start_ringing()
            self._set_state(LegState.RINGING)

    def open_early(self) -> bool:
        """Let an incoming caller hear us before the answer (183); False where the wire cannot do that, as on GSM."""
        if self.state is LegState.UP:
            return True
        if self.state is LegState.ENDED or not self._start_early_media():
            return False
        if self.state is LegState.NEW:
            self._set_state(LegState.RINGING)
        return True

    def answer(self) -> None:
        """Answer an incoming call. Returns at once; `up()` waits until the wire agrees."""
        self.require_alive()
        if self.state in (LegState.NEW, LegState.RINGING):
            self._start_answering()

    def hangup(self, cause: Cause = Cause.HUNG_UP) -> None:
        """End the leg, from our side; idempotent, cannot fail, returns at once.

        On an incoming leg that is not answered the cause decides what the caller is told.
        """
        if self.state is not LegState.ENDED:
            self._start_hangup(cause)
            self._has_ended(cause, by_peer=False)

    def send_key(self, key: str) -> None:
        """Send one of 0-9 * # A-D to the party; keys on an ended leg are dropped."""
        if self.state is LegState.UP:
            self._send_key(key)

    def let_wait(self, waits: bool) -> None:
        """The party wants the other one to wait, or is back, and has said so by keys: its wire cannot tell."""
        self.held_by_keys = waits
        self._has_held(waits)

    def ask_for_transfer(self, wish: TransferWish) -> Cause | None:
        """The party wants the other one connected elsewhere, and says so by keys. None: it is tried, else why not."""
        return self._has_transfer(wish)

    async def up(self, *, within: float | None) -> bool:
        """Wait until the leg is answered; False when it ended, or `within` seconds went by."""
        return await self._wait_for(lambda: self.state is LegState.UP, within)

    async def ended(self, *, within: float | None) -> Cause | None:
        """Wait for the end; its cause, or None when `within` seconds went by first."""
        await self._wait_for(lambda: False, within)
        return self.cause

    async def next_key(self, *, within: float | None) -> str | None:
        """The next key the party pressed (keys pressed before are kept); None on time-out or end."""
        if await self._wait_for(lambda: bool(self._keys), within):
            return self._keys.popleft()
        return None

    def forget_keys(self) -> None:
        """Drop the keys pressed so far."""
        self._keys.clear()

    def require_alive(self) -> None:
        """Raise LegEnded if the leg has ended (rule 3)."""
        if self.state is LegState.ENDED:
            raise LegEnded(
                f"The call with {self.peer or 'an unknown number'} has ended ({self.cause}).", cause=self.cause
            )

    @contextmanager
    def on_end(self, callback: Callable[[], None]) -> Iterator[None]:
        """Within the block, call `callback` once when the leg ends; at once if it has ended already."""
        if self.state is LegState.ENDED:
            callback()
        self._end_callbacks.append(callback)
        try:
            yield
        finally:
            self._end_callbacks.remove(callback)

    def on_change(self, callback: Callable[[Leg], None]) -> None:
        """Call `callback` with the leg at every change of state, for as long as the leg lives."""
        self._change_callbacks.append(callback)

    def on_key(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call `callback` for each key the party presses, until the returned function is called."""
        self._key_callbacks.append(callback)
        return lambda: self._key_callbacks.remove(callback)

    def on_hold_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` whenever `on_hold` has changed, until the returned function is called."""
        self._hold_callbacks.append(callback)
        return lambda: self._hold_callbacks.remove(callback)

    def forget_transfer(self) -> None:
        """From now on there is nobody to connect elsewhere."""
        self.on_transfer = _no_transfer

    # For the driver: what the wire said.

    def _has_rung(self) -> None:
        """An outgoing leg: the other end rings."""
        if self.state is LegState.NEW:
            self._set_state(LegState.RINGING)

    def _has_early_media(self) -> None:
        """An outgoing leg: audio comes before the answer; the caller should hear it instead of our tone."""
        if self.state in (LegState.NEW, LegState.RINGING) and not self.early_media:
            self.early_media = True
            self._set_state(LegState.RINGING)

    def _has_answered(self) -> None:
        """The leg is up: they answered, or our answer took effect."""
        if self.state in (LegState.NEW, LegState.RINGING):
            self._set_state(LegState.UP)

    def _has_ended(self, cause: Cause, *, by_peer: bool = True) -> None:
        """The leg is over; only the first call counts."""
        if self.state is LegState.ENDED:
            return
        self.cause = cause
        self.ended_by_peer = by_peer
        self._set_state(LegState.ENDED)
        for callback in tuple(self._end_callbacks):
            callback()

    def _has_key(self, key: str) -> None:
        """The party pressed a key."""
        if self.state is LegState.ENDED:
            return
        self._keys.append(key)
        self._wake()
        for callback in tuple(self._key_callbacks):
            callback(key)

    def _has_held(self, held: bool, *, brings_music: bool = False) -> None:
        """The party has put us on hold, or come back."""
        self.brings_music = brings_music
        if held is not self.on_hold and self.state is not LegState.ENDED:
            self.on_hold = held
            for callback in tuple(self._hold_callbacks):
                callback()

    def _has_transfer(self, wish: TransferWish) -> Cause | None:
        """The party wants the other one connected elsewhere: None when it will be tried, else why not."""
        return self.on_transfer(wish) if self.state is LegState.UP else Cause.REJECTED

    def _start_early_media(self) -> bool:
        """Begin to let the caller hear us before the answer; False where that cannot be."""
        return False

    @abstractmethod
    def _start_ringing(self) -> None:
        """Begin to tell the caller that it rings."""

    @abstractmethod
    def _start_answering(self) -> None:
        """Begin to answer; `_has_answered` follows when it took effect."""

    @abstractmethod
    def _start_hangup(self, cause: Cause) -> None:
        """Begin to end the leg on the wire."""

    @abstractmethod
    def _send_key(self, key: str) -> None:
        """Begin to send a key."""

    # Inside.

    def _set_state(self, state: LegState) -> None:
        self.state = state
        self._wake()
        for callback in tuple(self._change_callbacks):
            callback(self)

    def _wake(self) -> None:
        """Wake whoever waits; each looks for itself whether its moment has come."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait_for(self, happened: Callable[[], bool], within: float | None) -> bool:
        """Wait until `happened` holds (True), the leg ends or the time is over (False)."""
        try:
            async with asyncio.timeout(within):
                while not happened():
                    if self.state is LegState.ENDED:
                        return False
                    await self._changed.wait()
        except TimeoutError:
            return happened()  # it may have, in the very moment in which the time was over
        return True


def _no_transfer(_wish: TransferWish) -> Cause:
    """Nobody talks: there is nobody to connect elsewhere."""
    return Cause.REJECTED
