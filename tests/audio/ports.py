"""A port without a wire: tests say what the party says, and look at what it hears."""

from __future__ import annotations

from gateway.audio.frame import Frame
from gateway.audio.port import FrameSource, MediaPort


class LoosePort(MediaPort):
    """`say` is the party; `heard` is what reached it."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[Frame, int]] = []
        self.restarts = 0

    def say(self, frame: Frame, position: int) -> None:
        self._deliver(frame, position)

    def _restart(self, source: FrameSource | None) -> None:
        self.restarts += 1

    def _write(self, frame: Frame, position: int) -> None:
        self.heard.append((frame, position))
