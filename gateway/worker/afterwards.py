"""What is made of a recording once its call is over: check sum, loudness, a smaller and a sealed file if wanted.

Nothing is lost at any point: the smaller file is whole and on disk before the row names it, and the row
is committed before the larger one goes. A worker that was killed in between finds both, and tidies up.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
import soundfile  # type: ignore[import-untyped]  # it has no types of its own
from sqlalchemy.exc import DBAPIError

from gateway.store.results import FinishedRecording, Made, RecordingResults
from gateway.telephony.recording_policy import RecordingFormat
from gateway.worker.sealed import SUFFIX, KeyRing, seal

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
_BLOCK_FRAMES = 1 << 16
_KINDS = {RecordingFormat.OPUS: ("OGG", "OPUS", ".opus"), RecordingFormat.MP3: ("MP3", "MPEG_LAYER_III", ".mp3")}
_SUFFIXES = tuple(form + sealed for form in (".wav", ".opus", ".mp3") for sealed in ("", SUFFIX))
_DRAFT = ".draft"
_QUIET = 1e-4
"""-80 dBFS: a channel below it was silent, and has no loudness."""


class Afterwards:
    """Works through finished recordings, one at a time, the oldest first."""

    def __init__(self, results: RecordingResults, recordings_dir: Path, keys: KeyRing) -> None:
        self._results = results
        self._directory = recordings_dir
        self._keys = keys

    async def run(self) -> NoReturn:
        """Until cancelled; what is begun is finished by the next worker."""
        is_tidy = False
        while True:
            try:
                if not is_tidy:
                    await asyncio.to_thread(self.tidy)
                    is_tidy = True
                while await asyncio.to_thread(self.work):
                    pass
            except DBAPIError as fault:  # the daemon has not made it yet, or the disk is away
                log.debug("The store cannot be used now: %s", fault)
            await asyncio.sleep(LOOK_SECONDS)

    def work(self) -> bool:
        """Do the next recording; False when none is left. Blocks."""
        recording = self._results.next_recording()
        if recording is None:
            return False
        try:
            made = self._made_of(recording)
        except (OSError, soundfile.LibsndfileError) as fault:
            log.warning("Nothing can be made of the recording %s: %s", recording.path, fault)
            made = Made(path=recording.path, size_bytes=None, sha256=None, loudness_db=None)
        is_kept = self._results.keep(recording.id, made)
        named = made.path if is_kept else recording.path
        for other in _forms_of(self._directory / recording.path):
            if other != self._directory / named:
                other.unlink(missing_ok=True)
        return True

    def tidy(self) -> None:
        """What a killed worker has left: drafts go, and of several files of one sound those that no row names."""
        for draft in self._directory.rglob("*" + _DRAFT):
            draft.unlink(missing_ok=True)
        stems = {_stem(file) for file in self._directory.rglob("*") if _stem(file) is not None}
        for stem in sorted(each for each in stems if each is not None):
            twins = {str(file.relative_to(self._directory)) for file in _forms_of(stem) if file.exists()}
            if len(twins) > 1 and (named := self._results.named(twins)):
                for path in twins - named:
                    (self._directory / path).unlink(missing_ok=True)

    def _made_of(self, recording: FinishedRecording) -> Made:
        source = self._directory / recording.path
        loudness = loudness_of(source)
        file = source
        if recording.wanted in _KINDS:
            kind, subtype, suffix = _KINDS[recording.wanted]
            file = source.with_suffix(suffix)
            encode(source, file, kind, subtype)
        size, checksum, of_file = file.stat().st_size, sha256_of(file), None
        if recording.is_to_be_sealed:
            file = self._seal(file)
            of_file = sha256_of(file)
        path = str(file.relative_to(self._directory))
        return Made(path=path, size_bytes=size, sha256=checksum, file_sha256=of_file, loudness_db=loudness)

    def _seal(self, file: Path) -> Path:
        """The sealed file, whole and on disk; the open one is still there."""
        sealed = file.with_name(file.name + SUFFIX)
        draft = sealed.with_name(sealed.name + _DRAFT)
        seal(file, draft, self._keys)
        draft.replace(sealed)
        _sync(sealed.parent)
        return sealed


def _forms_of(file: Path) -> Iterator[Path]:
    """Every file that may hold this sound."""
    stem = _stem(file) or file
    for suffix in _SUFFIXES:
        yield stem.with_name(stem.name + suffix)


def _stem(file: Path) -> Path | None:
    """The file without what tells its form; None for what is no recording."""
    suffix = next((each for each in _SUFFIXES if file.name.endswith(each)), None)
    return None if suffix is None else file.with_name(file.name.removesuffix(suffix))


def sha256_of(file: Path) -> str:
    """The check sum of a file, in hexadecimal. Raises OSError."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def loudness_of(file: Path) -> list[float | None]:
    """The effective level of each channel over its loud parts, in dB below full scale; None: silent throughout.

    Loud is what comes within 20 dB of the loudest 20 ms, so that pauses do not count. Raises OSError.
    """
    powers: list[np.ndarray] = []
    with soundfile.SoundFile(file) as sound:
        size = sound.samplerate // 50
        for block in sound.blocks(blocksize=size * 500, dtype="float32", always_2d=True):
            whole = block[: len(block) // size * size].reshape(-1, size, sound.channels)
            powers.append(np.mean(np.square(whole), axis=1))
        channels = sound.channels
    power = np.concatenate(powers) if powers else np.zeros((0, channels))
    levels: list[float | None] = []
    for channel in power.T:
        loud = channel[channel >= channel.max(initial=0.0) / 100]
        mean = float(loud.mean()) if len(loud) else 0.0
        levels.append(round(10 * float(np.log10(mean)), 1) if mean > _QUIET**2 else None)
    return levels


def encode(source: Path, target: Path, kind: str, subtype: str) -> None:
    """Write `source` in another form, whole and on disk, or not at all. Raises OSError and LibsndfileError."""
    draft = target.with_name(target.name + _DRAFT)
    with (
        soundfile.SoundFile(source) as sound,
        draft.open("wb") as file,
        soundfile.SoundFile(
            file, "w", samplerate=sound.samplerate, channels=sound.channels, format=kind, subtype=subtype
        ) as smaller,
    ):
        # As real numbers: libsndfile 1.2.2 makes an MP3 of whole ones some 3 dB too quiet, and harsh.
        for block in sound.blocks(blocksize=_BLOCK_FRAMES, dtype="float32"):
            smaller.write(block)
        length = sound.frames
    with soundfile.SoundFile(draft) as check:
        # An MP3 begins and ends with some silence of its own.
        if not length <= check.frames <= length + check.samplerate // 4:
            draft.unlink()
            raise OSError(f"the smaller file has {check.frames} samples, not {length}")
    descriptor = os.open(draft, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
        os.fchmod(descriptor, source.stat().st_mode & 0o777)
    finally:
        os.close(descriptor)
    draft.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
