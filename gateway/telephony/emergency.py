"""The alert of an emergency call: it stands until a person has seen it."""

from __future__ import annotations

from gateway.events import AlertAcknowledged, AlertCleared, AlertRaised, Publish, Published

CODE = "emergency-call"


def tell_of_emergency(publish: Publish, *, caller: str, number: str) -> None:
    """Raise the alert: who has dialled which number."""
    publish(AlertRaised(code=CODE, subject=caller, values={"caller": caller, "number": number}))


class EmergencySeen:
    """A subscriber of the bus: nothing is left to be mended, so an alert that was seen is over."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    def __call__(self, published: Published) -> None:
        """Clear it."""
        match published.event:
            case AlertAcknowledged(code=code, subject=subject) if code == CODE:
                self._publish(AlertCleared(code=code, subject=subject))
            case _:
                pass
