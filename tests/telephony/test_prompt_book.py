"""The prompts in the shop's language, and what is heard when it speaks another one from now on."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.audio.player import read_wav
from gateway.audio.port import FrameSource
from gateway.audio.prompts import DIRECTORY, HOURS, PIECES
from gateway.telephony.prompts import LOOK_SECONDS, PromptBook
from gateway.telephony.shop import Shop


class Speaking:
    """A shop whose language may change."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self) -> Shop:
        return Shop(language=self.language)


def heard(source: FrameSource) -> NDArray[np.int16]:
    frames = []
    while (frame := source.next_frame()) is not None:
        frames.append(frame)
    return np.concatenate(frames)


def says(book: PromptBook, key: str, language: str) -> bool:
    """Whether the book says `key` as packaged in that language."""
    folder = HOURS if (HOURS / "en" / f"{key}.wav").is_file() else DIRECTORY
    packaged = read_wav(folder / language / f"{key}.wav")
    return bool((heard(book(key))[: len(packaged)] == packaged).all())


@pytest.mark.parametrize("key", ["busy", "opens-again"])
def test_the_shop_s_language_is_heard_and_english_where_there_is_none(key: str) -> None:
    assert says(PromptBook(Speaking("ru")), key, "ru")
    assert says(PromptBook(Speaking("de")), key, "en")


def test_every_prompt_and_piece_is_there_in_every_language() -> None:
    keys = {file.stem for folder in (DIRECTORY, *PIECES) for file in (folder / "en").glob("*.wav")}
    for language in ("en", "ru"):
        book = PromptBook(Speaking(language))
        assert all(book(key).next_frame() is not None for key in keys)


async def test_another_language_is_read_when_the_shop_begins_to_speak_it() -> None:
    shop = Speaking("en")
    book = PromptBook(shop)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(book.run())
        await asyncio.sleep(0.1)
        shop.language = "ru"
        assert says(book, "busy", "en"), "until it is there, in the language that is"
        await asyncio.sleep(LOOK_SECONDS)
        assert says(book, "busy", "ru")
        reading.cancel()
