"""What was dictated into a phone goes to the worker, which makes a prompt of it."""

from __future__ import annotations

import io
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from gateway.api.problems import WorkerAway
from gateway.errors import PromptUnusable
from gateway.telephony.shop import ShopView

_SECONDS = 20.0
_SAMPLE_RATE = 8_000


class PromptKeeper:
    """`keep` replaces a prompt in the shop's language; `changed` has the prompts read anew."""

    def __init__(self, worker_socket: Path, shop: ShopView, changed: Callable[[], Awaitable[None]]) -> None:
        self._socket = worker_socket
        self._shop = shop
        self._changed = changed

    async def keep(self, key: str, samples: bytes) -> None:
        """Use these samples (16 bits, little-endian, 8 kHz) from now on. Raises PromptUnusable and WorkerAway."""
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        url = f"http://worker/api/v1/prompts/{self._shop().language}/{key}"
        try:
            async with (
                aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(self._socket)), timeout=timeout) as way,
                way.put(url, data=_wav(samples), headers={"Content-Type": "audio/wav"}) as answer,
            ):
                if answer.status >= 300:
                    raise PromptUnusable(f"The worker does not take the prompt: {await answer.text()}", key=key)
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise WorkerAway("The worker does not answer.") from fault
        await self._changed()


def _wav(samples: bytes) -> io.BytesIO:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, _SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(samples)
    content.seek(0)
    return content
