"""When the daemon ends, and whether it begins anew then."""

from __future__ import annotations

import asyncio
import signal


class Ending:
    """Told by SIGTERM, by SIGINT, or by somebody who wants a new beginning."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self.is_anew = False

    def follow_signals(self) -> None:
        """Have the running loop tell of the signals that end a service."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.told.set)

    def start_again(self) -> None:
        """End, and begin anew."""
        self.is_anew = True
        self.told.set()
