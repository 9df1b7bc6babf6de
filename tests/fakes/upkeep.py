"""The daemon's care for itself, written down."""

from __future__ import annotations

from gateway.api.system_routes import Upkeep

BUNDLE = b"a support bundle"


def upkeep(started_again: list[bool] | None = None, passphrases: list[str] | None = None) -> Upkeep:
    """Each new beginning is kept in `started_again`, each passphrase in `passphrases`."""
    begun = started_again if started_again is not None else []

    async def make_bundle() -> bytes:
        return BUNDLE

    async def keep_passphrase(passphrase: str, by: str) -> None:
        assert by
        if passphrases is not None:
            passphrases.append(passphrase)

    return Upkeep(start_again=lambda: begun.append(True), make_bundle=make_bundle, keep_passphrase=keep_passphrase)
