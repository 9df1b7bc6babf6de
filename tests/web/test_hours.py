"""The page Hours."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.telephony.schedule import Schedule, ScheduleException
from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of
from web.told import spans

PAGE = "/shop/hours"
CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\nBEGIN:VEVENT\r\nUID:1\r\n"
    "DTSTART;VALUE=DATE:20261207\r\nSUMMARY:Ремонт\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def _post(browser: FlaskClient, **form: object) -> TestResponse:
    return browser.post(PAGE, data={"csrf_token": csrf_of(browser, PAGE), **form}, follow_redirects=True)


def _take(browser: FlaskClient, text: bytes) -> TestResponse:
    form = {"csrf_token": csrf_of(browser, PAGE), "file": (io.BytesIO(text), "shop.ics"), "timed": "closed"}
    return browser.post(f"{PAGE}/calendar", data=form, follow_redirects=True)


def test_hours_are_set_as_people_write_them_and_shown(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert f'href="{PAGE}"' in owner.get("/shop").text
    assert "We are open now." in owner.get(PAGE).text
    changed = _post(
        owner, monday="9-13, 14.00 – 18.30", friday="20:00-2:00", holidays="RU", holiday_hours="10:00-12:00",
        day=["2026-12-31", "2027-01-01", ""], until=["", "2027-01-08", ""], hours=["9-15", "", ""],
        name=["Last day", "", ""],
    )  # fmt: skip
    assert "The hours have been changed." in changed.text
    assert gateway.shop_file.shop.schedule.in_zone("UTC") == Schedule(
        monday=("09:00-13:00", "14:00-18:30"),
        friday=("20:00-02:00",),
        holidays="RU",
        holiday_hours=("10:00-12:00",),
        exceptions=(
            ScheduleException(day="2026-12-31", hours=("09:00-15:00",), name="Last day"),
            ScheduleException(day="2027-01-01", until="2027-01-08"),
        ),
    )
    page = owner.get(f"{PAGE}?at=2026-12-31T16:00").text
    assert 'value="09:00-13:00, 14:00-18:30"' in page
    assert 'value="Last day"' in page
    assert "We are open again on the eleventh of January at nine o&#39;clock." in page


def test_what_is_wrong_is_told_and_not_lost(owner: FlaskClient, gateway: GatewayThread) -> None:
    refused = _post(owner, monday="from nine", tuesday="9-18", day="2026-12-31", until="2026-12-01", hours="", name="X")
    assert refused.status_code == 422
    assert "must be hours like" in refused.text
    assert "that day or a later one" in refused.text
    assert 'value="from, nine"' in refused.text
    assert 'value="09:00-18:00"' in refused.text
    assert gateway.shop_file.shop.schedule.is_always_open


def test_a_calendar_is_taken_and_survives_a_change_of_the_week(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "Ремонт" in _take(owner, CALENDAR.encode()).text
    _post(owner, monday="9-18")
    schedule = gateway.shop_file.shop.schedule
    assert schedule.exceptions == (ScheduleException(day="2026-12-07", name="Ремонт", imported=True),)
    assert schedule.monday == ("09:00-18:00",)
    refused = _take(owner, b"hello")
    assert (refused.status_code, "not a calendar" in refused.text) == (422, True)
    assert "That file is not a text file." in _take(owner, b"\xff\xfe").text
    assert gateway.shop_file.shop.schedule == schedule


def test_a_moment_that_is_none_is_told(owner: FlaskClient) -> None:
    assert "must be a time such as" in owner.get(f"{PAGE}?at=soon").text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", []),
        ("9-18", ["09:00-18:00"]),
        (" 9:30 - 13.15;14–18 ", ["09:30-13:15", "14:00-18:00"]),
        ("09:00-18:00 20:00—02:00", ["09:00-18:00", "20:00-02:00"]),
        ("9:5-18", ["9:5-18"]),
        ("all day", ["all", "day"]),
    ],
)
def test_hours_as_people_write_them(written: str, read: list[str]) -> None:
    assert spans(written) == read


def test_the_page_speaks_the_readers_language(owner: FlaskClient) -> None:
    _post(owner, monday="9-18", holidays="RU")
    owner.set_cookie("language", "ru")
    page = owner.get(f"{PAGE}?at=2027-05-01T12:00").text
    assert "Мы снова откроемся" in page
    assert "Праздник Весны и Труда" in page
    assert "Магазин закрыт" in page
