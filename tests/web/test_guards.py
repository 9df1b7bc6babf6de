"""CSRF, CSP, hosts, frames (T-W1, T-W4, T-W11)."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.rows import call_row
from tests.web.conftest import csrf_of
from tests.web.routes import open_paths, unsafe_paths
from web.app import create_app

TEMPLATES = sorted((Path(__file__).parents[2] / "web" / "templates").rglob("*.html"))


def test_the_panel_reads_and_changes_by_two_methods_only(app: Flask) -> None:
    methods = {method for rule in app.url_map.iter_rules() for method in rule.methods or ()}
    assert methods == {"GET", "HEAD", "OPTIONS", "POST"}


def test_every_form_needs_its_own_token(owner: FlaskClient, stranger: FlaskClient, app: Flask) -> None:
    assert len(unsafe_paths(app)) >= 6
    foreign = csrf_of(stranger)
    for browser in (owner, stranger):
        for path in unsafe_paths(app):
            tokens: list[dict[str, str]] = [{}, {"csrf_token": ""}, {"csrf_token": "x" * 90}]
            if browser is owner:
                tokens.append({"csrf_token": foreign})
            for data in tokens:
                answer = browser.post(path, data=data)
                assert answer.status_code == 400, path
                assert "This form has expired." in answer.text


def test_every_answer_has_a_strict_policy_and_a_fresh_nonce(
    owner: FlaskClient, stranger: FlaskClient, app: Flask, gateway: GatewayThread
) -> None:
    gateway.archive.call_rows = [call_row("c1")]
    gateway.keep_recording("r-c1")
    nonces = []
    for browser in (owner, stranger):
        for path in [*open_paths(app), "/no-such-page", "/static/app.css", "/static/no-such-file"]:
            answer = browser.get(path)
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'self'; "), path
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert "object-src 'none'" in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            nonces += re.findall(r"script-src 'self' 'nonce-([\w-]{20,})'", policy)
            answer.close()
    assert len(nonces) == len(set(nonces)) > 30


class _Inline(HTMLParser):
    """Finds what a strict policy would stop: handlers and styles in attributes, scripts without a source."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith("on") or "hx-on" in name]
        self.found += [f"{name}={value}" for name, value in attrs if re.match(r"(?i)\s*(javascript|js):", value or "")]
        for name, value in attrs:
            if name in ("src", "href", "action", "hx-get") and re.match(r"(?i)(https?:)?//", value or ""):
                self.found.append(f"{name}={value}")


def test_pages_need_nothing_that_the_policy_forbids(owner: FlaskClient, app: Flask, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row("c1")]
    for path in open_paths(app):
        answer = owner.get(path)
        if answer.mimetype == "text/html":
            parser = _Inline()
            parser.feed(answer.text)
            assert parser.found == [], path
        answer.close()


def test_no_template_switches_escaping_off() -> None:
    assert len(TEMPLATES) > 15
    for path in TEMPLATES:
        text = path.read_text("utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape|Markup", text), path


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("localhost:8080", 200), ("127.0.0.1:8080", 200), ("192.168.1.7", 200), ("[::1]:8080", 200),
        ("[fe80::1]", 200), ("simbridge.local", 200), ("SIMBRIDGE.local:8080", 200), ("evil.example", 421),
        ("evil.example:8080", 421), ("localhost.evil.example", 421), ("127.0.0.1.evil.example", 421),
        ("127.1.evil", 421), ("simbridge.local.evil.example", 421), ("evil.example#localhost", 421),
        ("localhost@evil.example", 421),
        ("evil.example/localhost", 421), ("xn--80ak6aa92e.com", 421), ("0x7f000001", 421), ("2130706433", 421),
        ("local host", 421), ("localhost,evil.example", 421),
    ],
)  # fmt: skip
def test_only_our_own_names_are_answered(stranger: FlaskClient, host: str, status: int) -> None:
    answer = stranger.get("/login", headers={"Host": host})
    assert answer.status_code in ((200,) if status == 200 else (400, 421))
    assert "evil" not in answer.text
    assert "evil" not in str(answer.headers)


def test_a_panel_for_the_lan_answers_private_addresses_only(gateway: GatewayThread) -> None:
    browser = create_app(gateway.url, only_private=True).test_client()
    for address, status in (("192.168.1.9", 200), ("10.0.0.1", 200), ("127.0.0.1", 200), ("8.8.8.8", 403)):
        answer = browser.get("/login", environ_base={"REMOTE_ADDR": address})
        assert answer.status_code == status, address


def test_forms_are_not_larger_than_they_need_be(owner: FlaskClient) -> None:
    data = {"csrf_token": csrf_of(owner, "/shop"), "text": "x" * 1_200_000}
    answer = owner.post("/shop", data=data)
    assert answer.status_code in (400, 413)
