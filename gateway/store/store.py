"""The store as the daemon uses it: opened once, everything that must be on disk behind one writer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.clock import CERTAIN, Dating, WallClock, utc_now
from gateway.events import EventBus, ShopChanged
from gateway.store.accounts import StoredAccounts
from gateway.store.after_crash import LeftOpen, close_what_was_left
from gateway.store.alert_ways import StoredAlertWays
from gateway.store.audit import add_audit
from gateway.store.balances import StoredBalances
from gateway.store.budget import StoredBudget
from gateway.store.calendar_file import Timed
from gateway.store.call_backs import StoredCallBacks
from gateway.store.call_notes import StoredCallNotes
from gateway.store.call_tags import StoredCallTags
from gateway.store.charges import Charges
from gateway.store.contacts import StoredContacts
from gateway.store.database import Places, held, open_engine, prepare
from gateway.store.erasures import Erasures
from gateway.store.event_hooks import StoredEventHooks
from gateway.store.evidence import StoredEvidence
from gateway.store.idempotency import StoredAnswers
from gateway.store.inbox import StoredInbox
from gateway.store.jobs import StoredJobs
from gateway.store.journal import Journal
from gateway.store.ledger import StoredBindings, StoredPinTries
from gateway.store.line_settings import rules_of, with_rules
from gateway.store.mailboxes import StoredMailboxes
from gateway.store.missed import StoredMissed
from gateway.store.new_password import changed_by_others
from gateway.store.order_status_settings import with_order_status
from gateway.store.orders import StoredOrders
from gateway.store.outbox import StoredOutbox
from gateway.store.pauses import StoredPauses
from gateway.store.pbx_settings import pbx_of, with_pbx, without_pbx
from gateway.store.pin_guesses import StoredPinEntry
from gateway.store.queue_settings import with_queue
from gateway.store.reception_settings import with_reception
from gateway.store.regulars import Regulars
from gateway.store.reserve import Reserve
from gateway.store.retention import Retention, UsedShare, used_share
from gateway.store.schedule_settings import with_calendar, with_hours
from gateway.store.schema import VERSION
from gateway.store.shop_file import read_shop, write_shop
from gateway.store.shop_parts import changed_whole, general_of, parts_of, with_general, with_part, without_part
from gateway.store.shop_versions import (
    BY_A_PHONE,
    ShopVersion,
    add_shop,
    gateway_id_of,
    kept_versions,
    load_shop,
    newest_number,
    shop_of_version,
)
from gateway.store.site_visits import StoredVisits
from gateway.store.toll_free import StoredTollFree
from gateway.store.toll_free_settings import with_toll_free
from gateway.store.trial_removal import remove_calls, remove_the_rest
from gateway.store.unsynced import follow_clock
from gateway.store.widget_settings import with_widget
from gateway.store.writer import Writer
from gateway.telephony.emulated import NAMES, Brought
from gateway.telephony.forwarding import PhoneChange
from gateway.telephony.reception_advice import new_menus
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import Shop


class Store:
    """What open_store gives. Its ledgers implement the Protocols of telephony.ledger."""

    def __init__(
        self,
        *,
        places: Places,
        clock: WallClock,
        bus: EventBus,
        writer: Writer,
        gateway_id: str,
        left: LeftOpen,
        shop: tuple[int, Shop],
    ) -> None:
        self.gateway_id = gateway_id
        self.cut_off_calls, self.unfinished_recordings = left.calls, left.recordings
        """Recordings that a crash cut off, to be mended and reported with RecordingFinished."""
        self._places = places
        self._clock = clock
        self._bus = bus
        self._writer = writer
        self._shop_number, self._shop = shop
        self._changing = asyncio.Lock()
        self.budget = StoredBudget(writer, gateway_id=gateway_id, shop=self.shop, clock=clock, publish=bus.publish)
        self.outbox = StoredOutbox(writer, gateway_id=gateway_id, clock=clock, publish=bus.publish)
        self.inbox = StoredInbox(writer, self.outbox, gateway_id=gateway_id, clock=clock, publish=bus.publish)
        self.jobs = StoredJobs(writer, gateway_id=gateway_id, clock=clock)
        self.balances = StoredBalances(writer, gateway_id=gateway_id, clock=clock, publish=bus.publish)
        self.pin_tries = StoredPinTries(writer, gateway_id=gateway_id, clock=clock)
        self.bindings = StoredBindings(writer, gateway_id=gateway_id, clock=clock)
        self.alert_ways = StoredAlertWays(writer, gateway_id=gateway_id, clock=clock)
        self.event_hooks = StoredEventHooks(writer, gateway_id=gateway_id, clock=clock)
        self.answers = StoredAnswers(writer, gateway_id=gateway_id, clock=clock)
        self.evidence = StoredEvidence(writer, gateway_id=gateway_id, clock=clock, shop=self.shop)
        self.pin_entry = StoredPinEntry(writer, gateway_id=gateway_id, shop=self.shop, clock=clock, publish=bus.publish)
        self.missed = StoredMissed(writer, gateway_id=gateway_id, shop=self.shop, clock=clock, publish=bus.publish)
        self.pauses = StoredPauses(writer, gateway_id=gateway_id, clock=clock)
        self.mailboxes = StoredMailboxes(writer, gateway_id=gateway_id, clock=clock, publish=bus.publish)
        self.call_backs = StoredCallBacks(writer, gateway_id=gateway_id, clock=clock)
        self.charges = Charges(writer, shop=self.shop)
        self.visits = StoredVisits(writer, gateway_id=gateway_id, shop=self.shop, clock=clock)
        self.toll_free = StoredTollFree(writer, gateway_id=gateway_id, shop=self.shop, clock=clock, publish=bus.publish)
        self.orders = StoredOrders(writer, gateway_id=gateway_id, shop=self.shop, clock=clock, publish=bus.publish)
        self.contacts = StoredContacts(writer, gateway_id=gateway_id, shop=self.shop, clock=clock, publish=bus.publish)
        self.call_notes = StoredCallNotes(writer, gateway_id=gateway_id, clock=clock)
        self.call_tags = StoredCallTags(writer, gateway_id=gateway_id, clock=clock)
        self.people = Regulars(writer, self.contacts, shop=self.shop, clock=clock)
        self.accounts = StoredAccounts(
            writer, gateway_id=gateway_id, clock=clock, setup_code_file=places.data_dir / "setup-code"
        )

    def shop(self) -> Shop:
        """The shop as it is now: a ShopView."""
        return self._shop

    async def save_shop(self, shop: Shop, *, by: str) -> bool:
        """Commit a new version of the shop; True when it differs from the one before. Publishes ShopChanged."""
        before = self._shop_number
        number = await self._writer.write(
            lambda connection: add_shop(connection, shop, gateway_id=self.gateway_id, by=by, now=self._clock())
        )
        self.take_shop(number, shop, by)
        return number > before

    async def change_phone(self, extension: str, change: PhoneChange) -> None:
        """Commit what a phone has dialled; a phone that is of the shop no more changes nothing. Raises StoreError."""

        def changed(shop: Shop) -> Shop:
            phones = tuple(change.applied(phone) if phone.extension == extension else phone for phone in shop.phones)
            return replace(shop, phones=phones)

        await self._change(changed, BY_A_PHONE + extension)

    async def set_shift(self, extension: str, *, on_shift: bool, by: str) -> bool:
        """Commit whether a courier is on shift; False: there is no such courier. Raises StoreError."""
        async with self._changing:
            if self._shop.courier(extension) is None:
                return False
            couriers = tuple(
                replace(each, on_shift=on_shift) if each.extension == extension else each
                for each in self._shop.couriers
            )
            await self.save_shop(replace(self._shop, couriers=couriers), by=by)
            return True

    def line_rules(self, name: str) -> dict[str, Any] | None:
        """The rules of a line, by the names of shop.toml; None: there is no such line."""
        line = self._shop.line(name)
        return rules_of(line) if line is not None else None

    async def change_line(
        self, name: str, changes: Mapping[str, object], *, by: str, accepts_menu: bool = False
    ) -> bool:
        """Commit other rules of a line; False: there is no such line. Raises SettingsError, MenuFirst, StoreError."""
        if self._shop.line(name) is None:
            return False
        await self._change_way(lambda shop: with_rules(shop, name, changes), by, accepts_menu=accepts_menu)
        return True

    def schedule(self) -> Schedule:
        """The shop's hours as they are now."""
        return self._shop.schedule

    async def change_hours(self, table: Mapping[str, object], *, by: str) -> None:
        """Commit other hours, all of them. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_hours(shop, table), by)

    def current(self) -> Shop:
        """The shop as it is now, for the API."""
        return self._shop

    def shop_parts(self, kind: str) -> list[dict[str, Any]]:
        """The lines, phones, couriers or trunks, by the names of shop.toml, secrets masked."""
        return parts_of(self._shop, kind)

    async def change_part(
        self, kind: str, key: str, changes: Mapping[str, object], *, by: str, accepts_menu: bool = False
    ) -> None:
        """Commit other values of a part, or a new one. Raises SettingsError, MenuFirst, StoreError."""
        await self._change_way(lambda shop: with_part(shop, kind, key, changes), by, accepts_menu=accepts_menu)

    async def remove_part(self, kind: str, key: str, *, by: str) -> None:
        """Commit the shop without that part. Raises LookupError, SettingsError, StoreError."""
        await self._change(lambda shop: without_part(shop, kind, key), by)

    async def change_whole(self, change: Callable[[Shop], Shop], *, by: str) -> None:
        """Commit what `change` makes of the shop. Raises SettingsError, StoreError."""
        await self._change(lambda shop: changed_whole(shop, change), by)

    async def remove_trial(self, recordings_dir: Path, brought: Brought) -> None:
        """Remove what was tried on emulated modems: calls, recordings, SMS. Raises StoreError, OSError."""
        courier, now = brought.courier, self._clock()
        while await self._writer.write(lambda rows: remove_calls(rows, recordings_dir, NAMES, courier, now)):
            pass
        people = (*brought.sims, brought.courier_mobile, brought.customer)
        await self._writer.write(lambda rows: remove_the_rest(rows, NAMES, people))
        await self.mailboxes.load()
        for number in people:
            self.people.forget(number)

    def general(self) -> dict[str, Any]:
        """What is so of the whole shop."""
        return general_of(self._shop)

    async def change_general(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other values of it. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_general(shop, changes), by)

    def pbx(self) -> dict[str, Any]:
        """The PBX where couriers are extensions, and which of them are."""
        return pbx_of(self._shop)

    async def change_pbx(self, changes: Mapping[str, object], passwords: Mapping[str, str | None], *, by: str) -> None:
        """Commit another PBX, or other passwords there. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_pbx(shop, changes, passwords), by)

    async def remove_pbx(self, *, by: str) -> None:
        """Commit the shop without its PBX and the passwords there. Raises LookupError, StoreError."""
        await self._change(without_pbx, by)

    async def change_reception(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other rules of the reception. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_reception(shop, changes), by)

    async def change_queue(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other rules of the queue. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_queue(shop, changes), by)

    async def change_order_status(self, table: Mapping[str, object], *, by: str) -> None:
        """Commit other rules for the status of orders, all of them. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_order_status(shop, table), by)

    async def change_widget(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other rules of the widget. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_widget(shop, changes), by)

    async def change_toll_free(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other rules of the guard of toll-free numbers. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_toll_free(shop, changes), by)

    async def take_calendar(self, text: str, timed: str, *, by: str) -> None:
        """Commit the exceptions of a calendar. Raises CalendarInvalid, SettingsError, StoreError."""

        def changed(shop: Shop) -> Shop:
            today = self._clock().astimezone(ZoneInfo(shop.time_zone)).date()
            return with_calendar(shop, text, Timed(timed), today)

        await self._change(changed, by)

    async def note(self, by: str, action: str, subject: str = "") -> None:
        """Have it on record that somebody did something to the gateway itself. Raises StoreError."""
        await self._writer.write(
            lambda connection: add_audit(
                connection, gateway_id=self.gateway_id, now=self._clock(), by=by, action=action, subject=subject,
                details={},
            )
        )  # fmt: skip

    def retention(self, recordings_dir: Path, *, used: UsedShare = used_share) -> Retention:
        """What removes old recordings of this shop, once it is run. `used` tells how full the disk is, 0 to 1."""
        return Retention(
            self._writer,
            recordings_dir,
            shop=self.shop,
            clock=self._clock,
            publish=self._bus.publish,
            used=used,
            has_removed=self.mailboxes.load,
            set_aside=Reserve(self._places.data_dir).set_aside,
        )

    def erasures(self, recordings_dir: Path) -> Erasures:
        """What erases numbers, once it is run."""

        async def forget(number: str) -> None:
            await self.contacts.load()
            await self.mailboxes.load()
            self.people.forget(number)

        return Erasures(
            self._writer,
            self._places,
            recordings_dir,
            gateway_id=self.gateway_id,
            clock=self._clock,
            shop=self.shop,
            erased=forget,
        )

    async def export_text(self) -> str:
        """The shop as shop.toml, secrets masked."""
        return write_shop(self._shop)

    async def import_text(self, text: str, *, by: str) -> bool:
        """Take a shop.toml, all or nothing; True when it changed something.

        A masked or missing secret keeps its value. Raises SettingsError that names every error with its line.
        """
        return await self._change(lambda shop: read_shop(text, shop), by)

    async def versions(self) -> list[ShopVersion]:
        """What the shop was, the newest first."""
        return await self._writer.write(kept_versions)

    async def restore_version(self, number: int, *, by: str) -> bool:
        """Make the shop again what it was then, as a version of its own; False: that one is not kept."""
        former = await self._writer.write(lambda connection: shop_of_version(connection, number))
        if former is None:
            return False
        await self._change(lambda _shop: former, by)
        return True

    async def _change(self, changed: Callable[[Shop], Shop], by: str) -> bool:
        """Commit what `changed` makes of the shop, in a thread: one change after the other, so that none is lost."""
        async with self._changing:
            return await self.save_shop(await asyncio.to_thread(changed, self._shop), by=by)

    async def _change_way(self, changed: Callable[[Shop], Shop], by: str, *, accepts_menu: bool) -> None:
        """As `_change`; who accepts that a menu comes first is on record with it. Raises MenuFirst."""
        menus: list[str] = []

        def checked(shop: Shop) -> Shop:
            after = changed(shop)
            menus.extend(new_menus(shop, after, accepted=accepts_menu))
            return after

        await self._change(checked, by)
        for name in menus:
            await self.note(by, "menu-first.accepted", name)

    def take_shop(self, number: int, shop: Shop, by: str) -> None:
        """Use a version that is stored, unless a newer one is used already."""
        if number > self._shop_number:
            self._shop_number, self._shop = number, shop
            self._bus.publish(ShopChanged(by=by))

    def newer_shop(self, connection: Connection) -> tuple[int, Shop, str] | None:
        """In the writer's thread: the version that another process (the command line) has stored meanwhile."""
        return load_shop(connection) if newest_number(connection) > self._shop_number else None


@asynccontextmanager
async def open_store(
    places: Places, clock: WallClock = utc_now, bus: EventBus | None = None, dating: Dating = CERTAIN
) -> AsyncIterator[Store]:
    """Open the store of a data directory for the daemon, and let it go afterwards with everything committed.

    Makes or migrates the database, closes what a crash has left open, and writes the events of `bus`
    as rows from now on. Raises AlreadyRunning and StoreError.
    """
    loop = asyncio.get_running_loop()
    bus = bus or EventBus(clock)
    store: Store | None = None

    def look_for_shop(connection: Connection) -> None:
        newer = store.newer_shop(connection) if store is not None else None
        if store is not None and newer is not None:
            loop.call_soon_threadsafe(store.take_shop, *newer)
        known = store.contacts.changed_by_others(connection) if store is not None else None
        if store is not None and known is not None:
            loop.call_soon_threadsafe(store.contacts.use, known)
        if store is not None:
            loop.call_soon_threadsafe(store.accounts.take, changed_by_others(connection, clock()))

    with held(places.data_dir):
        await asyncio.to_thread(prepare, places)
        engine, reserve = open_engine(places.database), Reserve(places.data_dir)
        async with Writer(engine, bus.publish, on_foreign_commit=look_for_shop, make_room=reserve.give_up) as writer:
            gateway_id, left, (number, shop, _) = await writer.write(lambda connection: _begin(connection, clock))
            store = Store(
                places=places,
                clock=clock,
                bus=bus,
                writer=writer,
                gateway_id=gateway_id,
                left=left,
                shop=(number, shop),
            )
            store.budget.dating = dating
            unmark = follow_clock(dating, writer, gateway_id=gateway_id)
            await store.accounts.load()
            await store.budget.load()
            await store.orders.load()
            await store.contacts.load()
            await store.people.load()
            await store.balances.load()
            await store.toll_free.load()
            await store.alert_ways.load()
            await store.event_hooks.load()
            await store.mailboxes.load()
            unsubscribe = bus.subscribe(Journal(writer, gateway_id=gateway_id, dating=dating))
            uncharge = bus.subscribe(store.charges)
            unguard = bus.subscribe(store.toll_free)
            uncount = bus.subscribe(store.people)
            unfollow = bus.subscribe(store.mailboxes.follow)
            try:
                yield store
            finally:
                unmark()
                unsubscribe()
                uncharge()
                unguard()
                uncount()
                unfollow()
                store.accounts.close()


def _begin(connection: Connection, clock: WallClock) -> tuple[str, LeftOpen, tuple[int, Shop, str]]:
    now = clock()
    gateway_id = gateway_id_of(connection, now)
    left = close_what_was_left(connection, gateway_id=gateway_id, now=now)
    # Also a proof that the disk can be written: the budget counts on it.
    add_audit(
        connection, gateway_id=gateway_id, now=now, by="gateway", action="gateway.started", subject=VERSION, details={}
    )
    return gateway_id, left, load_shop(connection)
