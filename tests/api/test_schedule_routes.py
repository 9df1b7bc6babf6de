"""The shop's hours by the API."""

from __future__ import annotations

import pytest

from gateway.telephony.schedule import WEEKDAYS
from tests.api.served import serving
from tests.api.shapes import assert_fits

pytestmark = pytest.mark.real_time
PATH = "/api/v1/schedule"


async def test_hours_are_read_changed_and_asked_for_a_moment() -> None:
    async with serving() as served:
        await served.set_up()
        status, hours = await served.ask("GET", PATH)
        nothing: dict[str, object] = {weekday: [] for weekday in WEEKDAYS}
        assert (status, hours) == (200, nothing | {"holidays": "", "holiday_hours": [], "exceptions": []})
        assert_fits(hours, "Schedule")
        moving: dict[str, object] = {"day": "2026-11-30", "until": None, "hours": [], "name": "Moving"}
        wanted = {
            "monday": ["09:00-18:00"],
            "holidays": "RU",
            "exceptions": [moving],
        }
        status, changed = await served.ask("PUT", PATH, json=wanted)
        assert status == 200
        assert_fits(changed, "Schedule")
        assert (changed["monday"], changed["tuesday"]) == (["09:00-18:00"], [])
        assert changed["exceptions"] == [moving | {"imported": False}]
        for wrong, expected in (
            ({"monday": ["late"]}, 422), ({"monday": "late"}, 422), ({"mon": []}, 400), ({"exceptions": [1]}, 422),
        ):  # fmt: skip
            assert (await served.ask("PUT", PATH, json=wrong))[0] == expected, wrong
        assert (await served.ask("GET", PATH))[1] == changed

        status, state = await served.ask("GET", f"{PATH}/state?at=2026-11-30T12:00")
        assert status == 200
        assert_fits(state, "Opening")
        assert (state["at"], state["is_open"], state["reason"]) == ("2026-11-30T09:00:00Z", False, "exception")
        assert (state["opens_at"], state["until"]) == ("2026-12-07T06:00:00Z",) * 2
        assert state["said"] == "We are open again on the seventh of December at nine o'clock."
        assert state["days"][0] == {"day": "2026-11-30", "hours": [], "reason": "exception", "name": "Moving"}
        assert state["days"][7]["hours"] == ["09:00-18:00"]
        assert (await served.ask("GET", f"{PATH}/state?at=2026-12-07T09:00:00%2B03:00"))[1]["is_open"]
        assert (await served.ask("GET", f"{PATH}/state"))[0] == 200
        for wrong_time in ("soon", "0001-01-01T00:00", "2026-13-01T00:00"):
            assert (await served.ask("GET", f"{PATH}/state?at={wrong_time}"))[0] == 400


async def test_a_calendar_becomes_exceptions() -> None:
    async with serving() as served:
        await served.set_up()
        calendar = (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\nBEGIN:VEVENT\r\nUID:1\r\n"
            "DTSTART;VALUE=DATE:20261207\r\nSUMMARY:Closed\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        as_calendar = {"Content-Type": "text/calendar"}
        status, hours = await served.ask("POST", f"{PATH}/import?timed=open", data=calendar, headers=as_calendar)
        assert status == 200
        assert_fits(hours, "Schedule")
        assert [each["day"] for each in hours["exceptions"]] == ["2026-12-07"]
        status, refused = await served.ask("POST", f"{PATH}/import", data="hello", headers=as_calendar)
        assert (status, refused["code"]) == (422, "calendar-invalid")
        assert "not a calendar" in refused["detail"]
        assert (await served.ask("POST", f"{PATH}/import?timed=x", data=calendar, headers=as_calendar))[0] == 400
        assert (await served.ask("GET", PATH))[1] == hours
