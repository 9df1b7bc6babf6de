"""Where numbers are from, in the panel, with the worker behind it (E1)."""

from __future__ import annotations

import io

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.rows import call_row
from tests.store.test_number_ranges import REGISTRY
from tests.web.conftest import csrf_of

PAGE = "/shop/numbering"


def _take(browser: FlaskClient, content: bytes) -> TestResponse:
    form = {"csrf_token": csrf_of(browser, PAGE), "file": (io.BytesIO(content), "DEF-9xx.csv")}
    return browser.post(PAGE, data=form, follow_redirects=True)


def test_the_registry_is_taken_and_tells_where_a_mobile_is_from(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert f'href="{PAGE}"' in owner.get("/shop").text
    assert "not known" in owner.get(f"{PAGE}?number=%2B79000000001").text
    assert "Sakhalin Oblast, " in owner.get(f"{PAGE}?number=%2B7+424+212-34-56").text
    taken = _take(owner, REGISTRY.encode())
    assert "known ranges: 4." in taken.text
    assert "Krasnodar Krai" in owner.get(f"{PAGE}?number=%2B79000000001").text
    refused = _take(owner, b"hello")
    assert (refused.status_code, "must name the columns" in refused.text) == (422, True)
    assert "4 ranges are imported." in owner.get(PAGE).text


def test_a_call_shows_where_it_came_from(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row("c1", caller="+74232123456")]
    assert '<small class="place">Primorsky Krai, ' in owner.get("/calls").text
    assert '<small class="place">Primorsky Krai, ' in owner.get("/calls/c1").text
    owner.set_cookie("language", "ru")
    assert '<small class="place">Приморский край, ' in owner.get("/calls").text
