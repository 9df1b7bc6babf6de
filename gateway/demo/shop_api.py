"""The gateway's API as the checks use it: signed in as the owner, who has just been set up."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from gateway.demo.site import Site


class ShopApi:
    """`async with ShopApi(site)`: uses the setup code of a new site to make the owner and to sign in."""

    def __init__(self, site: Site) -> None:
        self._base = f"http://127.0.0.1:{site.ports.api}/api/v1"
        self._code_file = site.data / "setup-code"
        self._http = aiohttp.ClientSession()

    async def __aenter__(self) -> Self:
        """Sign in."""
        code = (await asyncio.to_thread(_text_of, self._code_file)).strip()
        password = secrets.token_urlsafe(16)
        await self.post("/setup", {"code": code, "name": "owner", "password": password})
        session = await self.post("/sessions", {"name": "owner", "password": password})
        self._http.headers["Authorization"] = f"Bearer {session['token']}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._http.close()

    async def get(self, path: str) -> Any:
        """The JSON of a GET."""
        async with self._http.get(self._base + path) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def save(self, path: str, file: Path) -> None:
        """The bytes of a GET, into a file."""
        async with self._http.get(self._base + path) as answer:
            answer.raise_for_status()
            await asyncio.to_thread(file.write_bytes, await answer.read())

    async def until(self, path: str, holds: Callable[[Any], bool], *, within: float) -> Any:
        """Ask until the answer is as wanted; TimeoutError when it never is."""
        async with asyncio.timeout(within):
            while True:
                answer = await self.get(path)
                if holds(answer):
                    return answer
                await asyncio.sleep(0.05)

    async def post(self, path: str, body: Mapping[str, object], *, key: str | None = None) -> Any:
        """The JSON of a POST, None where there is none; with a key it is carried out once."""
        headers = {"Idempotency-Key": key} if key is not None else {}
        async with self._http.post(self._base + path, json=body, headers=headers) as answer:
            answer.raise_for_status()
            return await answer.json() if answer.content_type == "application/json" else None

    async def put(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """The JSON of a PUT."""
        async with self._http.put(self._base + path, json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def delete(self, path: str) -> Any:
        """The JSON of a DELETE, None where there is none."""
        async with self._http.delete(self._base + path) as answer:
            answer.raise_for_status()
            return await answer.json() if answer.content_type == "application/json" else None


def _text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")
