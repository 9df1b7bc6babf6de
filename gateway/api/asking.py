"""The command line asks the daemon that runs: by its API, with a token that the owner has made."""

from __future__ import annotations

import http
import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

_PATIENCE_SECONDS = 90.0


def ask_for_file(bind: str, path: str, token: str | None, output: Path) -> str | None:
    """Fetch what the API gives and write it to a file; why not, in a sentence, or None when it is done."""
    body, problem = _ask(bind, path, token, "")
    if body is None:
        return problem
    try:
        output.write_bytes(body)
    except OSError as fault:
        return f"The file cannot be written: {fault}."
    return None


def ask_for_route(bind: str, token: str | None, language: str, asked: Mapping[str, str]) -> tuple[str | None, str]:
    """The route test as text, one step per line with its second, or None; and why not, in a sentence.

    `asked` has the parameters of the API: caller, called, at.
    """
    body, problem = _ask(bind, f"/api/v1/route-test?{urlencode(asked)}", token, language)
    if body is None:
        return None, problem
    answer = json.loads(body)
    heading = f"{answer['local_time'].replace('T', ' ')} ({answer['time_zone']})"
    return "\n".join([heading, *(f"{step['seconds']:7.1f} s  {step['said']}" for step in answer["steps"])]), ""


def _ask(bind: str, path: str, token: str | None, language: str) -> tuple[bytes | None, str]:
    """What the API answers, or None and why, in a sentence."""
    if not token:
        return None, "Put a token into SIMBRIDGE_TOKEN: the panel makes one on its page Access."
    host, _, port = bind.rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}", "Accept-Language": language})
        answer = connection.getresponse()
        body = answer.read()
    except OSError as fault:
        return None, f"The daemon does not answer at {bind}: {fault}."
    finally:
        connection.close()
    if answer.status == http.HTTPStatus.UNAUTHORIZED:
        return None, "The gateway does not know the token in SIMBRIDGE_TOKEN: the panel makes one on its page Access."
    if answer.status != 200:
        return None, _sentence(body) or f"The daemon refuses: {answer.status} {answer.reason}."
    return body, ""


def _sentence(body: bytes) -> str | None:
    try:
        problem = json.loads(body)
    except ValueError:
        return None
    said = [problem.get(name) for name in ("title", "detail")] if isinstance(problem, dict) else []
    return " ".join(each for each in said if isinstance(each, str)) or None
