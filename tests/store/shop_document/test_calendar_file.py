"""Calendars as exceptions of the shop's hours (RFC 5545)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.errors import CalendarInvalid, SettingsError
from gateway.store.shop_document.calendar_file import Timed, read_calendar
from gateway.store.shop_document.schedule_settings import with_calendar, with_hours
from gateway.telephony.schedule import Because, Schedule, ScheduleException
from gateway.telephony.shop import Shop

MOSCOW = ZoneInfo("Europe/Moscow")
TODAY = date(2026, 11, 22)
WEEK = Schedule(
    monday=("09:00-18:00",),
    tuesday=("09:00-13:00", "14:00-18:00"),
    friday=("20:00-04:00",),
    saturday=("10:00-16:00",),
)


def calendar(*events: str) -> str:
    told = "".join(
        f"BEGIN:VEVENT\nUID:{number}\nDTSTAMP:20260101T000000Z\n{event}\nEND:VEVENT\n"
        for number, event in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//\n{told}END:VCALENDAR\n".replace("\n", "\r\n")


def taken(*events: str, timed: Timed = Timed.CLOSED) -> list[tuple[str, str | None, tuple[str, ...], str]]:
    found = read_calendar(calendar(*events), WEEK, zone=MOSCOW, today=TODAY, timed=timed)
    assert all(each.imported for each in found)
    return [(each.day, each.until, each.hours, each.name) for each in found]


def test_whole_days_close_the_shop() -> None:
    assert taken(
        "DTSTART;VALUE=DATE:20261231\nDTEND;VALUE=DATE:20270109\nSUMMARY:Каникулы",
        "DTSTART;VALUE=DATE:20261201\nSUMMARY:Учёт\\, склад",
        "DTSTART;VALUE=DATE:20200101\nSUMMARY:Long ago",
        "DTSTART;VALUE=DATE:20261202\nSTATUS:CANCELLED\nSUMMARY:Not after all",
    ) == [("2026-12-01", None, (), "Учёт, склад"), ("2026-12-31", "2027-01-08", (), "Каникулы")]


def test_what_is_repeated_is_carried_out_for_a_year() -> None:
    days = taken("DTSTART;VALUE=DATE:20200105\nRRULE:FREQ=MONTHLY;BYDAY=-1SU\nEXDATE;VALUE=DATE:20261227\nSUMMARY:Rest")
    assert [day for day, *_ in days][:3] == ["2026-11-29", "2027-01-31", "2027-02-28"]
    assert len(days) == 11
    moved = taken(
        "DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=WEEKLY;COUNT=2\nSUMMARY:Weekly",
    )
    assert [day for day, *_ in moved] == ["2026-12-01", "2026-12-08"]


def test_the_shop_is_closed_during_a_timed_event() -> None:
    """In UTC, in a zone of its own, and by the shop's clock; hours that are not the shop's change nothing."""
    assert taken(
        "DTSTART:20261123T110000Z\nDTEND:20261123T120000Z\nSUMMARY:Meeting",
        "DTSTART;TZID=Asia/Yekaterinburg:20261124T140000\nDTEND;TZID=Asia/Yekaterinburg:20261124T170000\nSUMMARY:Lunch",
        "DTSTART:20261125T100000\nDTEND:20261125T110000\nSUMMARY:Closed anyway",
    ) == [
        ("2026-11-23", None, ("09:00-14:00", "15:00-18:00"), "Meeting"),
        ("2026-11-24", None, ("09:00-12:00", "15:00-18:00"), "Lunch"),
    ]


def test_what_is_left_of_a_night_belongs_to_the_next_day() -> None:
    left = taken("DTSTART:20261127T230000\nDTEND:20261128T010000\nSUMMARY:Break")
    assert left == [
        ("2026-11-27", None, ("20:00-23:00",), "Break"),
        ("2026-11-28", None, ("01:00-04:00", "10:00-16:00"), "Break"),
    ]
    schedule = with_calendar(
        Shop(schedule=WEEK),
        calendar("DTSTART:20261127T230000\nDTEND:20261128T010000"),
        Timed.CLOSED,
        TODAY,
    ).schedule
    hours = [schedule.state_at(datetime(2026, 11, 27, hour, 30, tzinfo=UTC)).is_open for hour in (19, 20, 21, 22, 23)]
    assert hours == [True, False, False, True, True]


def test_the_shop_is_open_only_during_a_timed_event() -> None:
    assert taken(
        "DTSTART:20261125T100000\nDTEND:20261125T130000\nSUMMARY:Fair",
        "DTSTART:20261125T120000\nDTEND:20261125T150000\nSUMMARY:Fair too",
        "DTSTART:20261126T220000\nDTEND:20261127T020000\nSUMMARY:Night",
        "DTSTART:20261201T120000\nDTEND:20261203T120000\nSUMMARY:Sale",
        timed=Timed.OPEN,
    ) == [
        ("2026-11-25", None, ("10:00-15:00",), "Fair"),
        ("2026-11-26", None, ("22:00-02:00",), "Night"),
        ("2026-12-01", None, ("12:00-24:00",), "Sale"),
        ("2026-12-02", None, ("00:00-24:00",), "Sale"),
        ("2026-12-03", None, ("00:00-12:00",), "Sale"),
    ]


def test_a_day_that_is_closed_has_no_hours_whatever_else_there_is() -> None:
    assert taken(
        "DTSTART;VALUE=DATE:20261123\nSUMMARY:Closed",
        "DTSTART:20261123T100000\nDTEND:20261123T110000\nSUMMARY:Meeting",
    ) == [("2026-11-23", None, (), "Closed")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a calendar"),
        ("hello", "not a calendar"),
        ("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "not a calendar|cannot be"),
        (calendar("SUMMARY:Nowhen"), 'The event "Nowhen" has no beginning'),
        (calendar("DTSTART:yesterday\nSUMMARY:Soon"), 'The event "Soon" cannot be read'),
        (calendar("DTSTART:20261123T100000\nRRULE:FREQ=SECONDLY\nSUMMARY:Bomb"), "more often than daily"),
        (calendar("DTSTART:20261123T100000\nRRULE:FREQ=DAILY;BYMINUTE=1,2,3\nSUMMARY:Bomb"), "more often than daily"),
        (calendar("DTSTART;VALUE=DATE:19000101\nRRULE:FREQ=DAILY\nSUMMARY:Old"), "before the year 2000"),
        (calendar(*["DTSTART;VALUE=DATE:20261123"] * 501), "More than 500 events"),
        (calendar(*["DTSTART;VALUE=DATE:20261123\nRRULE:FREQ=DAILY"] * 10), "More than 2000"),
        ("x" * 300_001, "too large"),
    ],
)
def test_what_cannot_be_taken_is_told(text: str, said: str) -> None:
    with pytest.raises(CalendarInvalid, match=said):
        read_calendar(text, WEEK, zone=MOSCOW, today=TODAY, timed=Timed.CLOSED)


def test_the_next_calendar_takes_the_place_of_the_one_before_and_of_nothing_else() -> None:
    own = ScheduleException(day="2026-12-31", hours=("09:00-15:00",), name="Mine")
    shop = Shop(schedule=Schedule(monday=("09:00-18:00",), exceptions=(own,)))
    once = with_calendar(shop, calendar("DTSTART;VALUE=DATE:20261207\nSUMMARY:A"), Timed.CLOSED, TODAY)
    assert [each.name for each in once.schedule.exceptions] == ["Mine", "A"]
    assert once.schedule.on(date(2026, 12, 7)).because is Because.EXCEPTION
    again = with_calendar(once, calendar("DTSTART;VALUE=DATE:20261214\nSUMMARY:B"), Timed.CLOSED, TODAY)
    assert [each.name for each in again.schedule.exceptions] == ["Mine", "B"]
    assert with_calendar(again, calendar(), Timed.CLOSED, TODAY).schedule == shop.schedule


def test_hours_are_changed_as_a_whole_under_the_checks_of_the_shop() -> None:
    shop = Shop(time_zone="Asia/Tomsk")
    changed = with_hours(shop, {"monday": ["09:00-18:00"], "exceptions": [{"day": "2026-12-31", "until": None}]})
    assert changed.schedule.in_zone("UTC") == Schedule(
        monday=("09:00-18:00",), exceptions=(ScheduleException(day="2026-12-31"),)
    )
    assert changed.schedule.time_zone == "Asia/Tomsk"
    assert with_hours(changed, {}) == shop
    for wrong in ({"monday": ["late"]}, {"monday": "09:00-18:00"}, {"exceptions": [{"day": "soon"}]}, {"time": 1}):
        with pytest.raises(SettingsError):
            with_hours(shop, wrong)
