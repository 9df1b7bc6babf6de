"""The API of the daemon: aiohttp on loopback, bearer tokens only. The contract is openapi.json."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from gateway.api.account_routes import AccountRoutes
from gateway.api.alert_way_routes import AlertOutlets, AlertWayRoutes
from gateway.api.auth import ACCOUNTS, authenticate
from gateway.api.blocked_routes import BlockedRoutes
from gateway.api.branch_routes import BranchRoutes
from gateway.api.browser_phone_routes import BrowserPhoneRoutes, BrowserPhones
from gateway.api.call_routes import CallRoutes, ConnectTwo, Transfer
from gateway.api.certificate_routes import CertificateRoutes
from gateway.api.company_routes import Company, CompanyRoutes
from gateway.api.contact_routes import AddressBook, ContactRoutes
from gateway.api.courier_routes import CourierRoutes, Couriers
from gateway.api.delivery_routes import DeliveryLog, DeliveryRoutes, Retry, no_deliveries, no_retry, nowhere
from gateway.api.emulated_routes import Emulated, EmulatedRoutes
from gateway.api.erasure_routes import ErasureRoutes
from gateway.api.event_hook_routes import EventHookDesk, EventHookRoutes
from gateway.api.line_routes import LineRoutes
from gateway.api.live_routes import LiveRoutes
from gateway.api.message_routes import MessageRoutes, Texts
from gateway.api.metrics import MetricsRoutes, Watched
from gateway.api.missed_routes import Missed, MissedRoutes
from gateway.api.modem_routes import ModemDoor, ModemRoutes
from gateway.api.order_routes import OrderRoutes, Orders
from gateway.api.order_status_routes import OrderStatusRoutes, OrderStatusTest
from gateway.api.pack_routes import PackRoutes
from gateway.api.pbx_routes import PbxRoutes
from gateway.api.playground import Playground
from gateway.api.playground_routes import PlaygroundRoutes
from gateway.api.problems import answer_with_problems
from gateway.api.prompt_routes import PromptRoutes
from gateway.api.queue_routes import QueueDesk, QueueRoutes
from gateway.api.reception_routes import CallBackList, ReceptionRoutes
from gateway.api.recording_routes import Recorded, RecordingRoutes
from gateway.api.relay import Relay
from gateway.api.restore_routes import RestoreRoutes
from gateway.api.route_test_routes import RouteTestRoutes, TryRoute
from gateway.api.schedule_routes import ScheduleRoutes
from gateway.api.seams import Accounts, LiveView, PhoneSetup
from gateway.api.second_step_routes import SecondStepRoutes
from gateway.api.security_routes import SecurityRoutes, SipDoor
from gateway.api.setup_routes import SetupRoutes
from gateway.api.shop_part_routes import ShopPartRoutes
from gateway.api.shop_seam import ShopFile
from gateway.api.shop_version_routes import ShopVersionRoutes
from gateway.api.stream import EventStream
from gateway.api.system_routes import SystemRoutes, Upkeep
from gateway.api.throttle import Throttle
from gateway.api.time_limits import limit_times
from gateway.api.toll_free_routes import Guard, TollFreeRoutes
from gateway.api.trace_routes import Insight, TraceRoutes
from gateway.api.trial_call_routes import NoTrials, TrialCallRoutes, Trials
from gateway.api.trunk_trial_routes import TrunkTrialRoutes, TryTrunk, no_trial
from gateway.api.user_routes import UserRoutes
from gateway.api.widget_routes import Site, WidgetRoutes
from gateway.errors import AddressInUse
from gateway.events import EventBus
from gateway.ids import new_id

LARGEST_BODY_BYTES = 1024 * 1024
_RELAYED = (
    "/api/v1/calls",
    "/api/v1/calls/{id}",
    "/api/v1/call-tags",
    "/api/v1/gateways",
    "/api/v1/gateways/calls",
    "/api/v1/gateways/calls/{id}",
    "/api/v1/places",
    "/api/v1/recordings/{id}/peaks",
    "/api/v1/messages",
    "/api/v1/messages/{id}",
    "/api/v1/conversations",
    "/api/v1/statistics",
    "/api/v1/missed",
    "/api/v1/overview",
    "/api/v1/widget/report",
    "/api/v1/widget/metrica",
    "/api/v1/audit",
    "/api/v1/audit/check",
)


class ApiServer:
    """`async with ApiServer(...)`: serving from entry to exit.

    `bind` is "host:port" (port 0: any, see `port`). `is_ready` says whether modems are served and SIP is
    bound. Entering raises AddressInUse.
    """

    def __init__(
        self,
        *,
        bind: str,
        worker_socket: Path,
        bus: EventBus,
        live: LiveView,
        accounts: Accounts,
        shop: ShopFile,
        phone_setup: PhoneSetup,
        texts: Texts,
        transfer: Transfer,
        connect_two: ConnectTwo,
        try_route: TryRoute,
        toll_free: Guard,
        company: Company,
        insight: Insight,
        watched: Watched,
        recorded: Recorded,
        is_ready: Callable[[], bool],
        upkeep: Upkeep,
        orders: Orders,
        order_status: OrderStatusTest,
        missed: Missed,
        book: AddressBook,
        couriers: Couriers,
        call_backs: CallBackList,
        browser_phones: BrowserPhones,
        site: Site,
        queue: QueueDesk,
        alert_outlets: AlertOutlets,
        programs: EventHookDesk,
        modems: ModemDoor,
        door: SipDoor,
        is_courier: Callable[[str], bool] = lambda _extension: False,
        deliveries: DeliveryLog = no_deliveries,
        test_alerts: Callable[[], int] = nowhere,
        retry_delivery: Retry = no_retry,
        playground: Playground | None = None,
        emulated: Emulated | None = None,
        try_trunk: TryTrunk = no_trial,
        trials: Trials | None = None,
    ) -> None:
        host, _, port = bind.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._relay = Relay(worker_socket)
        boot = new_id()
        self._stream = EventStream(bus, boot=boot)
        self._app = web.Application(client_max_size=LARGEST_BODY_BYTES)
        answer_with_problems(self._app)
        limit_times(self._app)
        self._app.middlewares.append(authenticate)
        self._app[ACCOUNTS] = accounts
        self._close_phones = browser_phones.tunnels.close_all
        for part in (
            AccountRoutes(accounts, throttle := Throttle(lambda: asyncio.get_running_loop().time())),
            SecurityRoutes(door, throttle),
            OrderRoutes(orders),
            OrderStatusRoutes(shop, order_status),
            ContactRoutes(book, self._relay),
            BlockedRoutes(book.blocked),
            MissedRoutes(missed),
            CourierRoutes(couriers),
            UserRoutes(accounts, is_courier),
            SecondStepRoutes(accounts, shop.current),
            SetupRoutes(phone_setup),
            LiveRoutes(
                live=live,
                stream=self._stream,
                shop=shop,
                is_ready=is_ready,
                boot=boot,
                promised=call_backs.waiting,
                is_emulated=lambda: playground is not None and playground.control is not None,
            ),
            LineRoutes(shop),
            ModemRoutes(modems),
            ShopPartRoutes(shop, emulated),
            PbxRoutes(shop),
            EmulatedRoutes(emulated),
            TrunkTrialRoutes(shop, try_trunk),
            TrialCallRoutes(trials or NoTrials(), texts.answers, modems.note),
            ShopVersionRoutes(shop),
            ReceptionRoutes(shop, call_backs),
            WidgetRoutes(site, shop),
            QueueRoutes(shop, queue),
            ScheduleRoutes(shop),
            RouteTestRoutes(shop.current, try_route),
            BranchRoutes(shop.current),
            TollFreeRoutes(shop, toll_free),
            MessageRoutes(texts),
            CallRoutes(transfer, connect_two, texts.answers),
            CompanyRoutes(company),
            BrowserPhoneRoutes(browser_phones),
            TraceRoutes(insight),
            MetricsRoutes(watched),
            PackRoutes(recorded.evidence, self._relay),
            RecordingRoutes(recorded, self._relay),
            ErasureRoutes(recorded.erasures),
            DeliveryRoutes(deliveries, test_alerts, retry_delivery),
            AlertWayRoutes(alert_outlets),
            EventHookRoutes(programs, deliveries),
            PlaygroundRoutes(playground),
            RestoreRoutes(accounts, self._relay, upkeep.start_again),
            SystemRoutes(self._relay, upkeep),
            CertificateRoutes(self._relay, upkeep.note),
            PromptRoutes(self._relay, recorded.prompts_changed),
        ):
            self._app.add_routes(part.routes())
        self._app.add_routes([web.put("/api/v1/places/ranges", self._relay.answer_to)])
        self._app.add_routes([web.get(path, self._relay.pass_on) for path in _RELAYED])
        self._stack = AsyncExitStack()

    @property
    def port(self) -> int:
        """The TCP port that is served."""
        return self._port

    @property
    def audience(self) -> int:
        """How many follow the event stream now."""
        return self._stream.audience

    @property
    def routes(self) -> set[tuple[str, str]]:
        """Every (method, path) that is served, HEAD apart: what the contract must say too."""
        return {
            (route.method, route.resource.canonical)
            for route in self._app.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }

    async def __aenter__(self) -> Self:
        """Bind and serve."""
        await self._stack.enter_async_context(self._relay)
        runner = web.AppRunner(self._app, access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        self._stack.callback(self._stream.close)
        self._stack.callback(self._close_phones)
        site = web.TCPSite(runner, self._host, self._port)
        try:
            await site.start()
        except OSError as error:
            await self._stack.aclose()
            if error.errno == errno.EADDRINUSE:
                raise AddressInUse(
                    f"The API cannot listen on {self._host}:{self._port}: another program does.",
                    address=f"{self._host}:{self._port}",
                ) from error
            raise
        self._port = runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving; open streams are closed."""
        await self._stack.aclose()
