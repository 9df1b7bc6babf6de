"""SipLeg: a SIP party as a leg of a call."""

from __future__ import annotations

from typing import Protocol

from gateway.sip.rtp_port import RtpPort
from gateway.sip.session import CallEvents
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Direction, Leg


class CallSide(Protocol):
    """What a leg asks of its call: IncomingCall or OutgoingCall."""

    def ring(self) -> None:
        """Tell the caller that it rings."""

    def open_early(self) -> bool:
        """Let the caller hear us before the answer; False when that cannot be."""

    def answer(self) -> None:
        """Answer."""

    def hangup(self, cause: Cause) -> None:
        """Refuse, cancel or end."""

    def send_key(self, key: str) -> None:
        """Press a key towards the party."""


class SipLeg(Leg):
    """A call of a phone, trunk or PBX. It owns its media port and closes it when it ends."""

    kind = "sip"

    def __init__(self, *, direction: Direction, peer: str, called: str, port: RtpPort, line: str | None = None) -> None:
        super().__init__(direction=direction, peer=peer, called=called, port=port, line=line)
        self._rtp_port = port
        self._side: CallSide | None = None

    @property
    def events(self) -> CallEvents:
        """What the wire must tell this leg."""
        return CallEvents(
            leg=self,
            rung=self._has_rung,
            early_media=self._has_early_media,
            answered=self._has_answered,
            ended=lambda cause, by_peer: self._has_ended(cause, by_peer=by_peer),
            key=self._has_key,
            held=lambda held, brings_music: self._has_held(held, brings_music=brings_music),
            transfer=self._has_transfer,
            redirected=self._has_redirected,
        )

    def attach(self, side: CallSide) -> None:
        """The call that carries the leg."""
        self._side = side

    def end_unreachable(self) -> None:
        """There is nobody to ring: the leg ends before it began."""
        self._has_ended(Cause.UNREACHABLE)

    def fail(self, cause: Cause) -> None:
        """We cannot carry the leg."""
        self._has_ended(cause, by_peer=False)

    def _has_redirected(self, target: str) -> None:
        self.redirected_to = target

    def _has_ended(self, cause: Cause, *, by_peer: bool = True) -> None:
        super()._has_ended(cause, by_peer=by_peer)
        self._rtp_port.close()

    def _start_ringing(self) -> None:
        if self._side is not None:
            self._side.ring()

    def _start_early_media(self) -> bool:
        return self._side is not None and self._side.open_early()

    def _start_answering(self) -> None:
        if self._side is not None:
            self._side.answer()

    def _start_hangup(self, cause: Cause) -> None:
        if self._side is not None:
            self._side.hangup(cause)

    def _send_key(self, key: str) -> None:
        if self._side is not None:
            self._side.send_key(key)
