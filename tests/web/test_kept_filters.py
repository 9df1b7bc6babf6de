"""Each list opens with the filters of last time, until they are taken away or the person signs out."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import csrf_of, sign_in

LISTS = (
    ("/orders", "search=A-1&stage=packed", "/orders?all=1"),
    ("/contacts", "search=rose&tag=vip", "/contacts?all=1"),
    ("/messages", "show=sent&search=hello", "/messages?show=all"),
    ("/calls", "show=missed&search=79", "/calls?show=all"),
    ("/access/audit", "search=anna&from=2027-01-01", "/access/audit?all=1"),
    ("/statistics", "period=month&by=courier", "/statistics?all=1"),
    ("/statistics", "by=hour&from=2027-01-04&to=2027-01-05", "/statistics?all=1"),
    ("/gateways", "show=missed&search=79&gateway=g2", "/gateways?show=all"),
)


@pytest.mark.parametrize(("path", "filters", "none"), LISTS)
def test_a_list_opens_as_last_time(owner: FlaskClient, path: str, filters: str, none: str) -> None:
    assert owner.get(path).status_code == 200
    assert owner.get(f"{path}?{filters}").status_code == 200
    for other, *_ in LISTS:
        if other != path:
            assert owner.get(other).status_code == 200, "each list has its own"
    again = owner.get(path)
    assert (again.status_code, again.location) == (302, f"{path}?{filters}")
    assert owner.get(path, headers={"HX-Request": "true"}).status_code == 200, "a part stays as it is"
    page = owner.get(again.location)
    assert "Remove all filters" in page.text
    assert page.status_code == 200
    assert owner.get(f"{path}?cursor=wrong").status_code in (200, 400), "the next page is not the first of last time"
    assert owner.get(path).location == f"{path}?{filters}"
    assert f'href="{none}' in page.text
    page = owner.get(none)
    assert "Remove all filters" not in page.text
    assert owner.get(path).status_code == 200


def test_who_was_missed_opens_as_last_time(owner: FlaskClient) -> None:
    owner.get("/missed?show=all")
    assert owner.get("/missed").location == "/missed?show=all"
    assert 'href="/missed?show=waiting"' in owner.get("/missed?show=all").text
    assert 'href="/missed?show=waiting"' in owner.get("/parts/today").text, "who waits, not what was shown last"
    owner.get("/missed?show=waiting")
    assert owner.get("/missed").status_code == 200


def test_a_search_for_nothing_takes_them_away(owner: FlaskClient) -> None:
    owner.get("/orders?search=A-1")
    assert owner.get("/orders").status_code == 302
    owner.get("/orders?search=&courier=&stage=")
    assert owner.get("/orders").status_code == 200
    owner.get("/orders?search=" + "x" * 2000)
    assert len(owner.get("/orders").location or "") < 100, "as much as the field takes"


def test_what_is_no_filter_changes_nothing(owner: FlaskClient) -> None:
    owner.get("/contacts?search=rose")
    assert owner.get("/contacts?phone=%2B79031112233").status_code == 200
    assert owner.get("/contacts").location == "/contacts?search=rose"


def test_who_signs_out_takes_them_along(owner: FlaskClient) -> None:
    for path, filters, _ in LISTS:
        owner.get(f"{path}?{filters}")
    owner.post("/logout", data={"csrf_token": csrf_of(owner, "/account")})
    sign_in(owner)
    assert [owner.get(path).status_code for path, *_ in LISTS] == [200] * len(LISTS)


def test_what_somebody_else_put_into_a_cookie_goes_nowhere(owner: FlaskClient) -> None:
    owner.set_cookie("orders_filters", "//evil.example/")
    assert owner.get("/orders").location == "/orders?//evil.example/"
