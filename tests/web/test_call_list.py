"""The list of calls: as a table, and with the filters of last time."""

from __future__ import annotations

import io
import zipfile

from flask.testing import FlaskClient
from sqlalchemy import select

from gateway.store.schema import calls
from gateway.worker.seams import CallFilter
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.rows import call_row
from tests.web.conftest import csrf_of


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
    assert "Remove all filters" in page
    assert owner.get("/calls?cursor=1").status_code == 200, "the second page is not the first of last time"
    owner.get("/calls?search=79")
    assert owner.get("/calls").location == "/calls?search=79"
    page = owner.get("/calls?show=all").text
    assert "Remove all filters" not in page
    assert owner.get("/calls").status_code == 200


def test_what_somebody_else_put_into_the_cookie_goes_nowhere(owner: FlaskClient) -> None:
    owner.set_cookie("calls_filters", "//evil.example/")
    assert owner.get("/calls").location == "/calls?//evil.example/"
    owner.set_cookie("calls_filters", "x=%0d%0aSet-Cookie:a=b")
    assert owner.get("/calls").headers.getlist("Set-Cookie") == []


def test_the_recordings_of_ticked_calls_or_of_the_filter_are_one_file(
    owner: FlaskClient, gateway: GatewayThread
) -> None:
    gateway.archive.call_rows = [call_row("c1"), call_row("c2"), call_row("c3", recordings=[])]
    sounds = [gateway.keep_recording(f"r-{call_id}") for call_id in ("c1", "c2")]
    page = owner.get("/calls?search=79").text
    assert page.count('name="call"') == 2, "who has no recording cannot be ticked"
    assert 'href="/calls/recordings?search=79"' in page
    said = owner.get("/calls/recordings?search=79").text
    assert "2 recordings, 3.1 MB" in said
    assert "note for each recording that you downloaded it" in said
    assert 'href="/calls/recordings.zip?search=79"' in said
    assert gateway.archive.asked[-1] == CallFilter(search="79", recorded=True)
    assert gateway.recorded.evidence.heard == [], "nothing is downloaded yet"
    said = owner.get("/calls/recordings?call=c1&call=c3").text
    assert "1 recording, 1.6 MB" in said
    assert 'href="/calls/recordings.zip?call=c1&amp;call=c3"' in said
    answer = owner.get("/calls/recordings.zip?call=c2")
    assert answer.mimetype == "application/zip"
    assert "recordings.zip" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as pack:
        names = pack.namelist()
        assert names[0].startswith("recordings/2027-01-29_12-00-11_"), "by the shop's clock"
        assert names[1:] == ["calls.csv", "recordings.csv", "SHA256SUMS"]
        assert pack.read(names[0]) == sounds[1]
    answer.close()
    assert gateway.recorded.evidence.heard == [("r-c2", "anna", True)]
    assert "None of these calls has a recording" in owner.get("/calls/recordings?call=c3").text


def test_a_call_is_marked_and_the_list_is_of_one_tag(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row("c1", tags=["опт"]), call_row("c2")]
    gateway.people.keep_call("c2")
    page = owner.get("/calls?tag=опт").text
    assert "<option selected>опт</option>" in page
    assert '<span class="tag">опт</span>' in page
    assert gateway.archive.asked[-1] == CallFilter(tag="опт")
    page = owner.get("/calls/c2").text
    assert 'name="tag" value="опт"' in page, "what is in use is offered"
    form = {"csrf_token": csrf_of(owner, "/calls/c2"), "tag": ["опт"], "more": " Жалоба ,; срочно"}
    answer = owner.post("/calls/c2/tags", data=form)
    assert answer.location == "/calls/c2#tags"
    with gateway.people.writer.engine.connect() as connection:
        kept = connection.execute(select(calls.c.tags).where(calls.c.id == "c2")).scalar_one()
    assert kept == "#опт#жалоба#срочно#"
    form["more"] = "x" * 40
    page = owner.post("/calls/c2/tags", data=form, follow_redirects=True).text
    assert "These tags cannot be saved. Use at most 10 tags" in page


def test_too_many_recordings_are_told_before_anything_begins(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row(f"c{number}") for number in range(900)]
    owner.set_cookie("language", "ru")
    page = owner.get("/calls/recordings").text
    assert "Больше 500 записей" in page
    assert "не больше 500 записей и 2000" in page
    assert "recordings.zip" not in page
    assert owner.get("/calls/recordings.zip").status_code == 422
