"""What the panel asks of the daemon about what callers hear."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from web.gateway_link import Asker, GatewayLink, read_whole

_MAKING_SECONDS = 35.0
"""As long as the daemon lets a speech engine take."""


class PromptClient(GatewayLink):
    """One method per operation of the contract."""

    def prompts(self, asker: Asker, language: str, queues: Iterable[str] = ()) -> dict[str, Any]:
        """Every prompt of a language; then those of these queues."""
        query = {"queues": ",".join(queues)}
        return self._object(asker, "GET", "/api/v1/prompts/{language}", query=query, language=language)

    def prompt_sound(self, asker: Asker, language: str, key: str) -> bytes:
        """The WAV file of a prompt."""
        with self._asking(asker, "GET", "/api/v1/prompts/{language}/{key}", language=language, key=key) as answer:
            return read_whole(answer)

    def take_prompt(self, asker: Asker, language: str, key: str, content: bytes) -> dict[str, Any]:
        """Use a WAV file in the place of a prompt."""
        answer: dict[str, Any] = self._ask(
            asker, "PUT", "/api/v1/prompts/{language}/{key}", text=content, media_type="audio/wav",
            language=language, key=key, seconds=_MAKING_SECONDS,
        )  # fmt: skip
        return answer

    def say_prompt(self, asker: Asker, language: str, key: str, text: str) -> dict[str, Any]:
        """Have a text said in the place of a prompt."""
        answer: dict[str, Any] = self._ask(
            asker, "POST", "/api/v1/prompts/{language}/{key}/say", body={"text": text},
            language=language, key=key, seconds=_MAKING_SECONDS,
        )  # fmt: skip
        return answer

    def forget_prompt(self, asker: Asker, language: str, key: str) -> dict[str, Any]:
        """Use the packaged prompt again."""
        return self._object(asker, "DELETE", "/api/v1/prompts/{language}/{key}", language=language, key=key)
