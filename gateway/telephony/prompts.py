"""The prompts of every language, read once: a call never waits for a disk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.audio.player import ClipSource, read_wav
from gateway.audio.port import FrameSource
from gateway.audio.prompts import DIRECTORY, LANGUAGES, prompt_path
from gateway.audio.tones import beep
from gateway.telephony.shop import ShopView

BEEP = "recording-beep"


class PromptBook:
    """All packaged prompts; called with a key it gives the prompt in the shop's language, from its beginning."""

    def __init__(self, shop: ShopView) -> None:
        self._shop = shop
        keys = [file.stem for file in (DIRECTORY / "en").glob("*.wav")]
        self._clips: dict[tuple[str, str], NDArray[np.int16]] = {
            (language, key): read_wav(prompt_path(language, key)) for language in LANGUAGES for key in keys
        }

    def __call__(self, key: str) -> FrameSource:
        """A fresh source; English stands in for a language that has no prompts. KeyError for an unknown key."""
        if key == BEEP:
            return beep()
        language = self._shop().language
        clip = self._clips.get((language, key))
        return ClipSource(clip if clip is not None else self._clips["en", key])
