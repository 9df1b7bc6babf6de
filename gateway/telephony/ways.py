"""Why a way outside cannot carry a call at this moment: one judgement for calls and for the route test."""

from __future__ import annotations

from enum import StrEnum

from gateway.telephony.line import Line, LineState, Trunk


class PassedOver(StrEnum):
    """Why a line or a provider is not tried."""

    OWN = "own"
    """The caller came by it."""
    NO_VOICE = "no-voice"
    """The modem has no voice path."""
    NOT_READY = "not-ready"
    """The line carries a call, or its modem or network is away."""
    AWAY = "away"
    """The provider does not answer, or refuses the account."""
    FULL = "full"
    """As many calls as the owner allows run by the provider."""


def line_passed_over(line: Line, *, besides: str | None) -> PassedOver | None:
    """Why not that line; None: it can carry a call now. `besides` is the one the caller came by."""
    if line.name == besides:
        return PassedOver.OWN
    if line.state is not LineState.READY:
        return PassedOver.NOT_READY
    return None if line.can_speak else PassedOver.NO_VOICE


def trunk_passed_over(trunk: Trunk, *, besides: str | None, emergency: bool = False) -> PassedOver | None:
    """Why not that provider; None: it can carry a call now. An emergency call needs no room."""
    if trunk.name == besides:
        return PassedOver.OWN
    if not trunk.is_usable:
        return PassedOver.AWAY
    return None if trunk.has_room or emergency else PassedOver.FULL
