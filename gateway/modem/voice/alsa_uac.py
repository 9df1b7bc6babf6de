"""Voice over a sound card: a modem that is a USB audio device (Quectel's UAC), or one wired to a USB sound card.

Capture and playback of a card go by one crystal, so that each period that is read says that one of ours was
played, as on a serial port; the same MediaPort stands on both. The card runs during calls only. When it
runs dry it stands still: it is started again behind a period of silence, and what such a cushion has added
to the delay is given back by leaving out frames.

Sources: alsa-lib's PCM interface; reports of users whose card took neither stereo nor 48 kHz, so that nothing
is left to the conversions of the `plug` and `default` devices (firmware-notes/quectel.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import numpy as np

from gateway.audio.device_clock import Steadiness
from gateway.audio.frame import FRAME_SAMPLES, SAMPLE_RATE, WIDE_SAMPLE_RATE, Frame
from gateway.audio.twice import Doubler, Halver
from gateway.errors import ModemLost, PortBusy, SoundCardUnusable
from gateway.media_loop import no_longer_readable, on_readable
from gateway.modem.voice.device import VoiceTaker
from gateway.modem.voice.libasound import LibAsound
from gateway.modem.voice.sound_card import CardBusy, CardGone, CardRefuses, CardXrun, Flow, Pcm, SoundCards

log = logging.getLogger(__name__)

MOST_QUEUED_FRAMES = 4
_RATES = (SAMPLE_RATE, WIDE_SAMPLE_RATE)
_CUSHION_FRAMES = 1
_SAMPLE_BYTES = 2


class AlsaVoice:
    """A sound card as a VoiceDevice. `name` is a hardware device of ALSA: `hw:CARD=Android,DEV=0`."""

    def __init__(
        self, name: str, on_lost: Callable[[], None], steadiness: Steadiness, cards: SoundCards | None = None
    ) -> None:
        self.path = name
        self.steadiness = steadiness
        self.xruns = 0
        """How often the card ran dry or over."""
        self.given_back = 0
        """Frames left out because too much waited in the card."""
        self._on_lost = on_lost
        self._cards = cards or LibAsound()
        self._capture: Pcm | None = None
        self._playback: Pcm | None = None
        self._call: VoiceTaker | None = None
        self._watched: int | None = None
        self._is_primed = False
        """The playback runs, as far as we know."""
        self._halver: Halver | None = None
        self._doubler: Doubler | None = None

    @property
    def is_open(self) -> bool:
        """Whether audio can pass."""
        return self._capture is not None

    @property
    def rate(self) -> int | None:
        """What the card runs at; None while it is not open."""
        return self._capture.parameters.rate if self._capture is not None else None

    async def open(self) -> None:
        """Open both directions; nothing where they are open.

        Raises PortBusy, ModemLost where there is no such card, SoundCardUnusable where it has no parameters for us.
        """
        if self.is_open:
            return
        if not self.path.startswith("hw:"):
            raise SoundCardUnusable(
                f'The sound card must be named as hardware, like "alsa:hw:CARD=Android,DEV=0", not "alsa:{self.path}".',
                card=self.path,
            )
        # The kernel talks to the device meanwhile, which may take a while.
        capture, self._playback = await asyncio.to_thread(self._opened)
        self._capture = capture
        log.info("The sound card %s runs at %d Hz.", self.path, capture.parameters.rate)

    def close(self) -> None:
        """Close it; idempotent."""
        self._stop()
        for pcm in (self._capture, self._playback):
            if pcm is not None:
                pcm.close()
        self._capture = self._playback = None

    def connect(self, call: VoiceTaker) -> None:
        """From now on this call's audio passes; what is left of the last one is dropped."""
        self._stop()
        self._call = call
        if self._capture is None or self._playback is None:
            return
        wide = self._capture.parameters.rate != SAMPLE_RATE
        self._halver, self._doubler = (Halver(), Doubler()) if wide else (None, None)
        self._is_primed = False
        try:
            self._playback.start()
            self._capture.start()
            self._watched = self._capture.descriptor
        except (CardGone, CardRefuses, CardXrun) as fault:
            log.warning("The sound card %s does not start: %s.", self.path, fault)
            self._lose()
            return
        on_readable(self._watched, self._readable)

    def disconnect(self, call: VoiceTaker) -> None:
        """The call is over; another call's connection stays."""
        if self._call is call:
            self._call = None
            self._stop()

    def write(self, frames: Sequence[Frame]) -> int:
        """Write whole frames at once; the count of those that fitted."""
        playback = self._playback
        if playback is None or self._watched is None:
            return 0
        taken = 0
        try:
            for frame in frames:
                if not self._put(playback, frame):
                    break
                taken += 1
        except CardGone:
            asyncio.get_running_loop().call_soon(self._lose)
        return taken

    # One period.

    def _readable(self) -> None:
        capture, call = self._capture, self._call
        if capture is None or call is None:
            return
        try:
            data = capture.read()
        except CardXrun:
            self._again(capture)
            return
        except (CardGone, CardRefuses) as fault:
            log.debug("%s: %s", self.path, fault)
            self._lose()
            return
        if data and self._halver is not None:
            data = self._halver.feed(np.frombuffer(data, dtype="<i2")).astype("<i2").tobytes()
        if data:
            call.received(data)

    def _put(self, playback: Pcm, frame: Frame) -> bool:
        """Whether the frame was taken, or left out because too much waits already."""
        wide = 1 if self._doubler is None else 2
        if playback.queued() >= MOST_QUEUED_FRAMES * FRAME_SAMPLES * wide:
            self.given_back += 1
            return True
        data = (frame if self._doubler is None else self._doubler.feed(frame)).astype("<i2").tobytes()
        try:
            return self._play(playback, data)
        except CardXrun:
            self._is_primed = False
            self._again(playback)
        try:
            return self._play(playback, data)
        except CardXrun:
            return False

    def _play(self, playback: Pcm, data: bytes) -> bool:
        """Write it, after a standstill behind a cushion of silence."""
        if not self._is_primed:
            self._is_primed = True
            playback.write(bytes(_CUSHION_FRAMES * len(data)))
        return playback.write(data) == len(data)

    def _again(self, pcm: Pcm) -> None:
        self.xruns += 1
        try:
            pcm.start()
        except (CardGone, CardRefuses, CardXrun) as fault:
            log.debug("%s: %s", self.path, fault)
            asyncio.get_running_loop().call_soon(self._lose)

    # Its life.

    def _opened(self) -> tuple[Pcm, Pcm]:
        """Both directions at the first rate that both take. Runs in a thread."""
        refusal = ""
        for rate in _RATES:
            try:
                capture = self._cards.open(self.path, Flow.CAPTURE, rate)
                try:
                    return capture, self._cards.open(self.path, Flow.PLAYBACK, rate)
                except BaseException:
                    capture.close()
                    raise
            except CardRefuses as fault:
                refusal = str(fault)
            except CardBusy:
                raise PortBusy(f"Another program holds the sound card {self.path}.", port=self.path) from None
            except (CardGone, CardXrun) as fault:
                raise ModemLost(f"The sound card {self.path} cannot be opened: {fault}.", port=self.path) from None
        raise SoundCardUnusable(f"The sound card {self.path} cannot be used: {refusal}.", card=self.path)

    def _stop(self) -> None:
        if self._watched is not None:
            no_longer_readable(self._watched)
            self._watched = None
        for pcm in (self._capture, self._playback):
            if pcm is not None:
                pcm.stop()

    def _lose(self) -> None:
        if self.is_open:
            self.close()
            self._on_lost()
