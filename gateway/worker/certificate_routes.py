"""The panel's own certificate, judged; its key never comes here: the panel keeps that, and nobody else can read it.

A copy of the certificate itself lies beside the store, so that the report can say in time when it ends.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from gateway.api import bodies
from gateway.clock import wire_time
from gateway.doctor.certificate import LONGEST_PEM, ReadCertificate, judge_certificate, read_certificate
from gateway.settings import Settings


class CertificateRoutes:
    """The handlers."""

    def __init__(self, settings: Settings) -> None:
        self._copy = settings.uploaded_certificate

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.post("/api/v1/certificate/read", self._post_read),
            web.put("/api/v1/certificate", self._put),
            web.delete("/api/v1/certificate", self._delete),
        ]

    async def _post_read(self, request: web.Request) -> web.Response:
        return _answer(await asyncio.to_thread(read_certificate, await _pem(request)))

    async def _put(self, request: web.Request) -> web.Response:
        found = await asyncio.to_thread(judge_certificate, await _pem(request), datetime.now(UTC))
        await asyncio.to_thread(_replace, self._copy, found.pem)
        return _answer(found)

    async def _delete(self, _request: web.Request) -> web.Response:
        await asyncio.to_thread(self._copy.unlink, missing_ok=True)
        return web.Response(status=204)


async def _pem(request: web.Request) -> str:
    body = await bodies.json_object(request, allowed=frozenset({"certificate"}))
    return bodies.prose(body, "certificate", longest=LONGEST_PEM, shortest=1)


def _answer(found: ReadCertificate) -> web.Response:
    wire = {
        "names": list(found.names),
        "issuer": found.issuer,
        "begins_at": wire_time(found.begins_at),
        "ends_at": wire_time(found.ends_at),
        "sha256": found.sha256,
        "self_signed": found.is_self_signed,
    }
    return web.json_response(wire, headers={"Cache-Control": "no-store"})


def _replace(target: Path, text: str) -> None:
    target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".new")
    with draft.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)
