"""The shop's hours: read, changed, taken from a calendar, and asked whether it is open at some moment."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL
from gateway.api.shop_seam import ShopFile
from gateway.clock import WallClock, utc_now, wire_time
from gateway.messages import pick_language
from gateway.telephony.schedule import WEEKDAYS, Schedule, ScheduleException, hours_text
from gateway.telephony.spoken_hours import said

DAYS_SHOWN = 14
_FIELDS = frozenset(each.name for each in fields(Schedule) if each.init)


class ScheduleRoutes:
    """The handlers."""

    def __init__(self, hours: ShopFile, clock: WallClock = utc_now) -> None:
        self._hours = hours
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/schedule", self._get_schedule),
            web.put("/api/v1/schedule", self._put_schedule),
            web.post("/api/v1/schedule/import", self._post_import),
            web.get("/api/v1/schedule/state", self._get_state),
        ]

    async def _get_schedule(self, _request: web.Request) -> web.Response:
        return self._answer()

    async def _put_schedule(self, request: web.Request) -> web.Response:
        table = await bodies.json_object(request, allowed=_FIELDS)
        await self._hours.change_hours(table, by=request[PRINCIPAL].name)
        return self._answer()

    async def _post_import(self, request: web.Request) -> web.Response:
        timed = request.query.get("timed", "closed")
        if timed not in ("closed", "open"):
            raise bodies.bad_request('The parameter "timed" must be "closed" or "open".')
        text = await bodies.text(request, media_type="text/calendar")
        await self._hours.take_calendar(text, timed, by=request[PRINCIPAL].name)
        return self._answer()

    async def _get_state(self, request: web.Request) -> web.Response:
        schedule, language = self._hours.schedule(), pick_language(request.headers.get("Accept-Language", ""))
        zone = ZoneInfo(schedule.time_zone)
        at = moment_of(request.query["at"], zone) if "at" in request.query else self._clock()
        opening = schedule.state_at(at)
        today = at.astimezone(zone).date()
        return web.json_response(
            {
                "at": _wire(at),
                "time_zone": schedule.time_zone,
                "is_open": opening.is_open,
                "until": _wire(opening.until),
                "opens_at": _wire(opening.opens_at),
                "reason": str(opening.reason),
                "said": said(opening, at, zone, language),
                "days": [_day(schedule, today + timedelta(days=days), language) for days in range(DAYS_SHOWN)],
            },
            headers={"Cache-Control": "no-store"},
        )

    def _answer(self) -> web.Response:
        schedule = self._hours.schedule()
        table: dict[str, Any] = {weekday: list(getattr(schedule, weekday)) for weekday in WEEKDAYS}
        table |= {"holidays": schedule.holidays, "holiday_hours": list(schedule.holiday_hours)}
        table["exceptions"] = [_exception(each) for each in schedule.exceptions]
        return web.json_response(table, headers={"Cache-Control": "no-store"})


def _exception(exception: ScheduleException) -> dict[str, object]:
    return {
        "day": exception.day,
        "until": exception.until,
        "hours": list(exception.hours),
        "name": exception.name,
        "imported": exception.imported,
    }


def _day(schedule: Schedule, day: date, language: str) -> dict[str, object]:
    found = schedule.on(day, language)
    return {
        "day": day.isoformat(),
        "hours": [hours_text(span) for span in found.spans],
        "reason": str(found.because),
        "name": found.name,
    }


def moment_of(text: str, zone: ZoneInfo) -> datetime:
    """RFC 3339; without an offset it is what the shop's clock shows (the first time, where it does so twice)."""
    try:
        parsed = datetime.fromisoformat(text)
        aware = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=zone)
        moment = aware.astimezone(UTC) if 2000 <= aware.year <= 2100 else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise bodies.bad_request('The parameter "at" must be a time such as 2027-01-31T12:00.')
    return moment


def _wire(moment: datetime | None) -> str | None:
    return None if moment is None else wire_time(moment, "seconds")
