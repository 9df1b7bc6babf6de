"""Recordings at the daemon's start: what a crash has cut off is mended, and the thread that writes new ones begins."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.audio.recording_writer import RecordingTrouble, RecordingWriter
from gateway.audio.wav import Recovered, measure, repair
from gateway.clock import utc_now
from gateway.events import EventBus, RecordingFinished
from gateway.store.store import Store
from gateway.telephony.recording import CallRecordings

log = logging.getLogger(__name__)


@contextmanager
def recordings_of(directory: Path, bus: EventBus) -> Iterator[CallRecordings]:
    """The thread that writes recordings, and the verbs that begin them."""
    loop = asyncio.get_running_loop()

    def report(trouble: RecordingTrouble) -> None:
        loop.call_soon_threadsafe(recordings.report_trouble, trouble)

    with RecordingWriter(report) as writer:
        recordings = CallRecordings(directory=directory, writer=writer, publish=bus.publish, clock=utc_now)
        yield recordings


async def mend_recordings(store: Store, bus: EventBus, directory: Path) -> list[RecordingFinished]:
    """Finish what a crash has cut off, before anything new is recorded; what has left no file is reported empty.

    Gives what was published.
    """
    published = []
    for found in await asyncio.to_thread(repair, directory):
        path = found.path.relative_to(directory)
        if isinstance(found, Recovered):
            log.info("The recording %s was cut off by a crash and is mended: %.1f seconds.", path, found.seconds)
        else:
            log.warning("The recording %s cannot be mended: %s", path, found.reason)
    for recording in store.unfinished_recordings:
        # Mended now, or whole already when the crash came before its row was committed.
        seconds, size_bytes = await asyncio.to_thread(measure, directory / recording.path)
        finished = RecordingFinished(
            call_id=recording.call_id,
            recording_id=recording.recording_id,
            path=recording.path,
            seconds=seconds,
            size_bytes=size_bytes,
            verdict="recovered" if seconds > 0 else "nothing-heard",
        )
        bus.publish(finished)
        published.append(finished)
    return published
