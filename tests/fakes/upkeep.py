"""The daemon's care for itself, written down."""

from __future__ import annotations

from gateway.api.system_routes import Upkeep

BUNDLE = b"a support bundle"


def upkeep(started_again: list[bool] | None = None) -> Upkeep:
    """Each new beginning is kept in `started_again`."""
    begun = started_again if started_again is not None else []

    async def make_bundle() -> bytes:
        return BUNDLE

    return Upkeep(start_again=lambda: begun.append(True), make_bundle=make_bundle)
