"""What the caller has said in a recording, as plain samples: for whoever listens to a message by telephone."""

from __future__ import annotations

import numpy as np
import soundfile  # type: ignore[import-untyped]  # it has no types of its own

from gateway.api.problems import RecordingAway
from gateway.audio.frame import SAMPLE_RATE
from gateway.audio.resample import converted
from gateway.worker.recordings import OpenRecording

LONGEST_SECONDS = 600
"""Nobody listens to more of it by telephone."""


def caller_samples(recording: OpenRecording) -> bytes:
    """The left channel at 8 kHz, 16 bits, little-endian. Blocks. Raises RecordingAway for a file that is no sound."""
    try:
        with recording.as_file() as file, soundfile.SoundFile(file) as sound:
            samples = sound.read(LONGEST_SECONDS * sound.samplerate, dtype="int16", always_2d=True)
            rate = sound.samplerate
    except (soundfile.LibsndfileError, OSError) as error:
        raise RecordingAway(f"The file is not a whole recording: {error}.") from error
    return converted(np.ascontiguousarray(samples[:, 0]), rate, SAMPLE_RATE).astype("<i2").tobytes()
