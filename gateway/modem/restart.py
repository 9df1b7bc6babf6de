"""A person's wish that a modem is restarted, which interrupts whatever its supervisor waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.modem.recovery import Rung


class RestartBell:
    """One per modem: a person rings, the supervisor hears."""

    def __init__(self) -> None:
        self._wanted: Rung | None = None
        self._interrupt: Callable[[], object] | None = None

    def ring(self, rung: Rung) -> None:
        """Restart the modem, beginning with that rung of the ladder."""
        self._wanted = rung
        if self._interrupt is not None:
            self._interrupt()

    @contextmanager
    def heard_by(self, interrupt: Callable[[], object]) -> Iterator[None]:
        """Call `interrupt` when somebody rings within the block, or has rung before it."""
        self._interrupt = interrupt
        try:
            if self._wanted is not None:
                interrupt()
            yield
        finally:
            self._interrupt = None

    def taken(self) -> Rung | None:
        """The wish, which is no longer one; None: nobody has rung."""
        wanted, self._wanted = self._wanted, None
        return wanted
