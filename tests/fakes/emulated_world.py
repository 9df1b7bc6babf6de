"""The control socket of an emulator that only says what it was told, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gateway.api.playground import Playground
from tests.fakes.exchange_view import SHOP

MODEM = {"name": "m0", "family": "huawei", "number": "+79160000001", "is_on": True}
RINGING: dict[str, Any] = {
    "id": "c1", "subscriber": "+79161234567", "sim": "+79160000001", "from_modem": True, "state": "ringing",
    "seconds": 0.0,
}  # fmt: skip


class FakeWorld:
    """`async with` it; `asked` are the requests without their ids."""

    def __init__(self, directory: Path) -> None:
        self.control = directory / "control.sock"
        self.playground = Playground(self.control, shop=lambda: SHOP, registrar=lambda: ("127.0.0.1", 5060))
        self.asked: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = [RINGING]
        self.phones: list[str] = []
        self.refusal: str | None = None
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, self.control)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        self.control.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = json.loads(await reader.readline())
        request.pop("id")
        verb = request["do"]
        if verb not in ("modems", "calls", "phone-calls"):
            self.asked.append(request)
        if verb == "phone":
            self.phones.append(request["name"])
        answers: dict[str, Any] = {
            "modems": {"modems": [MODEM]},
            "calls": {"calls": self.calls},
            "phone-calls": {"phones": self.phones, "calls": []},
        }
        answer: dict[str, Any] = {"id": 1, "ok": answers.get(verb, {"id": "c9"})}
        if self.refusal is not None and verb not in answers:
            answer = {"id": 1, "error": self.refusal, "kind": "LookupError"}
        writer.write(json.dumps(answer).encode() + b"\n")
        await writer.drain()
        writer.close()
