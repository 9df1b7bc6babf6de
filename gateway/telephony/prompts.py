"""The prompts in the shop's language, the owner's before the packaged ones; read ahead: no call waits for a disk."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from gateway.audio.player import ClipSource, read_wav
from gateway.audio.port import FrameSource
from gateway.audio.prompts import DIRECTORY, PIECES, prompt_path
from gateway.audio.tones import beep
from gateway.errors import PromptUnusable
from gateway.telephony.shop import ShopView

log = logging.getLogger(__name__)

BEEP = "recording-beep"
LOOK_SECONDS = 2.0


class PromptBook:
    """All prompts; called with a key it gives the prompt in the shop's language, from its beginning.

    `own` is where the owner's own prompts lie, as `<language>/<key>.wav`. Only one language is kept in memory: when the
    shop speaks another one, `run` reads that; until it is there, the old one is heard.
    """

    def __init__(self, shop: ShopView, own: Path | None = None) -> None:
        self._shop = shop
        self._own = own
        self._language = shop().language
        self._clips: dict[str, NDArray[np.int16]] = {}
        self.read()

    def read(self) -> None:
        """Read them anew; what plays now goes on as it began. Blocks."""
        language = self._shop().language
        clips = {file.stem: self._clip(language, file.stem) for file in (DIRECTORY / "en").glob("*.wav")}
        for pieces in PIECES:
            for file in (pieces / "en").glob("*.wav"):
                translated = pieces / language / file.name
                clips[file.stem] = read_wav(translated if translated.is_file() else file)
        self._language, self._clips = language, clips | self._of_queues(language, clips)

    async def run(self) -> NoReturn:
        """Read another language soon after the shop has begun to speak it."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._shop().language != self._language:
                await asyncio.to_thread(self.read)

    def _clip(self, language: str, key: str) -> NDArray[np.int16]:
        own = self._own / language / f"{key}.wav" if self._own is not None else None
        if own is not None and own.is_file():
            try:
                return read_wav(own)
            except PromptUnusable as fault:
                log.warning("The packaged prompt is played: %s", fault)
        return read_wav(prompt_path(language, key))

    def _of_queues(self, language: str, clips: dict[str, NDArray[np.int16]]) -> dict[str, NDArray[np.int16]]:
        """What the owner has recorded for single queues (`own_prompt`)."""
        found: dict[str, NDArray[np.int16]] = {}
        for file in (self._own / language).glob("*.*.wav") if self._own is not None else ():
            if file.stem.partition(".")[0] in clips:
                try:
                    found[file.stem] = read_wav(file)
                except PromptUnusable as fault:
                    log.warning("The prompt of all queues is played: %s", fault)
        return found

    def __call__(self, key: str) -> FrameSource:
        """A fresh source; English stands in for a language that has no prompts. KeyError for an unknown key.

        A queue that has none of its own says what all say.
        """
        if key == BEEP:
            return beep()
        return ClipSource(self._clips[key] if key in self._clips else self._clips[key.partition(".")[0]])
