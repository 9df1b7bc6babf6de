"""What a modem says on its AT port, and in how many ways it can say it badly."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable

from gateway.emulator.at_port import AtPort
from gateway.emulator.misbehaviour import Options

_STORM_SECONDS = 0.01


class AtOutput:
    """Formats lines (V.250 clause 5.7.1, verbose form) and applies the misbehaviours of output.

    `fault` gives the options of a misbehaviour that is on; `noise` makes one unsolicited line.
    """

    def __init__(
        self, port: AtPort, fault: Callable[[str], Options | None], noise: Callable[[], str], dice: random.Random
    ) -> None:
        self._port = port
        self._fault = fault
        self._noise = noise
        self._dice = dice
        self._pieces = bytearray()
        self._piece_timer: asyncio.TimerHandle | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def unsolicited(self, lines: Iterable[str]) -> None:
        """Lines that nobody asked for."""
        data = b"".join(_framed(line) for line in lines)
        if data:
            self._send(data)

    def answer(self, lines: list[str], final: str) -> None:
        """Information lines and the final result of a command."""
        data = b""
        if self._fault("urc_inside_answer") is not None:
            data += _framed(self._noise())
        if lines:
            data += b"\r\n" + b"\r\n".join(_encoded(line) for line in lines) + b"\r\n"
        if self._fault("urc_inside_answer") is not None:
            data += _framed(self._noise())
        data += _framed(final)
        if self._fault("ok_glued_to_urc") is not None:
            data += _encoded(self._noise()) + b"\r\n"
        self._send(data)

    def prompt(self) -> None:
        """Ask for a message's body (27.005 clause 3.5.1)."""
        self._send(b"> " if self._fault("prompt_without_crlf") is not None else b"\r\n> ")

    def echo(self, data: bytes) -> None:
        """Give back what the host typed."""
        self._send(data)

    def start_storms(self) -> None:
        """Begin what goes on by itself: storms and garbage that are on."""
        if self._fault("urc_storm") is not None:
            self._storm()
        if self._fault("garbage") is not None:
            self._garbage()

    def stop(self) -> None:
        """Say nothing more; what was not said is lost."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._piece_timer is not None:
            self._piece_timer.cancel()
            self._piece_timer = None
        self._pieces.clear()

    def _send(self, data: bytes) -> None:
        if self._fault("half_lines") is None and not self._pieces:
            self._port.send(data)
            return
        self._pieces += data
        if self._piece_timer is None:
            self._next_piece()

    def _next_piece(self) -> None:
        self._piece_timer = None
        if not self._pieces:
            return
        options = self._fault("half_lines")
        size = self._dice.randint(1, 7) if options is not None else len(self._pieces)
        piece = bytes(self._pieces[:size])
        del self._pieces[:size]
        self._port.send(piece)
        gap = float(str(options["gap_ms"])) / 1000 if options is not None else 0.0
        self._piece_timer = asyncio.get_running_loop().call_later(gap, self._next_piece)

    def _storm(self) -> None:
        options = self._fault("urc_storm")
        if options is not None:
            count = max(1, round(int(str(options["per_second"])) * _STORM_SECONDS))
            self.unsolicited(self._dice.choice(("+CREG: 1", "RING", self._noise())) for _ in range(count))
            self._again("urc_storm", _STORM_SECONDS, self._storm)

    def _garbage(self) -> None:
        options = self._fault("garbage")
        if options is not None:
            self._send(bytes(self._dice.randrange(256) for _ in range(self._dice.randint(1, 60))) + b"\r\n")
            self._again("garbage", float(str(options["every_ms"])) / 1000, self._garbage)

    def _again(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = asyncio.get_running_loop().call_later(seconds, action)


def _encoded(line: str) -> bytes:
    return line.encode("latin-1", "replace")


def _framed(line: str) -> bytes:
    return b"\r\n" + _encoded(line) + b"\r\n"
