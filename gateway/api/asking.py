"""The command line asks the daemon that runs: by its API, with a token that the owner has made."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

_PATIENCE_SECONDS = 90.0


def ask_for_file(bind: str, path: str, token: str | None, output: Path) -> str | None:
    """Fetch what the API gives and write it to a file; why not, in a sentence, or None when it is done."""
    if not token:
        return "Put a token into SIMBRIDGE_TOKEN: the panel makes one on its page Access."
    host, _, port = bind.rpartition(":")
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
    except OSError as fault:
        return f"The daemon does not answer at {bind}: {fault}."
    finally:
        connection.close()
    if answer.status != 200:
        return _sentence(body) or f"The daemon refuses: {answer.status} {answer.reason}."
    try:
        output.write_bytes(body)
    except OSError as fault:
        return f"The file cannot be written: {fault}."
    return None


def _sentence(body: bytes) -> str | None:
    try:
        problem = json.loads(body)
    except ValueError:
        return None
    said = [problem.get(name) for name in ("title", "detail")] if isinstance(problem, dict) else []
    return " ".join(each for each in said if isinstance(each, str)) or None
