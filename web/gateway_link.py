"""How the panel asks the daemon: requests, answers, refusals; what may be asked stands in gateway_client.py."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from io import SEEK_END
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

_ANSWER_SECONDS = 15.0
_BLOCK_BYTES = 64 * 1024


class GatewayAway(Exception):
    """Nobody answers at the API's address."""


class Refused(Exception):
    """The API answered with a problem (RFC 9457); its sentences are in the language that was asked for."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("title", status)))
        self.status = status
        self.code = str(problem.get("code", ""))
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail", ""))
        self.advice = str(problem.get("advice", ""))


@dataclass(frozen=True, slots=True)
class Asker:
    """On whose behalf the panel asks: the session's token, the language of sentences, the browser's address."""

    token: str | None = None
    language: str = "en"
    address: str | None = None
    user_agent: str = ""


class GatewayLink:
    """Every verb raises GatewayAway or Refused; none keeps a connection."""

    def __init__(self, api_url: str) -> None:
        parts = urlsplit(api_url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"The API's address must be like http://127.0.0.1:8090, not {api_url!r}.")
        self._host, self._port = parts.hostname, parts.port or 80

    @staticmethod
    def _events(answer: HTTPResponse) -> Iterator[dict[str, Any]]:
        try:
            for line in answer:
                if line.startswith(b"data:"):
                    event: dict[str, Any] = json.loads(line[5:])
                    yield event
                elif line.startswith(b":"):
                    yield {}
        except (OSError, HTTPException, ValueError) as error:
            raise GatewayAway(str(error)) from error

    def _object(
        self,
        asker: Asker,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: object = None,
        **ids: str,
    ) -> dict[str, Any]:
        answer: dict[str, Any] = self._ask(asker, method, path, query=query, body=body, **ids)
        return answer

    def _ask(self, asker: Asker, method: str, path: str, **asked: Any) -> Any:
        with self._asking(asker, method, path, **asked) as answer:
            content = read_whole(answer)
            if not content:
                return None
            if "json" in (answer.getheader("Content-Type") or ""):
                return json.loads(content)
            return content.decode("utf-8")

    @contextmanager
    def _asking(
        self,
        asker: Asker,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: object = None,
        text: str | bytes | None = None,
        file: BinaryIO | None = None,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        seconds: float = _ANSWER_SECONDS,
        **ids: str,
    ) -> Iterator[HTTPResponse]:
        """The open answer to a request; a problem has been raised as Refused. `file` is sent piece by piece."""
        # What a form left empty is asked for by a name that nothing has: the API refuses it as it does any other.
        target = path.format(**{name: quote(value, safe="") or "-" for name, value in ids.items()})
        wanted = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        if wanted:
            target += "?" + urlencode(wanted)
        payload = text if text is not None else (json.dumps(body) if body is not None else None)
        content = file if file is not None else payload.encode() if isinstance(payload, str) else payload
        all_headers = {"Accept-Language": asker.language, "User-Agent": asker.user_agent[:200], **(headers or {})}
        if asker.token is not None:
            all_headers["Authorization"] = f"Bearer {asker.token}"
        if asker.address is not None:
            all_headers["X-Forwarded-For"] = asker.address
        if content is not None:
            all_headers["Content-Type"] = media_type
        if file is not None:
            all_headers["Content-Length"] = str(file.seek(0, SEEK_END))
            file.seek(0)
        connection = HTTPConnection(self._host, self._port, timeout=seconds, blocksize=_BLOCK_BYTES)
        try:
            try:
                connection.request(method, target, content, all_headers)
                answer = connection.getresponse()
                if answer.status >= 400:
                    raise _refused(answer)
            except (OSError, HTTPException) as error:
                raise GatewayAway(str(error)) from error
            yield answer
        finally:
            connection.close()


def read_whole(answer: HTTPResponse) -> bytes:
    """All of it. Raises GatewayAway."""
    try:
        return answer.read()
    except (OSError, HTTPException) as error:
        raise GatewayAway(str(error)) from error


def pieces_of(answer: HTTPResponse) -> Iterator[bytes]:
    """What is passed on as it comes, however long it is."""
    return iter(lambda: answer.read(_BLOCK_BYTES), b"")


def _refused(answer: HTTPResponse) -> Refused:
    try:
        problem = json.loads(answer.read())
    except ValueError:
        problem = {}
    return Refused(answer.status, problem if isinstance(problem, dict) else {})
