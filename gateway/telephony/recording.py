"""Recording a call: the two legs into one file, from the end of the notice to the end of the talk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from gateway.audio.bridge import Bridge
from gateway.audio.recorder import Recorder
from gateway.audio.recording_writer import RecordingResult, RecordingTrouble, RecordingWriter
from gateway.clock import WallClock
from gateway.events import (
    AlertCleared,
    AlertRaised,
    Publish,
    RecordingFinished,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
)
from gateway.ids import new_id

log = logging.getLogger(__name__)


class CallRecordings:
    """Begins recordings below `directory`, one directory a day (UTC), and reports when each is whole."""

    def __init__(self, *, directory: Path, writer: RecordingWriter, publish: Publish, clock: WallClock) -> None:
        self._directory = directory
        self._writer = writer
        self._publish = publish
        self._clock = clock
        self._unfinished: set[Future[RecordingResult]] = set()
        self._troubled = False

    def begin(self, *, call_id: str, bridge: Bridge) -> OneRecording:
        """Record both parties of the bridge from now on."""
        moment = self._clock()
        recording_id = new_id()
        path = Path(f"{moment:%Y-%m-%d}") / f"{moment:%H%M%S}-{recording_id}.wav"
        loop = asyncio.get_running_loop()
        recorder = Recorder(self._directory / path, self._writer, loop.time())
        self._publish(RecordingStarted(call_id=call_id, recording_id=recording_id, path=str(path)))

        def finished(future: Future[RecordingResult]) -> None:
            loop.call_soon_threadsafe(self._finished, future, call_id, recording_id)

        def closed(future: Future[RecordingResult]) -> None:
            self._unfinished.add(future)
            future.add_done_callback(finished)

        def mark(is_paused: bool, seconds: float) -> None:
            names = {"call_id": call_id, "recording_id": recording_id}
            if is_paused:
                self._publish(RecordingPaused(**names, seconds=seconds, why="card"))
            else:
                self._publish(RecordingResumed(**names, seconds=seconds))

        return OneRecording(recorder, bridge, closed, mark)

    def report_trouble(self, trouble: RecordingTrouble) -> None:
        """The disk does not take recordings, or (no reason) takes them again: a person should know, once."""
        if trouble.reason is not None and not self._troubled:
            self._publish(AlertRaised(code="recording-failed", subject="recordings", values={"reason": trouble.reason}))
        elif trouble.reason is None and self._troubled:
            self._publish(AlertCleared(code="recording-failed", subject="recordings"))
        self._troubled = trouble.reason is not None

    async def settled(self) -> None:
        """Wait until every recording that was stopped is whole and reported."""
        while self._unfinished:
            await asyncio.wait([asyncio.wrap_future(future) for future in tuple(self._unfinished)])
            await asyncio.sleep(0)

    def _finished(self, future: Future[RecordingResult], call_id: str, recording_id: str) -> None:
        self._unfinished.discard(future)
        result = future.result()
        if result.trouble is not None:
            log.warning("The recording of call %s is damaged: %s", call_id, result.trouble)
        self._publish(
            RecordingFinished(
                call_id=call_id,
                recording_id=recording_id,
                path=str(result.path.relative_to(self._directory)),
                seconds=result.seconds,
                size_bytes=result.size_bytes,
                verdict=result.verdict,
            )
        )


class OneRecording:
    """A recording that runs, fed by what the two parties of a bridge say."""

    def __init__(
        self,
        recorder: Recorder,
        bridge: Bridge,
        closed: Callable[[Future[RecordingResult]], None],
        mark: Callable[[bool, float], None],
    ) -> None:
        """`mark` is told when a pause for card data begins (True) and ends, in seconds of the recording."""
        self._recorder = recorder
        self._closed = closed
        self._mark = mark
        self._untap = bridge.tap(recorder)
        self._began = asyncio.get_running_loop().time()
        self._runs = True
        self._is_apart = False
        self._has_card = False

    def follow(self, bridge: Bridge) -> None:
        """Record the parties of this bridge from now on."""
        if self._runs:
            self._untap()
            self._recorder.change_parties()
            self._untap = bridge.tap(self._recorder)
            self.resume()

    def pause(self) -> None:
        """Keep silence, until `resume`."""
        self._is_apart = True
        self._obey()

    def resume(self) -> None:
        """Keep what is said."""
        self._is_apart = False
        self._obey()

    @property
    def is_paused_for_card(self) -> bool:
        """Somebody has asked for silence."""
        return self._has_card

    def pause_for_card(self) -> None:
        """Keep silence until `resume_after_card`, through holds and transfers; idempotent."""
        if self._runs and not self._has_card:
            self._has_card = True
            self._obey()
            self._mark(True, self._seconds)

    def resume_after_card(self) -> None:
        """That is over; idempotent."""
        if self._has_card:
            self._has_card = False
            self._obey()
            self._mark(False, self._seconds)

    def stop(self) -> None:
        """Keep nothing more; idempotent."""
        if self._runs:
            self._runs = False
            self._untap()
            if self._has_card:
                self._mark(False, self._seconds)
            self._closed(self._recorder.close(asyncio.get_running_loop().time()))

    @property
    def _seconds(self) -> float:
        return round(asyncio.get_running_loop().time() - self._began, 3)

    def _obey(self) -> None:
        """Whatever asks for silence, there is silence."""
        if self._runs:
            now = asyncio.get_running_loop().time()
            if self._is_apart or self._has_card:
                self._recorder.pause(now)
            else:
                self._recorder.resume(now)
