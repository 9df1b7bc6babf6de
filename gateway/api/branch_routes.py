"""The shop's branches, each with whether it is open now; and the regions that one may be of."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from gateway.clock import WallClock, utc_now, wire_time
from gateway.telephony.branches import Branch
from gateway.telephony.russian_regions import BY_KEY, REGIONS
from gateway.telephony.shop import ShopView


class BranchRoutes:
    """The handler."""

    def __init__(self, shop: ShopView, clock: WallClock = utc_now) -> None:
        self._shop = shop
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [web.get("/api/v1/branches", self._get_branches)]

    async def _get_branches(self, _request: web.Request) -> web.Response:
        now = self._clock()
        items = [_wire(branch, now) for branch in self._shop().branches]
        regions = [
            {"key": each.key, "en": each.english, "ru": each.russian, "time_zone": each.zone}
            for each in sorted(REGIONS, key=lambda region: region.english)
        ]
        return web.json_response({"items": items, "regions": regions}, headers={"Cache-Control": "no-store"})


def _wire(branch: Branch, now: datetime) -> dict[str, object]:
    region, opening = BY_KEY.get(branch.region), branch.schedule.state_at(now)
    return {
        "name": branch.name,
        "address": branch.address,
        "region": {"en": region.english, "ru": region.russian} if region is not None else None,
        "time_zone": branch.schedule.time_zone,
        "phones": list(branch.phones),
        "queue": branch.queue or "",
        "greeting": branch.greeting,
        "is_open": opening.is_open,
        "until": wire_time(opening.until) if opening.until is not None else None,
    }
