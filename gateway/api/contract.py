"""openapi.json as the API's own authority: which routes there are and what each of them asks of a token."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web

CONTRACT_PATH = Path(__file__).with_name("openapi.json")
_METHODS = ("get", "put", "post", "delete", "patch")


@cache
def contract() -> dict[str, Any]:
    """The parsed contract."""
    parsed: dict[str, Any] = json.loads(CONTRACT_PATH.read_text(encoding="utf-8"))
    return parsed


@cache
def scopes() -> dict[tuple[str, str], str | None]:
    """(method, path) -> the scope that is needed; None: open to everybody."""
    return {
        (method.upper(), path): None if operation.get("security") == [] else operation["x-scope"]
        for path, item in contract()["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    }


def scope_of(request: web.Request) -> str | None:
    """The scope that the matched route needs; None: open. Raises KeyError for a route outside the contract."""
    resource = request.match_info.route.resource
    method = "GET" if request.method == "HEAD" else request.method
    return scopes()[method, resource.canonical if resource is not None else request.path]
