"""The store as the daemon uses it: opened once, everything that must be on disk behind one writer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Connection

from gateway.clock import CERTAIN, Dating, WallClock, utc_now
from gateway.events import EventBus
from gateway.store.accounts import StoredAccounts
from gateway.store.after_crash import LeftOpen, close_what_was_left
from gateway.store.alert_ways import StoredAlertWays
from gateway.store.audit import add_audit
from gateway.store.balances import StoredBalances
from gateway.store.blocked import StoredBlocked
from gateway.store.budget import StoredBudget
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
from gateway.store.mailboxes import StoredMailboxes
from gateway.store.missed import StoredMissed
from gateway.store.new_password import changed_by_others
from gateway.store.orders import StoredOrders
from gateway.store.outbox import StoredOutbox
from gateway.store.pauses import StoredPauses
from gateway.store.pin_guesses import StoredPinEntry
from gateway.store.regulars import Regulars
from gateway.store.reserve import Reserve
from gateway.store.retention import Retention, UsedShare, used_share
from gateway.store.schema import VERSION
from gateway.store.shop_document.shop_versions import gateway_id_of, load_shop
from gateway.store.shop_document.stored_shop import StoredShop
from gateway.store.site_visits import StoredVisits
from gateway.store.toll_free import StoredTollFree
from gateway.store.trial_removal import remove_calls, remove_the_rest
from gateway.store.unsynced import follow_clock
from gateway.store.writer import Writer
from gateway.telephony.emulated import NAMES, Brought
from gateway.telephony.shop import Shop


class Store(StoredShop):
    """What open_store gives: the shop, and its ledgers, which implement the Protocols of telephony.ledger."""

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
        dating: Dating = CERTAIN,
    ) -> None:
        super().__init__(writer, gateway_id=gateway_id, clock=clock, publish=bus.publish, current=shop)
        self.cut_off_calls, self.unfinished_recordings = left.calls, left.recordings
        """Recordings that a crash cut off, to be mended and reported with RecordingFinished."""
        self._places = places
        self._bus = bus
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
        self.blocked = StoredBlocked(writer, gateway_id=gateway_id, shop=self.shop, clock=clock)
        self.people = Regulars(writer, self.contacts, shop=self.shop, clock=clock)
        self.accounts = StoredAccounts(
            writer, gateway_id=gateway_id, clock=clock, setup_code_file=places.data_dir / "setup-code", dating=dating
        )

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
            await self.blocked.load()
            self.call_notes.forget()
            self.orders.forget_changes()
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
                dating=dating,
            )
            store.budget.dating = dating
            unmark = follow_clock(dating, writer, gateway_id=gateway_id)
            await store.accounts.load()
            await store.budget.load()
            await store.orders.load()
            await store.contacts.load()
            await store.blocked.load()
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
