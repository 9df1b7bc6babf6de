"""GsmLeg: the party at the other end of a modem's call. It notes what is wanted; the call's own task does it."""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum

from gateway.audio.dtmf import DtmfDetector
from gateway.audio.frame import Frame
from gateway.audio.port import MediaPort
from gateway.modem.reports import Stage
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Direction, Leg, LegState

_LASTING = (Cause.NETWORK_LOST, Cause.MODEM_LOST)
"""Causes that mean the same after the answer as before."""


_REMEMBERED_KEYS = 16
_SAME_KEY_SECONDS = 1.5


class KeySource(Enum):
    """Who says that a key was pressed."""

    NEWS = "news"
    SOUND = "sound"


class GsmLeg(Leg):
    """One GSM call. `network_number` is the peer as the network wrote it, before it was made E.164."""

    kind = "gsm"

    def __init__(self, *, direction: Direction, peer: str, called: str, port: MediaPort, line: str) -> None:
        super().__init__(direction=direction, peer=peer, called=called, port=port, line=line)
        self.network_number = peer
        self.wanted = asyncio.Event()
        """Set whenever the task of the call has something to do."""
        self.wants_answer = False
        self.keys_to_send: deque[str] = deque(maxlen=64)
        self._has_rung_there = False
        self._told_keys = {by: deque[tuple[str, float]](maxlen=_REMEMBERED_KEYS) for by in KeySource}
        """Keys that one source has told and the other has not yet, with the time."""

    # For the modem's side.

    @property
    def has_ended(self) -> bool:
        """The leg is over."""
        return self.state is LegState.ENDED

    def has_reached(self, stage: Stage) -> None:
        """The modem says how far the call is."""
        match stage:
            case Stage.ALERTING if self.direction is Direction.OUTGOING:
                self._has_rung_there = True
                self._has_rung()
            case Stage.ACTIVE:
                self._has_answered()
            case _:
                pass

    def is_over(self, cause: Cause | None) -> None:
        """The modem, or the network, has ended the call."""
        self._has_ended(self._meaning(cause))

    def fail(self, cause: Cause) -> None:
        """We end the call for a reason of our own, and there is nothing to hang up."""
        self._has_ended(cause, by_peer=False)

    def heard_key(self, key: str, by: KeySource) -> None:
        """The party pressed a key, as the modem says or as we hear; told by both, it counts once."""
        now = asyncio.get_running_loop().time()
        other = self._told_keys[KeySource.SOUND if by is KeySource.NEWS else KeySource.NEWS]
        while other and other[0][1] < now - _SAME_KEY_SECONDS:
            other.popleft()
        known = next((each for each in other if each[0] == key), None)
        if known is not None:
            other.remove(known)
            return
        self._told_keys[by].append((key, now))
        self._has_key(key)

    def listen_for_keys(self) -> None:
        """Find keys in the party's audio: not every modem has news of them, and on some networks none come."""
        detector = DtmfDetector()

        def listen(frame: Frame, position: int) -> None:
            del position
            key = detector.feed(frame)
            if key is not None and self.state is LegState.UP:
                self.heard_key(key, KeySource.SOUND)

        self.port.listen(listen)

    def _meaning(self, cause: Cause | None) -> Cause:
        """What an end means at this point of the call: "normal clearing" of an unanswered call is no hang-up."""
        if cause in _LASTING:
            return cause
        if self.state is LegState.UP:
            return Cause.HUNG_UP
        if self.direction is Direction.INCOMING:
            return Cause.CANCELLED
        if cause is None or cause is Cause.HUNG_UP:
            return Cause.NO_ANSWER if self._has_rung_there else Cause.UNREACHABLE
        return cause

    # What a flow wants.

    def _start_ringing(self) -> None:
        """Nothing to do: the caller hears the network's own tone."""

    def _start_answering(self) -> None:
        self.wants_answer = True
        self.wanted.set()

    def _start_hangup(self, cause: Cause) -> None:
        del cause  # GSM tells the caller one thing only: that the call was declined
        self.wanted.set()

    def _send_key(self, key: str) -> None:
        self.keys_to_send.append(key)
        self.wanted.set()
