"""What a gateway writes while it works: budget, SMS and recordings, with a mark behind each promise.

`python -m tests.crash.power_load DIRECTORY SECONDS`, with disk_log.c before it. A mark is a line of JSON in the file
`marks`; whatever it names was promised when the mark was written.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from concurrent.futures import Future
from pathlib import Path

import numpy as np

from gateway.audio.frame import FRAME_SAMPLES, FRAME_SECONDS
from gateway.audio.recorder import Channel, Recorder
from gateway.audio.recording_writer import RecordingResult, RecordingWriter
from gateway.clock import utc_now
from gateway.events import CallStarted, EventBus, RecordingStarted
from gateway.settings import Settings
from gateway.store.store import Store, open_store
from gateway.telephony.ledger import StoredPart

RECORDING_SECONDS = 1.2
_FRAME = np.full(FRAME_SAMPLES, 7_000, dtype=np.int16)


class Marks:
    """The file of marks, written through at once."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def add(self, **promise: object) -> None:
        """Behind what was promised."""
        os.write(self._file, json.dumps(promise).encode() + b"\n")


async def work(directory: Path, seconds: float) -> None:
    """Everything at once, for so long."""
    settings, marks, bus = Settings(data_dir=directory / "data"), Marks(directory / "marks"), EventBus(utc_now)
    async with open_store(settings, utc_now, bus) as store:
        marks.add(begun=True)
        with RecordingWriter(lambda _trouble: None) as writer:
            end = asyncio.get_running_loop().time() + seconds
            async with asyncio.TaskGroup() as group:
                group.create_task(_spend(store, marks, end))
                group.create_task(_receive(store, marks, end))
                for lane in range(2):
                    group.create_task(_record(settings.recordings_dir, writer, bus, marks, lane=lane, end=end))


async def _spend(store: Store, marks: Marks, end: float) -> None:
    number = 0
    while asyncio.get_running_loop().time() < end:
        number += 1
        call_id = f"paid-{number}"
        reservation = await store.budget.open(
            call_id=call_id, leg_id=f"leg-{number}", line="red", extension=None, number="+79031112233"
        )
        marks.add(reservation=call_id)
        await asyncio.sleep(0.03)
        await store.budget.close(reservation, talk_seconds=61)
        marks.add(settled=call_id)


async def _receive(store: Store, marks: Marks, end: float) -> None:
    number = 0
    while asyncio.get_running_loop().time() < end:
        number += 1
        text = f"message {number}"
        await store.inbox.keep(
            StoredPart(
                line="red", imsi="1", pdu=text.encode(), sender="+79031112233", sent_at=utc_now(), text=text,
                reference=None, part=1, parts=1,
            )
        )  # fmt: skip
        marks.add(message=text)
        await asyncio.sleep(0.05)


async def _record(
    directory: Path, writer: RecordingWriter, bus: EventBus, marks: Marks, *, lane: int, end: float
) -> None:
    """One recording after another, in directories of days of their own; the last one is never finished."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(lane * RECORDING_SECONDS / 2)
    number = 0
    while loop.time() < end:
        number += 1
        name = f"{lane}-{number}"
        path = f"day-{name}/{name}.wav"
        bus.publish(
            CallStarted(call_id=name, direction="incoming", caller="x", called="101", line="red", flow="ring_phones")
        )
        bus.publish(RecordingStarted(call_id=name, recording_id=name, path=path))
        began = loop.time()
        recorder = Recorder(directory / path, writer, began)
        ticks = 0
        while (now := loop.time()) < min(end, began + RECORDING_SECONDS):
            for channel in Channel:
                recorder.write(channel, _FRAME, ticks * FRAME_SAMPLES, now)
            ticks += 1
            if ticks % 5 == 0:
                marks.add(heard=path, seconds=now - began)
            await asyncio.sleep(max(0.0, began + ticks * FRAME_SECONDS - loop.time()))
        if loop.time() < end:
            finished: Future[RecordingResult] = recorder.close(loop.time())
            result = await asyncio.wrap_future(finished)
            digest = hashlib.sha256(await asyncio.to_thread(result.path.read_bytes)).hexdigest()
            marks.add(finished=path, sha256=digest)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), float(sys.argv[2])))
