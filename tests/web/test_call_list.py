"""The list of calls: as a table, and with the filters of last time."""

from __future__ import annotations

from flask.testing import FlaskClient

from gateway.worker.seams import CallFilter
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.rows import call_row


def test_what_the_filters_leave_is_a_table(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row(f"c{number}") for number in range(3)]
    page = owner.get("/calls?show=missed&search=79&line=red").text
    assert 'href="/calls.csv?show=missed&amp;search=79&amp;line=red"' in page
    answer = owner.get("/calls.csv?show=missed&search=79&line=red")
    assert answer.mimetype == "text/csv"
    assert "calls.csv" in answer.headers["Content-Disposition"]
    assert answer.text.startswith("\ufeffBegun,")
    assert answer.text.count("\r\n") == 4
    assert "2027-01-29 12:00:00" in answer.text, "by the shop's clock"
    wanted = CallFilter(direction="incoming", outcome="missed", search="79", line="red")
    assert gateway.archive.asked[-1] == wanted
    answer.close()


def test_the_filters_of_last_time_are_there_again_until_they_are_taken_away(owner: FlaskClient) -> None:
    assert owner.get("/calls").status_code == 200
    assert owner.get("/calls?show=missed&search=Мария").status_code == 200
    again = owner.get("/calls")
    assert again.location == "/calls?show=missed&search=%D0%9C%D0%B0%D1%80%D0%B8%D1%8F"
    page = owner.get(again.location).text
    assert 'value="Мария"' in page
    assert "Take all filters away" in page
    assert owner.get("/calls?cursor=1").status_code == 200, "the second page is not the first of last time"
    owner.get("/calls?search=79")
    assert owner.get("/calls").location == "/calls?search=79&show=all"
    page = owner.get("/calls?show=all").text
    assert "Take all filters away" not in page
    assert owner.get("/calls").status_code == 200


def test_what_somebody_else_put_into_the_cookie_goes_nowhere(owner: FlaskClient) -> None:
    owner.set_cookie("calls_filters", "//evil.example/")
    assert owner.get("/calls").location == "/calls?//evil.example/"
    owner.set_cookie("calls_filters", "x=%0d%0aSet-Cookie:a=b")
    assert owner.get("/calls").headers.getlist("Set-Cookie") == []
