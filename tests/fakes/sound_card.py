"""A sound card with a crystal of its own, in the loop's time: in place of libasound behind the same seam."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gateway.modem.voice.sound_card import CardBusy, CardGone, CardParameters, CardRefuses, CardXrun, Flow


@dataclass
class FakeCard:
    """Implements SoundCards: one card, which may be busy, gone, or of other rates and channels."""

    rates: tuple[int, ...] = (8000,)
    channels: int = 1
    is_there: bool = True
    is_busy: bool = False
    ppm: float = 0.0
    """How much faster its crystal is, in millionths."""
    says: Callable[[int, int], np.ndarray[tuple[int], np.dtype[np.int16]]] = lambda _start, count: np.zeros(
        count, dtype=np.int16
    )
    """What the modem's party says: samples from `start` on."""
    opened: list[tuple[str, Flow, int]] = field(default_factory=list)
    capture: FakePcm | None = None
    playback: FakePcm | None = None
    heard: list[np.ndarray[tuple[int], np.dtype[np.int16]]] = field(default_factory=list)
    """What the modem's party heard, period by period."""

    def open(self, name: str, flow: Flow, rate: int) -> FakePcm:
        self.opened.append((name, flow, rate))
        if not self.is_there:
            raise CardGone("No such device")
        if self.is_busy:
            raise CardBusy("Device or resource busy")
        if rate not in self.rates or self.channels != 1:
            rates = f"{min(self.rates)} to {max(self.rates)}"
            raise CardRefuses(f"{rate} Hz, mono, 16 bit is wanted; it has {self.channels} channels, {rates} Hz")
        pcm = FakePcm(self, flow, CardParameters(rate, rate // 50, rate // 10))
        if flow is Flow.CAPTURE:
            self.capture = pcm
        else:
            self.playback = pcm
        return pcm

    def pull_out(self) -> None:
        """Somebody takes the card away."""
        self.is_there = False
        for pcm in (self.capture, self.playback):
            if pcm is not None:
                pcm.wake()


class FakePcm:
    """Implements Pcm. Ticks once per period while it runs."""

    def __init__(self, card: FakeCard, flow: Flow, parameters: CardParameters) -> None:
        self.parameters = parameters
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK)
        self.is_running = False
        self.stalls = False
        """The host is not told of what has come, as if it were busy."""
        self.xruns = 0
        self._card = card
        self._flow = flow
        self._samples = bytearray()
        self._position = 0
        self._timer: asyncio.TimerHandle | None = None
        self._has_run_out = False
        self._is_closed = False

    # For the host.

    def start(self) -> None:
        self._there()
        self._has_run_out = False
        self._samples.clear()
        if self._flow is Flow.CAPTURE:
            self._run()

    def stop(self) -> None:
        self.is_running = False
        self._samples.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def read(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.descriptor)
        self._there()
        if self._has_run_out:
            raise CardXrun("Broken pipe")
        data, self._samples = bytes(self._samples), bytearray()
        return data

    def write(self, data: bytes) -> int:
        self._there()
        if self._has_run_out:
            raise CardXrun("Broken pipe")
        room = (self.parameters.buffer * 2) - len(self._samples)
        self._samples += data[:room]
        if not self.is_running and len(self._samples) >= self.parameters.period * 2:
            self._run()
        return min(room, len(data))

    def queued(self) -> int:
        return len(self._samples) // 2

    def close(self) -> None:
        self.stop()
        if not self._is_closed:
            self._is_closed = True
            os.close(self.descriptor)

    # The card's own doing.

    def wake(self) -> None:
        if not self._is_closed:
            os.eventfd_write(self.descriptor, 1)

    def _run(self) -> None:
        self.is_running = True
        period = self.parameters.period / self.parameters.rate / (1 + self._card.ppm * 1e-6)
        self._timer = asyncio.get_running_loop().call_later(period, self._tick)

    def _tick(self) -> None:
        count = self.parameters.period
        if self._flow is Flow.CAPTURE:
            said = self._card.says(self._position, count)
            self._position += count
            self._samples += said.astype("<i2").tobytes()
            if len(self._samples) > self.parameters.buffer * 2:
                self._run_out()
                return
            if not self.stalls:
                self.wake()
        else:
            block = bytes(self._samples[: count * 2])
            del self._samples[: len(block)]
            if len(block) < count * 2:
                self._run_out()
                return
            self._card.heard.append(np.frombuffer(block, dtype="<i2"))
        self._run()

    def _run_out(self) -> None:
        self.xruns += 1
        self._has_run_out = True
        self.is_running = False
        self.wake()

    def _there(self) -> None:
        if not self._card.is_there:
            raise CardGone("No such device")
