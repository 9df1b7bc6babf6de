"""Requests made from the contract against a whole gateway: daemon, worker and emulated modems, a shop with some life.

Schemathesis makes them from openapi.json: values at the edges of every schema, values drawn at random, values that the
schema forbids, and chains in which an answer feeds the next request. No answer may be a fault of ours (5xx), and every
answer must be one that the contract describes: its type, its headers, its fields.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from gateway.demo.site import COURIER, SIM_NUMBERS, STRANGER
from tests.end_to_end.house import House, house

HOOKS = Path(__file__).with_name("api_hooks.py")
ENDLESS = ("getStream", "getBrowserPhone")
"""Their answers have no end; `_endless` asks for them."""
SLOW = ("getSupportBundle", "getPcap")
"""A process of its own packs the answer, or it is waited for: these are asked a few times."""
LAST = (
    "deleteSession", "deleteSessionOfUser", "deleteSecondStepOfUser", "putPassword", "putUser", "deleteUser",
    "putShop", "putSecondStepRule",
)  # fmt: skip
"""What may take away the rights, or the shop, by which the others are reached: each when those are done."""
CHECKS = (
    "no_fault_of_ours", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "unsupported_method", "ignored_auth",
)  # fmt: skip
PASSWORD = "three unlikely words"
_ODD_TEXTS = ("0", "-1", "9" * 400, "\u0661\u0662", "null", "a b", "1.5", "%00", "../x")


@dataclass(frozen=True, slots=True)
class Told:
    """What one run of schemathesis found."""

    operations: int
    requests: int
    findings: list[str]


def look(examples: int, seed: int) -> bool:
    """Run everything with so many random requests per operation; True when something was found."""
    with tempfile.TemporaryDirectory(prefix="simbridge-fuzz-") as directory:
        return asyncio.run(_look(Path(directory), examples, seed)) > 0


async def _look(directory: Path, examples: int, seed: int) -> int:
    """How much was found; all of it is printed."""
    found = 0
    async with house(directory / "site") as stack:
        known = await _live(stack)
        chained, plain = ("--phases=coverage,fuzzing,stateful",), ("--phases=coverage,fuzzing",)
        elsewhere = [f"--exclude-operation-id={each}" for each in (*ENDLESS, *SLOW, *LAST)]
        runs: list[tuple[str, int, tuple[str, ...]]] = [
            ("owner", examples, (*chained, *elsewhere)),
            ("courier", examples, (*plain, "--include-path-regex=^/api/v1/courier/")),
            *(("owner", min(examples, 3), (*plain, f"--include-operation-id={each}")) for each in SLOW),
            *(("owner", examples, (*plain, f"--include-operation-id={each}")) for each in LAST),
        ]
        # All at once: later nobody is let in, for as many wrong passwords as are tried meanwhile.
        tokens = [await _let_in(stack, role) for role, _, _ in runs]
        for token, (role, count, options) in zip(tokens, runs, strict=True):
            is_first = options == runs[0][2]
            findings = await _endless(stack, token) if is_first else []
            told = await _schemathesis(stack, directory, token, known, (*options, f"-n{count}", f"--seed={seed}"))
            findings += told.findings
            if is_first and await _status(stack, token, "/me") != 200:
                findings.append("what was asked for took the asker's own session away")
            print(f"the API, as {role}, {told.operations} operations: {told.requests} requests", *findings, sep="\n")
            sys.stdout.flush()
            found += len(findings)
    return found


async def _live(stack: House) -> dict[str, list[str]]:
    """A call that is recorded, a text, orders, contacts; the values of paths that lead there."""
    await stack.api.post("/orders", {"number": "1001", "phone": STRANGER, "courier": "2001", "stage": "with-courier"})
    contact = await stack.api.post("/contacts", {"name": "Olga", "phones": [STRANGER]})
    await stack.emulator.send_sms(STRANGER, SIM_NUMBERS["green"], "Where is my order?")
    courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.2)
    async with stack.phone() as phone:
        await phone.register()
        call = phone.call("2001")
        async with asyncio.timeout(30):
            await call.answered()
            mobile = await courier.next_call(within=15)
            await asyncio.sleep(2)
            call.hang_up()
            await mobile.ended(within=15)
    (row,) = await stack.ended_calls(1)
    return {
        "extension": ["101", "2001"],
        "number": ["1001"],
        "kind": ["lines", "phones", "couriers", "trunks"],
        "name": ["red", "green"],
        "language": ["en", "ru"],
        "id": [row["id"], contact["id"], *(each["id"] for each in row["recordings"])],
    }


async def _let_in(stack: House, role: str) -> str:
    """The token of a new session of a new person."""
    name = f"{role} {secrets.token_hex(4)}"
    person = {"name": name, "password": PASSWORD, "role": role}
    await stack.api.post("/users", person | ({"courier": "2001"} if role == "courier" else {}))
    session = await stack.api.post("/sessions", {"name": name, "password": PASSWORD})
    return str(session["token"])


async def _status(stack: House, token: str, path: str, headers: dict[str, str] | None = None) -> int:
    """Of the answer to a GET, whose body is not waited for."""
    url = f"http://127.0.0.1:{stack.site.ports.api}/api/v1{path}"
    asked = {"Authorization": f"Bearer {token}", **(headers or {})}
    async with aiohttp.ClientSession() as client, client.get(url, headers=asked) as answer:
        return answer.status


async def _endless(stack: House, token: str) -> list[str]:
    asked = [(f"/stream?boot={text}", text) for text in _ODD_TEXTS]
    asked += [(f"/phones/{text.replace('/', '%2F')}/browser", text) for text in (*_ODD_TEXTS, "101", "2001")]
    found = []
    for path, text in asked:
        headers = {"Last-Event-ID": text} if text.isascii() else {}
        status = await _status(stack, token, path, headers)
        if status >= 500:
            found.append(f"GET {path} -> {status}")
    return found


async def _schemathesis(
    stack: House, directory: Path, token: str, known: dict[str, list[str]], options: tuple[str, ...]
) -> Told:
    url, report = f"http://127.0.0.1:{stack.site.ports.api}/api/v1/openapi.json", directory / "report.json"
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("schemathesis")), "run", url, "-H", f"Authorization: Bearer {token}"),
        *("--checks", ",".join(CHECKS), "--continue-on-failure", "--request-timeout=60", "--no-color"),
        *("--report=json", f"--report-json-path={report}", "--warnings=off", *options),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=directory,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS), "SIMBRIDGE_FUZZ_KNOWN": json.dumps(known)},
    )
    try:
        said = (await process.communicate())[0].decode(errors="replace")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if not report.exists():
        return Told(0, 0, [said])
    told: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    report.unlink()
    operations, requests = told["operations"], told["test_cases"]["generated"]
    is_whole = told["complete"] and operations["tested"] == operations["selected"] > 0 and requests > 0
    return Told(operations["tested"], requests, [] if process.returncode == 0 and is_whole else [said])
