"""The route test: what would become of a call, step by step, without placing it."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.api import bodies
from gateway.api.schedule_routes import moment_of
from gateway.clock import WallClock, utc_now, wire_time
from gateway.messages import pick_language, step_text
from gateway.telephony.route_steps import RouteAnswer, RouteQuestion
from gateway.telephony.shop import ShopView

LONGEST_PARTY = 64

TryRoute = Callable[[RouteQuestion], RouteAnswer]
"""Raises NoSuchWay."""


class RouteTestRoutes:
    """The handler."""

    def __init__(self, shop: ShopView, try_route: TryRoute, clock: WallClock = utc_now) -> None:
        self._shop = shop
        self._try = try_route
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [web.get("/api/v1/route-test", self._get_route_test)]

    async def _get_route_test(self, request: web.Request) -> web.Response:
        language = pick_language(request.headers.get("Accept-Language", ""))
        zone = ZoneInfo(self._shop().time_zone)
        asked = request.query.get("at", "")
        question = RouteQuestion(
            caller=_party(request, "caller", may_be_empty=True),
            called=_party(request, "called"),
            at=moment_of(asked, zone) if asked else self._clock(),
            language=language,
        )
        return web.json_response(_wire(self._try(question), zone), headers={"Cache-Control": "no-store"})


def _party(request: web.Request, name: str, *, may_be_empty: bool = False) -> str:
    value = request.query.get(name, "").strip()
    if len(value) > LONGEST_PARTY or not (value or may_be_empty) or not value.isprintable():
        raise bodies.bad_request(f'The parameter "{name}" must be a number, an extension or a name.')
    return value


def _wire(answer: RouteAnswer, zone: ZoneInfo) -> dict[str, object]:
    question = answer.question
    return {
        "caller": question.caller,
        "called": question.called,
        "at": wire_time(question.at),
        "local_time": question.at.astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
        "time_zone": zone.key,
        "steps": [
            {
                "code": str(step.code),
                "seconds": step.at,
                "values": dict(step.values),
                "said": step_text(step.code, question.language, step.values),
            }
            for step in answer.steps
        ],
    }
