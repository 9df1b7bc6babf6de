"""Emulated modems that begin and end at once, and only remember that they did."""

from __future__ import annotations

from gateway.api.emulated_routes import RealModemsThere
from gateway.api.playground import Playground


class FakeEmulatedModems:
    """`real` modems keep them from beginning; `world` is there while they run."""

    def __init__(self, world: Playground | None = None) -> None:
        self.state = "off"
        self.real = 0
        self.has_lines = False
        self.done: list[str] = []
        self._world = world
        self._control = world.control if world is not None else None

    @property
    def is_possible(self) -> bool:
        return self.state == "off" and not self.real and not self.has_lines

    async def begin(self, *, by: str) -> None:
        if not self.is_possible and self.state == "off":
            raise RealModemsThere("There are real modems, or lines of such.")
        self.state = "on"
        self.done.append(f"begun by {by}")
        if self._world is not None:
            self._world.control = self._control

    async def end(self, *, by: str) -> None:
        self.state = "off"
        self.done.append(f"ended by {by}")
        if self._world is not None:
            self._world.control = None
