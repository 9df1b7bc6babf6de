"""The daemon's care for itself, written down."""

from __future__ import annotations

from gateway.api.system_routes import Upkeep
from gateway.backup.on_demand import Progress

BUNDLE = b"a support bundle"


class FakeBackups:
    """A backup that is as far as a test says."""

    def __init__(self) -> None:
        self.progress: Progress | None = None

    def begin(self) -> None:
        self.progress = Progress()


def upkeep(started_again: list[bool] | None = None, passphrases: list[str] | None = None) -> Upkeep:
    """Each new beginning is kept in `started_again`, each passphrase in `passphrases`."""
    begun = started_again if started_again is not None else []

    async def make_bundle() -> bytes:
        return BUNDLE

    async def keep_passphrase(passphrase: str, by: str) -> None:
        assert by
        if passphrases is not None:
            passphrases.append(passphrase)

    async def note(by: str, action: str) -> None:
        assert by
        assert action

    return Upkeep(
        start_again=lambda: begun.append(True), make_bundle=make_bundle, keep_passphrase=keep_passphrase, note=note
    )
