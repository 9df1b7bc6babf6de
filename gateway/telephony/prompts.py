"""The prompts of every language, the owner's own before the packaged ones; read ahead: no call waits for a disk."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.audio.player import ClipSource, read_wav
from gateway.audio.port import FrameSource
from gateway.audio.prompts import DIRECTORY, LANGUAGES, PIECES, prompt_path
from gateway.audio.tones import beep
from gateway.errors import PromptUnusable
from gateway.telephony.shop import ShopView

log = logging.getLogger(__name__)

BEEP = "recording-beep"


class PromptBook:
    """All prompts; called with a key it gives the prompt in the shop's language, from its beginning.

    `own` is where the owner's own prompts lie, as `<language>/<key>.wav`.
    """

    def __init__(self, shop: ShopView, own: Path | None = None) -> None:
        self._shop = shop
        self._own = own
        self._clips: dict[tuple[str, str], NDArray[np.int16]] = {}
        self.read()

    def read(self) -> None:
        """Read them anew; what plays now goes on as it began. Blocks."""
        keys = [file.stem for file in (DIRECTORY / "en").glob("*.wav")]
        self._clips = {(language, key): self._clip(language, key) for language in LANGUAGES for key in keys}
        for language in LANGUAGES:
            for pieces in PIECES:
                for file in (pieces / language).glob("*.wav"):
                    self._clips[language, file.stem] = read_wav(file)

    def _clip(self, language: str, key: str) -> NDArray[np.int16]:
        own = self._own / language / f"{key}.wav" if self._own is not None else None
        if own is not None and own.is_file():
            try:
                return read_wav(own)
            except PromptUnusable as fault:
                log.warning("The packaged prompt is played: %s", fault)
        return read_wav(prompt_path(language, key))

    def __call__(self, key: str) -> FrameSource:
        """A fresh source; English stands in for a language that has no prompts. KeyError for an unknown key."""
        if key == BEEP:
            return beep()
        language = self._shop().language
        clip = self._clips.get((language, key))
        return ClipSource(clip if clip is not None else self._clips["en", key])
