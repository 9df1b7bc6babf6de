"""A daemon's API and a worker in a thread of their own, on loopback, for panels to talk to."""

from __future__ import annotations

import asyncio
import threading
import wave
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from gateway.api.board import Board
from gateway.api.server import ApiServer
from gateway.errors import PhoneNotFree
from gateway.events import Event, EventBus
from gateway.settings import Settings
from gateway.telephony.causes import Cause
from gateway.telephony.shop import Shop
from gateway.worker.prompts import OwnPrompts
from gateway.worker.sealed import KeyRing
from gateway.worker.server import WorkerServer
from gateway.worker.shared_routes import SharedRoutes
from gateway.worker.speech import Speech
from tests.fakes.accounts import FakeAccounts
from tests.fakes.alert_ways import FakeAlertWays
from tests.fakes.archive import FakeArchive
from tests.fakes.browser_phones import FakeBrowserPhones
from tests.fakes.call_backs import FakeCallBacks
from tests.fakes.company import FakeCompany, watched
from tests.fakes.contacts import KeptPeople
from tests.fakes.couriers import FakeCouriers
from tests.fakes.deliveries import FakeDeliveries
from tests.fakes.emulated_modems import FakeEmulatedModems
from tests.fakes.emulated_world import FakeWorld
from tests.fakes.event_hooks import FakeEventHooks
from tests.fakes.exchange_view import SHOP, FakeShopFile, setup_desk
from tests.fakes.modem_care import FakeModemCare
from tests.fakes.order_desk import status_test
from tests.fakes.orders import orders_in_memory
from tests.fakes.queue import FakeQueue
from tests.fakes.recorded import FakeRecorded
from tests.fakes.reports import FakeMissed, FakeReports
from tests.fakes.route_tried import routes_of
from tests.fakes.shared import FakeShared
from tests.fakes.sip_door import KnownDoor
from tests.fakes.site import FakeSite
from tests.fakes.texts import FakeTexts
from tests.fakes.toll_free import toll_free_in_memory
from tests.fakes.trial_calls import FakeTrials
from tests.fakes.trunk_tried import FakeProvider
from tests.fakes.upkeep import FakeBackups, upkeep

T = TypeVar("T")

PASSWORD = "three unlikely words"


class GatewayThread:
    """The running parts; `publish` and the lists of `archive` are how a test makes things happen."""

    def __init__(self, directory: Path) -> None:
        self.shop: Shop = SHOP
        self.bus = EventBus()
        self.accounts = FakeAccounts()
        self.archive = FakeArchive()
        self.shared = FakeShared(self.archive)
        self.shop_file = FakeShopFile()
        self.texts = FakeTexts()
        self.toll_free = toll_free_in_memory(self.shop_file.current)
        self.orders = orders_in_memory(lambda: self.shop, publish=self.bus.publish)
        self.call_backs = FakeCallBacks()
        self.site = FakeSite(lambda: self.shop_file.shop, self.call_backs)
        self.couriers = FakeCouriers(lambda: self.shop, self.orders, self.texts.texts.answers)
        self.people = KeptPeople(lambda: self.shop, publish=self.bus.publish)
        self.recorded = FakeRecorded()
        self.company = FakeCompany()
        self.reports = FakeReports()
        self.deliveries = FakeDeliveries()
        self.alerts = FakeAlertWays()
        self.hooks = FakeEventHooks()
        self.modems = FakeModemCare()
        self.door = KnownDoor(lambda: self.shop, self.bus.publish)
        self.hung_up: list[str] = []
        self.started_again: list[bool] = []
        self.passphrases: list[str] = []
        self.backups = FakeBackups()
        self.world = FakeWorld(directory)
        self.provider, self.emulated, self.trials = FakeProvider(), FakeEmulatedModems(), FakeTrials()
        self.transferred: list[str] = []
        self.connected: list[tuple[str, str]] = []
        self.recordings_dir = directory / "recordings"
        self.prompts_dir = directory / "prompts"
        self.worker_socket = directory / "worker.sock"
        self.port = 0
        self.settings = Settings(data_dir=directory / "data")
        self.settings.backup_dir.mkdir(parents=True)
        (self.settings.backup_dir / "simbridge-20260302-033000.backup").write_bytes(b"sealed")
        self.queue = FakeQueue(lambda: self.shop, self.bus)
        self._board = Board(
            bus=self.bus, shop=lambda: self.shop, hang_up=self._hang_up, balance=self.texts.last,
            queue=self.queue.live.wire,
        )  # fmt: skip
        self._api: ApiServer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def transfer(self, call_id: str, to: str) -> Cause | None:
        """Keep what was asked; 103 has nobody who could be handed over."""
        if call_id != "c1":
            raise LookupError(call_id)
        self.transferred.append(to)
        return Cause.REJECTED if to == "103" else None

    def connect_two(self, extension: str, to: str) -> str:
        """Keep what was asked; 102 is away."""
        if extension == "102":
            raise PhoneNotFree("The phone 102 is away, or in a call.", extension=extension)
        self.connected.append((extension, to))
        return f"c{len(self.connected)}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def publish(self, *events: Event) -> None:
        """Let these things happen, in the thread of the loop, before this returns."""
        for event in events:
            self.run(lambda event=event: self.bus.publish(event))  # type: ignore[misc]  # a default is how it is bound

    def run(self, call: Callable[[], T]) -> T:
        """Call something in the loop's thread."""
        assert self._loop is not None
        future: Future[T] = Future()
        self._loop.call_soon_threadsafe(lambda: future.set_result(call()))
        return future.result(10)

    @property
    def listeners(self) -> int:
        """How many follow the event stream."""
        return 0 if self._api is None else self._api.audience

    def make_owner(self) -> None:
        self.accounts.passwords["anna"] = PASSWORD
        self.accounts.code = None

    def keep_order(self, number: str, **values: str) -> None:
        """An order of courier 2001, made or changed."""
        given = {"phone": "+79035550001", "courier": "2001", **values}

        async def keep() -> None:
            if await self.orders.change(number, given, by="anna") is None:
                await self.orders.add({"number": number, **given}, expires_at=None, by="anna")

        asyncio.run(keep())

    def keep_recording(self, recording_id: str, *, seconds: float = 1.0) -> bytes:
        """Put a file of two tones where the worker finds it."""
        self.recordings_dir.mkdir(exist_ok=True)
        time = np.arange(int(8000 * seconds)) / 8000
        sound = np.stack([np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 880 * time)], axis=1)
        path = self.recordings_dir / f"{recording_id}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes((sound * 9000).astype("<i2").tobytes())
        self.archive.paths[recording_id] = path.name
        return path.read_bytes()

    async def serve(self, started: threading.Event, *, port: int, with_worker: bool) -> None:
        """Until `stop` is called from outside."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        api = ApiServer(
            bind=f"127.0.0.1:{port}", worker_socket=self.worker_socket, bus=self.bus, live=self._board,
            accounts=self.accounts, shop=self.shop_file, phone_setup=setup_desk(lambda: self.shop),
            texts=self.texts.texts, transfer=self.transfer, connect_two=self.connect_two, company=self.company.company,
            try_route=routes_of(self.shop_file.current),
            toll_free=self.toll_free,
            insight=self.company.insight,
            watched=watched(),
            recorded=self.recorded.recorded, is_ready=lambda: True,
            upkeep=upkeep(self.started_again, self.passphrases),
            orders=self.orders,
            order_status=status_test(self.orders, self.shop_file.current),
            missed=FakeMissed(self.reports),
            book=self.people.book,
            couriers=self.couriers.couriers,
            call_backs=self.call_backs,
            site=self.site.site,
            queue=self.queue.desk,
            browser_phones=FakeBrowserPhones(lambda: self.shop).phones,
            is_courier=lambda extension: self.shop.courier(extension) is not None,
            deliveries=self.deliveries.log,
            test_alerts=self.deliveries.test,
            retry_delivery=self.deliveries.retry,
            alert_outlets=self.alerts.outlets,
            programs=self.hooks.desk,
            modems=self.modems.door,
            door=self.door.door,
            playground=self.world.playground,
            try_trunk=self.provider.try_trunk,
            trials=self.trials,
            emulated=self.emulated,
        )  # fmt: skip
        self._api = api
        async with self.world, api:
            self.port = api.port
            if with_worker:
                async with WorkerServer(
                    socket=self.worker_socket,
                    archive=self.archive,
                    recordings_dir=self.recordings_dir,
                    contacts=self.people.lists,
                    keys=KeyRing(self.recordings_dir.parent / "recording-keys"),
                    reports=self.reports,
                    site=self.site,
                    prompts=OwnPrompts(self.prompts_dir, Speech(self.prompts_dir / "said", self.prompts_dir)),
                    settings=self.settings,
                    backups=self.backups,
                    shared=SharedRoutes(
                        self.shared,
                        self.shared.own,
                        store=self.shared,
                        directory=self.recordings_dir.parent,
                        keys=KeyRing(self.recordings_dir.parent / "recording-keys"),
                    ),
                ):
                    started.set()
                    await self._stop.wait()
            else:
                started.set()
                await self._stop.wait()

    def stop(self) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)

    def _hang_up(self, call_id: str) -> bool:
        self.hung_up.append(call_id)
        return call_id != "unknown"


@contextmanager
def gateway_running(gateway: GatewayThread, *, port: int = 0, with_worker: bool = True) -> Iterator[GatewayThread]:
    """Serve `gateway` within the block; it keeps what it knows when it is served again."""
    started = threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(gateway.serve(started, port=port, with_worker=with_worker)), name="gateway"
    )
    thread.start()
    try:
        assert started.wait(10), "the API did not start"
        yield gateway
    finally:
        if started.is_set():
            gateway.stop()
        thread.join(10)
