"""The pages of missed customers and statistics: what they ask, what they show, in both languages."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.events import MissedClosed
from gateway.telephony.promised import PromiseState
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.reports import ending, missed_row
from tests.fakes.rows import call_row
from tests.web.conftest import csrf_of
from web import charts
from web.live_feed import topics_of
from web.parts import PARTS


def test_a_reason_that_is_being_written_outlives_the_list_being_shown_anew(
    owner: FlaskClient, gateway: GatewayThread
) -> None:
    """Each form stays as it is when the part is put in place, known by an id of its own; seen in a browser."""
    gateway.reports.customers = [missed_row(), missed_row("+79031112244"), missed_row("")]
    kept = re.findall(r'<details class="write" id="([^"]+)" hx-preserve>', owner.get("/parts/missed").text)
    assert kept == ["close-79031112233", "close-79031112244", "close-c1"]
    config = re.search(r"""<meta name="htmx-config" content='([^']+)'>""", owner.get("/missed").text)
    assert config is not None
    assert "open" in json.loads(config[1])["morphIgnore"], "so that what a person has opened elsewhere stays open"


def test_an_order_that_wants_a_call_is_told_from_a_missed_call(owner: FlaskClient, gateway: GatewayThread) -> None:
    wish = {
        "call_id": None, "at": "2027-01-29T09:00:00.000Z", "line": None, "order": "A/1001", "cause": None,
        "waited_seconds": None,
    }  # fmt: skip
    gateway.reports.customers = [missed_row(tries=[wish])]
    page = owner.get("/missed").text
    assert "must be called about order A/1001" in page
    assert 'href="/orders/A/1001"' in page


def test_who_waits_is_listed_and_closed_with_a_reason(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.reports.customers = [missed_row(), missed_row("+79031112244", name="Мария")]
    text = owner.get("/missed").text
    assert "8 (903) 111-22-33" in text
    assert "Мария" in text
    assert text.count("2 tries") == 2
    assert 'href="/calls/c1"' in text
    form = {"csrf_token": csrf_of(owner, "/missed"), "number": "+79031112233", "reason": "a salesman"}
    answer = owner.post("/missed/close", data=form, follow_redirects=True)
    assert "The customer has been removed from the list." in answer.text
    assert "8 (903) 111-22-33" not in answer.text
    assert "That customer is no longer waiting." in owner.post("/missed/close", data=form, follow_redirects=True).text
    empty = owner.post("/missed/close", data={**form, "reason": " "}, follow_redirects=True)
    assert "State why no call back is needed." in empty.text


def test_each_try_says_why_nobody_talked_and_a_promised_call_back_how_it_stands(
    owner: FlaskClient, gateway: GatewayThread
) -> None:
    gateway.reports.customers = [missed_row(), missed_row("+79031112244"), missed_row("+79031112255")]
    text = owner.get("/missed").text
    assert text.count("The caller gave up, after 0:23") == 3
    assert text.count("No answer, after 1:01") == 3
    assert "romised" not in text
    gateway.call_backs.add("+79031112233", due_at=datetime(2027, 1, 29, 9, 30, tzinfo=UTC), attempts=1)
    gateway.call_backs.add("+79031112244", state=PromiseState.DIALLING, attempts=2)
    gateway.call_backs.add("+79031112255", state=PromiseState.FAILED, attempts=3)
    gateway.call_backs.add("+79031112266", state=PromiseState.KEPT)
    for path in ("/parts/missed", "/missed?show=all"):
        text = owner.get(path).text
        assert "at the earliest 29 Jan 2027, 12:30" in text
        assert text.count("Promised call-back: being called now") == 1
        assert text.count("The promised call-back reached nobody") == 1
        assert "<small>· 3 tries</small>" in text
    gateway.call_backs.add("+79031112255")
    assert "reached nobody" not in owner.get("/parts/missed").text, "it was promised anew"


def test_a_call_without_a_number_is_closed_by_itself(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.reports.customers = [missed_row("")]
    text = owner.get("/missed").text
    assert "Withheld number" in text
    assert "The caller withheld the number, so you cannot call back." in text
    form = {"csrf_token": csrf_of(owner, "/missed"), "call_id": "c1", "reason": "left a message"}
    assert (
        "The customer has been removed from the list."
        in owner.post("/missed/close", data=form, follow_redirects=True).text
    )
    (row,) = gateway.reports.customers
    assert row["ended"]["reason"] == "left a message"


def test_all_of_thirty_days_say_how_each_came_off_the_list(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.reports.customers = [
        missed_row("+79031112241", ended=ending("talked")),
        missed_row("+79031112242", ended=ending("closed", by="anna")),
        missed_row("+79031112243"),
    ]
    text = owner.get("/missed?show=all").text
    assert ("Talked" in text, "a salesman" in text, "anna" in text) == (True, True, True)
    assert text.count("No call back needed") == 1
    table = owner.get("/missed.csv?show=all")
    assert table.mimetype == "text/csv"
    assert table.text.startswith("\ufeffNumber,Name,")
    assert table.text.count("\r\n") == 4


def test_nobody_waits_is_said(owner: FlaskClient) -> None:
    assert "Nobody waits to be called back" in owner.get("/parts/missed").text
    assert "Nobody waits" in owner.get("/parts/today").text


def test_what_changes_the_list_puts_the_page_and_the_dashboard_out_of_date() -> None:
    """Within two seconds: the panel tells the browser of these topics at once, and once more 1.5 s later (A16)."""
    for part in ("missed", "today"):
        assert {"history", "missed"} <= set(PARTS[part].topics)
    assert topics_of(MissedClosed.type_name()) == ("missed",)
    assert "history" in topics_of("call.answered")
    assert "history" in topics_of("call.ended")


def test_a_period_is_whole_days_by_the_shops_clock(owner: FlaskClient, gateway: GatewayThread) -> None:
    for period, days in {"today": 1, "week": 7, "month": 30, "year": 365, "moon": 7}.items():
        gateway.reports.asked.clear()
        assert owner.get(f"/statistics?period={period}&by=hour").status_code == 200
        ((since, until, by),) = gateway.reports.asked
        assert by == "hour"
        assert f"{since.astimezone(UTC):%H:%M}" == "21:00", "midnight in Moscow"
        assert timedelta(days=days - 1) <= until - since <= timedelta(days=days)
        assert abs(until - datetime.now(UTC)) < timedelta(minutes=5)
    for query, first, last in (
        ("from=2027-01-29&to=2027-01-30", "2027-01-28T21:00", "2027-01-30T21:00"),
        ("from=2027-01-30&to=2027-01-29", "2027-01-28T21:00", "2027-01-30T21:00"),
        ("to=2027-01-29", "2027-01-28T21:00", "2027-01-29T21:00"),
        ("from=2020-01-01&to=2027-01-29", "2025-12-26T21:00", "2027-01-29T21:00"),
    ):
        gateway.reports.asked.clear()
        assert owner.get(f"/statistics?{query}").status_code == 200
        assert [f"{each:%Y-%m-%dT%H:%M}" for each in gateway.reports.asked[0][:2]] == [first, last]


def test_every_grouping_has_its_table_and_its_csv(owner: FlaskClient, gateway: GatewayThread) -> None:
    for by in ("day", "hour", "week-hour", "phone", "courier", "line"):
        text = owner.get(f"/statistics?period=today&by={by}").text
        assert 'aria-current="true"' in text
        assert ('<svg class="chart"' in text) == (by in ("day", "hour", "line"))
        assert (text.count('class="heat"') == 2) == (by == "week-hour")
        assert "12:34" in text or "754" not in text  # the 754.5 s of talk as a person reads them
        table = owner.get(f"/statistics.csv?period=today&by={by}")
        assert table.headers["Content-Disposition"] == f'attachment; filename="statistics-{by}.csv"'
    text = owner.get("/statistics?by=line").text
    assert "3 calls found no free line. One more line would have carried 2 of them." in text
    assert "At most 2 of 2 lines were busy at once." in text


def test_it_is_russian_in_russian(owner: FlaskClient) -> None:
    owner.set_cookie("language", "ru")
    text = owner.get("/statistics?by=line").text
    assert "3 звонка не нашли свободной линии. Ещё одна линия приняла бы 2 из них." in text
    assert '<th scope="col">Доля времени</th>' in text
    assert owner.get("/statistics.csv?by=day").text.startswith("\ufeffДень;Звонки;")


def test_the_filters_stay_in_the_address_and_a_quiet_time_says_so(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.reports.rows["courier"] = []
    text = owner.get("/statistics?period=month&by=courier").text
    links = re.findall(r'href="(/statistics[^"]*)"', text)
    assert "/statistics?period=year&amp;by=courier" in links
    assert "/statistics?period=month&amp;by=hour" in links
    assert "/statistics.csv?period=month&amp;by=courier" in links
    assert "No calls in this time" in text


def test_bars_stand_on_each_other_and_the_highest_fills_the_drawing() -> None:
    rows: list[dict[str, Any]] = [{"a": 1, "b": 3}, {"a": None, "b": 0}, {"a": 2, "b": 0}]
    first, second, third = charts.columns(rows, ("a", "b"), ["x", "y", "z"])
    assert [bar.height for bar in first.bars] == [charts.HEIGHT / 4, charts.HEIGHT * 3 / 4]
    assert first.bars[1].y == 0
    assert (second.bars, third.total) == ((), 2)
    assert charts.columns([], ("a",), []) == []


@pytest.mark.parametrize(("value", "most", "shade"), [(0, 9, 0), (1, 9, 1), (5, 9, 3), (9, 9, 5), (1, 1, 5), (0, 0, 0)])
def test_shades(value: int, most: int, shade: int) -> None:
    assert charts.shade(value, most) == shade


def test_a_call_that_duty_or_a_partner_took_is_marked(owner: FlaskClient, gateway: GatewayThread) -> None:
    """D6."""
    gateway.archive.call_rows = [
        call_row("c1", flow="night", called="+79161112233", answered_by="+79161112233"), call_row("c2")
    ]  # fmt: skip
    page = owner.get("/calls").text
    assert page.count("Handled by duty or a partner") == 1
    assert page.count("Talked") == 1
