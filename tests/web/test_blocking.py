"""A number is blocked in the panel, from wherever its call is seen, and unblocked by the same notice."""

from __future__ import annotations

from time import time

import pytest
from flask.testing import FlaskClient

from gateway.events import CallStarted
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.rows import call_row
from tests.web.conftest import csrf_of

CALLER = "+79031112233"
LINK = 'href="/blocked?number=%2B79031112233"'


def test_the_way_there_is_beside_every_call_from_outside(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row("c1"), call_row("c2", direction="outgoing"), call_row("c3", caller="")]
    assert owner.get("/calls").text.count(LINK) == 1
    assert LINK in owner.get("/calls/c1").text
    assert LINK not in owner.get("/calls/c2").text
    gateway.publish(
        CallStarted(
            call_id="live", direction="incoming", caller=CALLER, caller_name="", called="red", line="red",
            flow="ring-phones",
        )
    )  # fmt: skip
    assert LINK in owner.get("/live").text


def test_it_is_said_what_blocking_does_and_undone_after_a_reload(owner: FlaskClient, gateway: GatewayThread) -> None:
    page = owner.get("/blocked?number=%2B79031112233").text
    assert f'value="{CALLER}"' in page
    assert "the caller does not count as missed" in page
    assert "No number is blocked" in page
    form = {"csrf_token": csrf_of(owner, "/blocked"), "number": CALLER, "days": "7", "why": "spam"}
    page = owner.post("/blocked", data=form, follow_redirects=True).text
    blocked = gateway.people.book.blocked
    assert [(each.number, each.why, each.by) for each in blocked.listed()] == [(CALLER, "spam", "anna")]
    assert "8 (903) 111-22-33 is blocked." in page
    assert "until" in page
    for path in ("/blocked", "/calls", "/blocked"):
        assert "is blocked." in owner.get(path).text, "also after a reload, and elsewhere"
    undo = {"csrf_token": form["csrf_token"], "number": CALLER}
    page = owner.post("/blocked/remove", data=undo, follow_redirects=True).text
    assert list(blocked.listed()) == []
    assert "may call again" in page
    assert "is blocked." not in page
    assert owner.post("/blocked/remove", data=undo).status_code == 302, "somebody was quicker"


def test_what_is_no_number_outside_is_refused_in_words(owner: FlaskClient) -> None:
    form = {"csrf_token": csrf_of(owner, "/blocked"), "number": "<b>101"}
    answer = owner.post("/blocked", data=form)
    assert answer.status_code == 422
    assert "This number cannot be blocked." in answer.text
    assert 'value="&lt;b&gt;101"' in answer.text, "what was typed is there still"


def test_the_notice_goes_when_it_is_not_wanted_or_too_old(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    form = {"csrf_token": csrf_of(owner, "/blocked"), "number": CALLER}
    owner.post("/blocked", data=form)
    later = time() + 301
    with monkeypatch.context() as patch:
        patch.setattr("web.undo.time", lambda: later)
        assert "is blocked." not in owner.get("/blocked").text
    owner.post("/blocked", data=form)
    answer = owner.post("/undo/not-wanted", data={"csrf_token": form["csrf_token"], "next": "/calls"})
    assert answer.location == "/calls"
    assert "is blocked." not in owner.get("/blocked").text


def test_a_blocked_call_is_no_missed_one_in_the_list(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [
        call_row("c1", flow="refuse", cause="rejected", answered_at=None, answered_by=None, recordings=[])
    ]
    page = owner.get("/calls").text
    assert 'id="call-c1"' in page
    assert "Blocked</span>" in page
    assert 'class="call missed"' not in page
