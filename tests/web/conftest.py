"""A panel over a served API, for its tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from weakref import WeakKeyDictionary

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from tests.fakes.gateway_thread import PASSWORD, GatewayThread, gateway_running
from web.app import create_app

Builder = Callable[..., tuple[str, str]]


class _Compiled(BytecodeCache):
    """Templates as they were compiled for any panel of this run; one with another text is another one."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(autouse=True, scope="session")
def compiled_once() -> Iterator[None]:
    """Every test has a panel of its own; to compile its templates and its routes took most of a test's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Flask.jinja_options, "bytecode_cache", _Compiled())
        patch.setattr(Rule, "_compile_builder", _compiling_once(Rule._compile_builder))
        yield


def _compiling_once(compile_builder: Callable[[Rule, bool], Builder]) -> Callable[[Rule, bool], Builder]:
    """What makes a path of a rule follows from the rule's parts alone, where no value has a default."""
    known: dict[tuple[object, ...], Builder] = {}

    def compiled(rule: Rule, append_unknown: bool = True) -> Builder:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        key = (*rule._trace, append_unknown)
        if key not in known:
            known[key] = compile_builder(rule, append_unknown)
        return known[key]

    return compiled


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayThread]:
    """A gateway with an owner."""
    served = GatewayThread(tmp_path)
    served.make_owner()
    with gateway_running(served):
        yield served


@pytest.fixture
def app(gateway: GatewayThread) -> Flask:
    """The panel."""
    return create_app(gateway.url)


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    """A browser that has not signed in."""
    return app.test_client()


@pytest.fixture
def owner(app: Flask) -> FlaskClient:
    """A browser that has."""
    client = app.test_client()
    sign_in(client)
    return client


_tokens: WeakKeyDictionary[FlaskClient, dict[tuple[str, str], str]] = WeakKeyDictionary()


def csrf_of(client: FlaskClient, path: str = "/login") -> str:
    """The token of the form on that page. A session has one for all its forms, so a page is looked at once for it."""
    known = _tokens.setdefault(client, {})
    session = client.get_cookie("simbridge_form")
    if session is not None and (path, session.value) in known:
        return known[path, session.value]
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path, follow_redirects=True).text)
    assert found is not None
    session = client.get_cookie("simbridge_form")
    if session is not None:
        known[path, session.value] = found[1]
    return found[1]


def sign_in(client: FlaskClient, password: str = PASSWORD) -> None:
    """Through the form, as a person does."""
    answer = client.post("/login", data={"csrf_token": csrf_of(client), "name": "anna", "password": password})
    assert answer.status_code == 302, answer.text
