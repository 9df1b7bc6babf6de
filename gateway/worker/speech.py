"""Text to speech by whatever engine the owner has: piper with a voice, RHVoice, else espeak-ng; nothing leaves the box.

Engines get words in place of figures, which they read badly. What was said once is kept by its content, and not
rendered again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import GatewayError
from gateway.telephony.read_out import read_out

RENDER_SECONDS = 60.0
LONGEST_TEXT = 2000
_CACHED = 200
_RHVOICE = {"ru": "anna", "en": "slt"}
_WORDS_PER_MINUTE = {"en": "155", "ru": "150"}


class NoSpeech(GatewayError):
    """No engine is installed, or it failed; the message says how."""

    code = "no-speech"


@dataclass(frozen=True, slots=True)
class Engine:
    """A program that says what it gets as standard input into a WAV file."""

    name: str
    command: Callable[[str, Path], list[str]]
    """For a language and the file that is to be written."""


class Speech:
    """Says texts; `cache` keeps what was said, `voices` holds piper's voices as `<language>.onnx`."""

    def __init__(self, cache: Path, voices: Path) -> None:
        self._cache = cache
        self._voices = voices

    def engine(self, language: str) -> Engine:
        """The best that is installed. Raises NoSpeech."""
        voice = self._voices / f"{language}.onnx"
        if shutil.which("piper") and voice.is_file():
            return Engine(
                f"piper {voice.stat().st_mtime_ns}",
                lambda _language, file: ["piper", "--model", str(voice), "--output_file", str(file)],
            )
        if shutil.which("RHVoice-test") and language in _RHVOICE:
            return Engine("RHVoice", lambda spoken, file: ["RHVoice-test", "-p", _RHVOICE[spoken], "-o", str(file)])
        if shutil.which("espeak-ng"):
            return Engine(
                "espeak-ng",
                lambda spoken, file: [
                    *("espeak-ng", "-v", spoken, "-s", _WORDS_PER_MINUTE.get(spoken, "150")),
                    *("--stdin", "-w", str(file)),
                ],
            )
        raise NoSpeech("Neither piper with a voice, nor RHVoice, nor espeak-ng is installed.")

    def say(self, text: str, language: str) -> Path:
        """A WAV file with the spoken text; it stays where it is. Blocks. Raises NoSpeech and OSError."""
        engine = self.engine(language)
        text = read_out(text, language)
        digest = hashlib.sha256("\0".join((engine.name, language, text)).encode()).hexdigest()
        kept = self._cache / f"{digest}.wav"
        if kept.is_file():
            os.utime(kept)
            return kept
        self._cache.mkdir(mode=0o750, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache) as directory:
            draft = Path(directory) / "spoken.wav"
            _run(engine, language, text, draft)
            draft.replace(kept)
        self._forget_the_oldest()
        return kept

    def _forget_the_oldest(self) -> None:
        kept = sorted(self._cache.glob("*.wav"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
        for file in kept[_CACHED:]:
            file.unlink(missing_ok=True)


def _run(engine: Engine, language: str, text: str, draft: Path) -> None:
    name = engine.name.partition(" ")[0]
    try:
        subprocess.run(  # noqa: S603  # a fixed program; the text comes by its standard input
            engine.command(language, draft),
            input=text.encode(),
            check=True,
            timeout=RENDER_SECONDS,
            capture_output=True,
        )
    except subprocess.TimeoutExpired as fault:
        raise NoSpeech(f"{name} did not come to an end.") from fault
    except subprocess.CalledProcessError as fault:
        said = fault.stderr.decode(errors="replace").strip().splitlines()
        raise NoSpeech(f"{name} failed: {said[-1] if said else fault.returncode}.") from fault
    if not draft.is_file():
        raise NoSpeech(f"{name} has written nothing.")
