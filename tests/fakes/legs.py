"""A party made of nothing: a leg and a port whose wire is the test itself."""

from __future__ import annotations

import asyncio

from gateway.audio.frame import FRAME_SAMPLES, FRAME_SECONDS, Frame
from gateway.audio.port import MEASURED_SAMPLES, FrameSource, MediaPort
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Direction, Leg
from gateway.telephony.transfer import TransferWish


class FakePort(MediaPort):
    """Keeps what the party hears; pulls a prompt one frame per 20 ms of the loop's time."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Frame] = []
        self.played: list[FrameSource] = []
        self.frames_at_once = 1
        """How many are pulled at a time; more make long days quicker to play, to the ear of nobody."""
        self._source: FrameSource | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._said = 0

    def speak(self, frame: Frame) -> None:
        """The party says one frame."""
        self._said += FRAME_SAMPLES
        self.counters.frames_in += 1
        if not self._said % MEASURED_SAMPLES:
            self.level.feed(frame, asyncio.get_running_loop().time())
        self._deliver(frame, self._said)

    def _restart(self, source: FrameSource | None) -> None:
        self._source = source
        if source is not None:
            self.played.append(source)
            if self._timer is None:
                self._pull()

    def _pull(self) -> None:
        self._timer = None
        if self._source is None:
            return
        for _ in range(self.frames_at_once):
            frame = self._source.next_frame()
            if frame is None:
                self._source = None
                return
            self.heard.append(frame)
        self._timer = asyncio.get_running_loop().call_later(self.frames_at_once * FRAME_SECONDS, self._pull)

    def _write(self, frame: Frame, position: int) -> None:
        self.counters.frames_out += 1
        self.heard.append(frame)

    def close(self) -> None:
        """The wire is gone."""
        self._source = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class FakeLeg(Leg):
    """A leg that the test drives: `rings()`, `answers()`, `hangs_up()`, `presses()`."""

    kind = "sip"

    def __init__(
        self, *, direction: Direction, peer: str, called: str = "", line: str | None = None, answers_in: float = 0.1
    ) -> None:
        super().__init__(direction=direction, peer=peer, called=called, port=FakePort(), line=line)
        self.answers_in = answers_in
        """Seconds the wire takes to carry out our answer."""
        self.told: list[str] = []
        """What we did to the wire."""
        self.keys_sent = ""
        self.speaks_early = True
        """The wire can carry our voice before the answer."""

    @property
    def fake_port(self) -> FakePort:
        """The port, as what it is."""
        assert isinstance(self.port, FakePort)
        return self.port

    def rings(self) -> None:
        """The other end rings."""
        self._has_rung()

    def answers(self) -> None:
        """The other end picks up."""
        self._has_answered()

    def brings_early_media(self) -> None:
        """The other end speaks before it answers."""
        self._has_early_media()

    def holds(self, *, brings_music: bool = False) -> None:
        """The party puts us on hold."""
        self._has_held(True, brings_music=brings_music)

    def resumes(self) -> None:
        """The party comes back."""
        self._has_held(False)

    def wants(self, wish: TransferWish) -> Cause | None:
        """The party wants the other one connected elsewhere."""
        return self._has_transfer(wish)

    def hangs_up(self, cause: Cause = Cause.HUNG_UP) -> None:
        """The party ends it."""
        self.fake_port.close()
        self._has_ended(cause)

    def presses(self, keys: str) -> None:
        """The party presses keys."""
        for key in keys:
            self._has_key(key)

    def _start_early_media(self) -> bool:
        if self.speaks_early:
            self.told.append("early")
        return self.speaks_early

    def _start_ringing(self) -> None:
        self.told.append("ringing")

    def _start_answering(self) -> None:
        if "answer" not in self.told:
            self.told.append("answer")
            asyncio.get_running_loop().call_later(self.answers_in, self._has_answered)

    def _start_hangup(self, cause: Cause) -> None:
        self.told.append(f"hangup {cause}")
        self.fake_port.close()

    def _send_key(self, key: str) -> None:
        self.keys_sent += key
