"""The widget of the shop's web site: its form and the wishes of visitors, open to all, and its rules for the owner.

The panel's port hands the visitors' two requests on from the sites that the owner has named; no cookie and no session
ever comes into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Protocol

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL, client_address
from gateway.api.form_tokens import FormTokens
from gateway.api.problems import FormTooOld, NotFound
from gateway.api.shop_seam import ShopFile
from gateway.clock import WallClock, wire_time
from gateway.telephony.site_desk import consent_of
from gateway.telephony.widget import MARKS, WidgetRules, slots

LONGEST_ORIGIN = 300
LONGEST_NAME = 60
LONGEST_PHONE = 64
LONGEST_TOKEN = 200
LANGUAGES = ("ru", "en")
_RULES = frozenset(each.name for each in fields(WidgetRules))
_ABOUT = ("page_url", "landing_url", "referrer", *MARKS)
_WISH = frozenset({"origin", "token", "language", "phone", "name", "at", "consent", "website", *_ABOUT})


class Visitors(Protocol):
    """Takes their wishes; telephony.site_desk.SiteDesk is one."""

    def is_served(self, origin: str) -> bool:
        """The owner lets that site show the widget."""

    async def ask(
        self,
        *,
        number: str,
        name: str,
        at: datetime | None,
        origin: str,
        address: str,
        language: str,
        about: Mapping[str, object],
    ) -> datetime:
        """Promise to call that number. Raises NumberBarred, NotWithinHours, CallBackLimit, StoreError."""  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What these routes need."""

    visitors: Visitors
    clock: WallClock
    tokens: FormTokens


class WidgetRoutes:
    """The handlers."""

    def __init__(self, site: Site, shop: ShopFile) -> None:
        self._site = site
        self._shop = shop

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/widget", self._get_rules),
            web.patch("/api/v1/widget", self._patch_rules),
            web.get("/api/v1/widget/form", self._get_form),
            web.post("/api/v1/widget/wishes", self._post_wish),
        ]

    async def _get_rules(self, _request: web.Request) -> web.Response:
        return _answer(asdict(self._shop.current().widget))

    async def _patch_rules(self, request: web.Request) -> web.Response:
        changes = await bodies.json_object(request, allowed=_RULES)
        await self._shop.change_widget(changes, by=request[PRINCIPAL].name)
        return _answer(asdict(self._shop.current().widget))

    async def _get_form(self, request: web.Request) -> web.Response:
        origin = self._served(request.query.get("origin", ""))
        language = _language(request.query.get("language"))
        shop, now = self._shop.current(), self._site.clock()
        opening = shop.schedule.state_at(now)
        return _answer(
            {
                "token": self._site.tokens.issue(origin),
                "shop": shop.name,
                "title": shop.widget.title,
                "consent": consent_of(shop, language),
                "policy_url": shop.widget.policy_url,
                "time_zone": shop.time_zone,
                "is_open": opening.is_open,
                "opens_at": wire_time(opening.opens_at) if opening.opens_at is not None else None,
                "times": [wire_time(each) for each in slots(shop.schedule, now)],
            }
        )

    async def _post_wish(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=_WISH)
        origin = self._served(bodies.string(body, "origin", longest=LONGEST_ORIGIN))
        if body.get("website"):  # no person sees that field
            return _answer({"due_at": wire_time(self._site.clock())}, status=202)
        number = bodies.string(body, "phone", shortest=1, longest=LONGEST_PHONE)
        name = bodies.string(body, "name", longest=LONGEST_NAME).strip()
        at = bodies.moment(body, "at")
        if body.get("consent") is not True:
            raise bodies.bad_request("The field 'consent' must be true: without it nobody is called.")
        if not self._site.tokens.use(bodies.string(body, "token", longest=LONGEST_TOKEN), origin):
            raise FormTooOld("The form is too old.")
        due_at = await self._site.visitors.ask(
            number=number, name=name, at=at, origin=origin, address=client_address(request),
            language=_language(body.get("language")), about={key: body[key] for key in _ABOUT if key in body},
        )  # fmt: skip
        return _answer({"due_at": wire_time(due_at)}, status=202)

    def _served(self, origin: str) -> str:
        """The site, if the owner has named it. Raises NotFound: whether there is a widget at all is not told."""
        if not self._site.visitors.is_served(origin):
            raise NotFound("No widget is shown there.")
        return origin


def _language(said: object) -> str:
    return said if isinstance(said, str) and said in LANGUAGES else LANGUAGES[0]


def _answer(content: object, *, status: int = 200) -> web.Response:
    return web.json_response(content, status=status, headers={"Cache-Control": "no-store"})
