"""A real API server on loopback for one test, with a client that has signed in or not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from gateway.api.board import Board
from gateway.api.server import ApiServer
from gateway.events import EventBus
from gateway.store.toll_free import StoredTollFree
from gateway.telephony.causes import Cause
from tests.fakes.accounts import FakeAccounts
from tests.fakes.alert_ways import FakeAlertWays
from tests.fakes.browser_phones import FakeBrowserPhones
from tests.fakes.call_backs import FakeCallBacks
from tests.fakes.company import FakeCompany, watched
from tests.fakes.contacts import KeptPeople
from tests.fakes.couriers import FakeCouriers
from tests.fakes.deliveries import FakeDeliveries
from tests.fakes.emulated_modems import FakeEmulatedModems
from tests.fakes.event_hooks import FakeEventHooks
from tests.fakes.exchange_view import SHOP, FakeShopFile, setup_desk
from tests.fakes.modem_care import FakeModemCare
from tests.fakes.order_desk import status_test
from tests.fakes.orders import orders_in_memory
from tests.fakes.queue import FakeQueue
from tests.fakes.recorded import FakeRecorded
from tests.fakes.reports import FakeMissed
from tests.fakes.route_tried import routes_of
from tests.fakes.sip_door import KnownDoor
from tests.fakes.site import FakeSite
from tests.fakes.texts import FakeTexts
from tests.fakes.toll_free import toll_free_in_memory
from tests.fakes.trial_calls import FakeTrials
from tests.fakes.trunk_tried import FakeProvider
from tests.fakes.upkeep import upkeep

PASSWORD = "three unlikely words"


@dataclass
class Served:
    """What a test needs of a running server."""

    server: ApiServer
    client: aiohttp.ClientSession
    bus: EventBus
    accounts: FakeAccounts
    shop_file: FakeShopFile
    hung_up: list[str]
    transferred: list[tuple[str, str]]
    connected: list[tuple[str, str]]
    texts: FakeTexts = field(default_factory=FakeTexts)
    ready: list[bool] = field(default_factory=lambda: [True])
    started_again: list[bool] = field(default_factory=list)
    token: str | None = None
    recorded: FakeRecorded = field(default_factory=FakeRecorded)
    company: FakeCompany = field(default_factory=FakeCompany)
    missed: FakeMissed = field(default_factory=FakeMissed)
    couriers: FakeCouriers = field(kw_only=True)
    call_backs: FakeCallBacks = field(kw_only=True)
    toll_free: StoredTollFree = field(kw_only=True)
    browsers: FakeBrowserPhones = field(kw_only=True)
    site: FakeSite = field(kw_only=True)
    queue: FakeQueue = field(kw_only=True)
    alerts: FakeAlertWays = field(kw_only=True)
    hooks: FakeEventHooks = field(kw_only=True)
    deliveries: FakeDeliveries = field(kw_only=True)
    provider: FakeProvider = field(kw_only=True)
    trials: FakeTrials = field(kw_only=True)
    emulated: FakeEmulatedModems = field(kw_only=True)
    people: KeptPeople = field(kw_only=True)
    modems: FakeModemCare = field(kw_only=True)
    door: KnownDoor = field(kw_only=True)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.port}{path}"

    async def ask(
        self, method: str, path: str, *, token: str | None = None, headers: dict[str, str] | None = None, **body: Any
    ) -> tuple[int, Any]:
        """The status, and the JSON (or text) of the answer."""
        all_headers = dict(headers or {})
        used = token if token is not None else self.token
        if used:
            all_headers["Authorization"] = f"Bearer {used}"
        async with self.client.request(method, self.url(path), headers=all_headers, **body) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if "json" in answer.content_type and text else text

    async def set_up(self) -> None:
        """Make the owner and sign in."""
        status, answer = await self.ask(
            "POST", "/api/v1/setup", json={"code": "SETUP-CODE", "name": "anna", "password": PASSWORD}
        )
        assert status == 201, answer
        self.token = answer["token"]


@asynccontextmanager
async def serving(worker_socket: Path = Path("/nonexistent/worker.sock")) -> AsyncIterator[Served]:
    bus = EventBus()
    hung_up: list[str] = []

    def hang_up(call_id: str) -> bool:
        hung_up.append(call_id)
        return call_id != "unknown"

    transferred: list[tuple[str, str]] = []

    def transfer(call_id: str, to: str) -> Cause | None:
        if call_id == "unknown":
            raise LookupError(call_id)
        transferred.append((call_id, to))
        return {"c1": None, "barred": Cause.NUMBER_BARRED}.get(call_id, Cause.REJECTED)

    provider, emulated, trials = FakeProvider(), FakeEmulatedModems(), FakeTrials()
    connected: list[tuple[str, str]] = []

    def connect_two(extension: str, to: str) -> str:
        if extension == "999":
            raise LookupError(extension)
        connected.append((extension, to))
        return f"c{len(connected)}"

    queue = FakeQueue(lambda: SHOP, bus)
    board = Board(bus=bus, shop=lambda: SHOP, hang_up=hang_up, queue=queue.live.wire)
    accounts, shop_file, texts, ready = FakeAccounts(), FakeShopFile(), FakeTexts(), [True]
    recorded, company, missed = FakeRecorded(), FakeCompany(), FakeMissed()
    started_again: list[bool] = []
    orders = orders_in_memory(lambda: SHOP, publish=bus.publish)
    couriers = FakeCouriers(lambda: SHOP, orders, texts.texts.answers)
    call_backs = FakeCallBacks()
    toll_free = toll_free_in_memory(shop_file.current)
    browsers = FakeBrowserPhones(lambda: SHOP)
    site = FakeSite(lambda: shop_file.shop, call_backs)
    people = KeptPeople(lambda: SHOP, publish=bus.publish)
    async with (
        ApiServer(
            bind="127.0.0.1:0", worker_socket=worker_socket, bus=bus, live=board, accounts=accounts, shop=shop_file,
            phone_setup=setup_desk(), texts=texts.texts, transfer=transfer, connect_two=connect_two,
            try_route=routes_of(shop_file.current), try_trunk=provider.try_trunk, emulated=emulated, trials=trials,
            toll_free=toll_free,
            company=company.company,
            insight=company.insight,
            watched=watched(),
            recorded=recorded.recorded, is_ready=lambda: ready[0], upkeep=upkeep(started_again),
            order_status=status_test(orders, shop_file.current),
            orders=orders, missed=missed, couriers=couriers.couriers, book=people.book,
            alert_outlets=(alerts := FakeAlertWays()).outlets,
            programs=(hooks := FakeEventHooks()).desk,
            modems=(modems := FakeModemCare()).door,
            door=(door := KnownDoor(lambda: SHOP, bus.publish)).door,
            deliveries=(deliveries := FakeDeliveries()).log,
            retry_delivery=deliveries.retry,
            queue=queue.desk,
            call_backs=call_backs, site=site.site, is_courier=lambda extension: SHOP.courier(extension) is not None,
            browser_phones=browsers.phones,
        ) as server,
        aiohttp.ClientSession() as client,
    ):  # fmt: skip
        yield Served(
            server,
            client,
            bus,
            accounts,
            shop_file,
            hung_up,
            transferred,
            connected,
            texts,
            ready,
            recorded=recorded,
            company=company,
            missed=missed,
            site=site,
            couriers=couriers,
            toll_free=toll_free,
            call_backs=call_backs,
            browsers=browsers,
            queue=queue,
            provider=provider,
            trials=trials,
            emulated=emulated,
            alerts=alerts,
            hooks=hooks,
            deliveries=deliveries,
            people=people,
            modems=modems,
            door=door,
            started_again=started_again,
        )
