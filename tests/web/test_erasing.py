"""The page that erases a number: a look first, then a second button, then how far it is."""

from __future__ import annotations

from dataclasses import replace

from flask.testing import FlaskClient

from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of

NUMBER = "+79031112233"


def test_a_number_is_erased_in_two_steps(gateway: GatewayThread, owner: FlaskClient) -> None:
    form = {"csrf_token": csrf_of(owner, "/erase"), "number": NUMBER}
    page = owner.post("/erase", data=form).text
    assert "2 calls keep their time and cost" in page
    assert "3 SMS" in page
    assert gateway.recorded.erasures.asked == []
    answer = owner.post("/erase/now", data=form)
    assert answer.status_code == 302
    assert NUMBER.strip("+") not in answer.headers["Location"]
    assert gateway.recorded.erasures.asked == [(NUMBER, "anna")]
    waiting = owner.get(answer.headers["Location"]).text
    assert "Being erased." in waiting
    assert "every 1s" in waiting
    gateway.run(lambda: gateway.recorded.erasures.go_on("e1", "done", 5))
    over = owner.get(answer.headers["Location"]).text
    assert "Erased." in over
    assert "every 1s" not in over
    gateway.run(lambda: gateway.recorded.erasures.go_on("e1", "failed", 2))
    assert "It was not completed." in owner.get(answer.headers["Location"]).text


def test_what_is_held_or_nothing_at_all_is_said(gateway: GatewayThread, owner: FlaskClient) -> None:
    form = {"csrf_token": csrf_of(owner, "/erase"), "number": NUMBER}
    erasures = gateway.recorded.erasures
    erasures.found = replace(erasures.found, held=1, running=1)
    page = owner.post("/erase", data=form).text
    assert "1 call is held for a dispute and stays" in page
    assert "is in progress and stays" in page
    erasures.found = replace(erasures.found, calls=0, messages=0)
    page = owner.post("/erase", data=form).text
    assert "There is nothing to erase." in page
    assert "Erase for good" not in page
    assert "at least three characters" in owner.post("/erase", data={**form, "number": "7"}).text
