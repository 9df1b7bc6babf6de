"""The composition root: builds every object by hand, and starts and stops them in order."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import logging
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from gateway import flows
from gateway.alert_ways import outlets_of, ways_outside
from gateway.api.board import Board
from gateway.api.browser_phone_routes import BrowserPhones
from gateway.api.company_routes import Company
from gateway.api.contact_routes import AddressBook
from gateway.api.courier_routes import Couriers
from gateway.api.form_tokens import FormTokens
from gateway.api.message_routes import Texts
from gateway.api.message_sounds import MessageSounds
from gateway.api.metrics import Watched
from gateway.api.modem_routes import ModemDoor
from gateway.api.order_status_routes import OrderStatusTest
from gateway.api.playground import Playground
from gateway.api.prompt_keeper import PromptKeeper
from gateway.api.recording_routes import Recorded
from gateway.api.security_routes import SipDoor
from gateway.api.server import ApiServer
from gateway.api.system_routes import Upkeep
from gateway.api.trace_routes import Insight
from gateway.api.widget_routes import Site
from gateway.backup.passphrase import PassphraseKeeper
from gateway.backup.waiting import take_waiting
from gateway.boot_clock import BootClock, is_known_to_be_right
from gateway.clock import utc_now
from gateway.emulated_modems import EmulatedModems
from gateway.ending import Ending
from gateway.event_hooks import desk_of, event_post, news_of
from gateway.events import EventBus, Published, ShopChanged, Subscriber
from gateway.health import Notifier, sip_answers
from gateway.loop_load import LoopLoad
from gateway.media_loop import Lateness, MediaLoop
from gateway.memory import give_freed_memory_back, keep_what_was_built
from gateway.messaging.alert_news import AlertNews, alert_jobs
from gateway.messaging.alert_texts import AlertTexts
from gateway.messaging.courier_call_backs import CourierCallBacks, promise_call_back
from gateway.messaging.courier_wishes import CourierWishes
from gateway.messaging.desk import MessageDesk
from gateway.messaging.order_asker import shop_asker
from gateway.messaging.order_desk import ShopOrderDesk
from gateway.messaging.outside import Outside
from gateway.modem.care import FleetCare
from gateway.modem.fleet import ModemFleet
from gateway.modem.pin_files import PinFiles
from gateway.modem.text_lines import ModemTextLines, count_parts
from gateway.modem.usb_power import UsbPowerUnit
from gateway.priority import take_real_time_priority
from gateway.provisioning.desk import ProvisioningDesk
from gateway.queue_start import on_duty, queue_desk
from gateway.recordings_start import mend_recordings, recordings_of
from gateway.safe_mode import SafeMode, boot_id
from gateway.settings import Settings
from gateway.sip.capture import capture_call
from gateway.sip.server import SipServer
from gateway.store.caller_regions import CallerRegions
from gateway.store.store import Store, open_store
from gateway.support.process import bundle_of
from gateway.telephony.call_back_desk import CallBackDesk
from gateway.telephony.emergency import EmergencySeen
from gateway.telephony.exchange import Exchange
from gateway.telephony.flow import find_flows
from gateway.telephony.missed_watch import MissedWatch
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.prompts import PromptBook
from gateway.telephony.route_trial import try_route
from gateway.telephony.shop import Shop
from gateway.telephony.site_desk import SiteDesk
from gateway.telephony.status_prompts import sound_of
from gateway.telephony.switchboard import Switchboard
from gateway.telephony.trace import Traces
from gateway.telephony.trial_desk import TrialDesk
from gateway.telephony.two_legs import TwoLegDesk
from gateway.telephony.unreached import UnreachedCustomers
from gateway.telephony.waiting_line import WaitingLine
from gateway.watches import watches

log = logging.getLogger(__name__)

GOODBYE_SECONDS = 2.0
"""What the wires get for their last words (BYE, AT+CHUP) once every call has been ended."""


def run_daemon(settings: Settings, config: Path) -> int:
    """Serve until SIGTERM or SIGINT. Raises a GatewayError when it cannot start."""
    give_freed_memory_back()
    faulthandler.enable()  # the watchdog ends us by SIGABRT: then the journal says where every thread stood
    service = Notifier()
    while True:
        take_waiting(settings, lambda: service.tell("WATCHDOG=1"))
        with asyncio.Runner(loop_factory=MediaLoop) as runner:
            if not runner.run(_serve(settings, config, service)):
                return 0
        gc.unfreeze()


async def _serve(settings: Settings, config: Path, service: Notifier) -> bool:
    """Until told to stop; whether to begin anew then, since a backup waits to be put in place."""
    ending, loop = Ending(), asyncio.get_running_loop()
    ending.follow_signals()
    async with AsyncExitStack() as stack:
        bus = EventBus(clock := BootClock(boot_id(), is_certain=is_known_to_be_right()))
        store = await stack.enter_async_context(open_store(settings, clock, bus, clock))
        safe = stack.enter_context(SafeMode(settings.data_dir, bus.publish, enabled=settings.safe_mode))
        mended = await mend_recordings(store, bus, settings.recordings_dir)
        recordings = stack.enter_context(recordings_of(settings.recordings_dir, bus))
        stack.push_async_callback(recordings.settled)

        find_flows(flows)
        load, traces, switchboard = LoopLoad(bus.publish), Traces(loop.time), Switchboard(lambda: load.is_high)
        fleet = ModemFleet(
            settings.modems,
            store.shop,
            bus.publish,
            switchboard.incoming,
            store.budget,
            store.inbox,
            store.pin_tries,
            lambda text: NumberPolicy(store.shop().numbers).normalise(text) or text,
            utc_now,
            discovery=settings.discovery,
            power=UsbPowerUnit(),
            traces=traces,
            pins=(pins := PinFiles(settings.data_dir / "sim-pins")),
        )

        def shop_changed(published: Published) -> None:
            if isinstance(published.event, ShopChanged):
                fleet.shop_changed()

        bus.subscribe(shop_changed)
        sip = SipServer(
            settings.sip,
            store.shop,
            bus.publish,
            switchboard.incoming,
            bindings=store.bindings,
            tls=settings.sip_tls,
            budget=store.budget,
            traces=traces,
            mailboxes=store.mailboxes,
        )
        duty, line_up = await on_duty(store, bus, stack), WaitingLine()
        prompts = await asyncio.to_thread(PromptBook, store.shop, settings.prompts_dir)
        call_backs = CallBackDesk(store.call_backs, publish=bus.publish, clock=utc_now)
        exchange = Exchange(
            shop=store.shop,
            lines=fleet.lines,
            phones=sip.phones,
            trunks=sip.trunks,
            pbx_accounts=sip.pbx_accounts,
            prompts=prompts,
            keep_prompt=PromptKeeper(settings.worker_socket, store.shop, lambda: asyncio.to_thread(prompts.read)).keep,
            recordings=recordings,
            publish=bus.publish,
            change_phone=store.change_phone,
            bring_in=lambda call_id, extension, role, by: switchboard.bring_in(call_id, extension, role, by=by),
            calls=switchboard.calls,
            traces=traces,
            orders=store.orders.alive,
            order_desk=(
                order_desk := await stack.enter_async_context(
                    _order_desk(store, outside := Outside(settings.outside.private))
                )
            ),
            orders_at=store.orders.alive_at,
            people=store.people,
            is_blocked=store.blocked.is_blocked,
            region_of=(regions := CallerRegions(settings.number_ranges, store.shop)).region_of,
            toll_free=store.toll_free,
            call_back=switchboard.call_back,
            pin_entry=store.pin_entry,
            promises=call_backs,
            duty=duty,
            line_up=line_up,
            mailboxes=store.mailboxes,
            sound_of=MessageSounds(settings.worker_socket).of,
            minutes_of=store.budget.line_minutes,
            minutes_of_extension=store.budget.extension_minutes,
            refusal_of=store.budget.refusal,
            call_back_later=lambda *wish: promise_call_back(messages.jobs, *wish),
            send_text=lambda *text: messages.promise_text(*text),  # noqa: PLW0108  # the desk is made below
            note_lateness=(lateness := loop.lateness if isinstance(loop, MediaLoop) else Lateness()).note,
        )
        switchboard.connect(exchange)
        call_backs.connect(exchange, switchboard.place)
        messages = MessageDesk(
            store,
            ModemTextLines(store.shop, fleet.modem_of),
            phones=sip.instant_messages,
            shop=store.shop,
            count_parts=count_parts,
            publish=bus.publish,
            clock=clock,
            dating=clock,
            jobs=[
                *alert_jobs(outgoing := await ways_outside(settings.alerts, outside, store.alert_ways.current)),
                (couriers := CourierCallBacks(exchange)).job,
                (programs := await event_post(settings.webhooks, outside, store.event_hooks.current, store.shop)).job,
            ],
        )
        _tell(
            bus,
            sip.presence.follow,
            sip.message_lamps.follow,
            line_up.follow,
            messages.follow,
            alert_news := AlertNews(outgoing.targets, messages.jobs, shop=store.shop, clock=utc_now),
            AlertTexts(outgoing.targets, messages.promise_text, past_disk=messages.text_past_disk, shop=store.shop),
            news_of(programs, messages.jobs, store, mended),
            call_backs.follow,
            couriers.follow,
            CourierWishes(shop=store.shop, orders=store.orders.alive, call_back=switchboard.call_back),
            EmergencySeen(bus.publish),
            unreached := UnreachedCustomers(
                shop=store.shop,
                orders=store.orders.alive,
                publish=bus.publish,
                in_vain=await store.orders.in_vain(),
            ),
        )
        sip.instant_messages.outside = messages.texts_of_phones
        ready = asyncio.Event()
        erasures, retention = (store.erasures(settings.recordings_dir), store.retention(settings.recordings_dir))
        api = ApiServer(
            bind=settings.api.bind,
            worker_socket=settings.worker_socket,
            bus=bus,
            live=(
                board := Board(
                    bus=bus,
                    shop=store.shop,
                    hang_up=switchboard.hang_up,
                    clock=utc_now,
                    balance=store.balances.last,
                    minutes=store.budget.line_minutes,
                    queue=(queue := queue_desk(store, duty, line_up)).live.wire,
                )
            ),
            queue=queue,
            accounts=store.accounts,
            shop=store,
            phone_setup=ProvisioningDesk(store.shop, lambda: sip.addresses, loop.time, store.contacts.listed),
            texts=Texts(
                outgoing=messages.outbox, ussd=messages.ussd, balances=messages.balances, answers=store.answers
            ),
            transfer=switchboard.transfer,
            connect_two=TwoLegDesk(exchange, switchboard.place).connect,
            try_route=partial(try_route, exchange),
            try_trunk=sip.try_account,
            trials=TrialDesk(exchange, switchboard.place),
            door=SipDoor(logins=sip.failed_logins, note=store.note),
            modems=ModemDoor(care=FleetCare(fleet, traces, pins, utc_now), note=store.note),
            toll_free=store.toll_free,
            company=Company(joining=switchboard, note=store.evidence.note_joining),
            insight=Insight(
                trace=switchboard.traced,
                capture=lambda call_id, seconds: capture_call(
                    switchboard.legs_of(call_id), traces, sip.addresses[0], utc_now, seconds
                ),
                note=store.evidence.note_joining,
            ),
            watched=Watched(
                lateness=lateness,
                running_calls=lambda: len(switchboard.calls()),
            ),
            recorded=Recorded(
                evidence=store.evidence,
                erasures=erasures,
                pause_recording=switchboard.pause_recording,
                prompts_changed=lambda: asyncio.to_thread(prompts.read),
                heard=store.mailboxes.has_heard_recording,
            ),
            is_ready=ready.is_set,
            upkeep=Upkeep(
                start_again=ending.start_again,
                make_bundle=lambda: bundle_of(config),
                keep_passphrase=PassphraseKeeper(settings, store.note).keep,
                note=store.note,
            ),
            orders=store.orders,
            order_status=OrderStatusTest(desk=order_desk, sound=lambda keys: sound_of(keys, prompts)),
            missed=store.missed,
            book=AddressBook(
                contacts=store.contacts, notes=store.call_notes, tags=store.call_tags, blocked=store.blocked
            ),
            couriers=Couriers(
                shop=store.shop,
                orders=store.orders,
                call_back=switchboard.call_back,
                set_shift=store.set_shift,
                charges=store.charges,
                answers=store.answers,
            ),
            call_backs=call_backs,
            site=Site(
                visitors=SiteDesk(promises=call_backs, visits=store.visits, shop=store.shop, clock=utc_now),
                clock=utc_now,
                tokens=FormTokens(loop.time),
            ),
            deliveries=store.jobs.log,
            retry_delivery=messages.jobs.again,
            programs=desk_of(programs, store),
            alert_outlets=outlets_of(outgoing, store.alert_ways, store.alert_ways.current, store.shop),
            browser_phones=BrowserPhones(
                tunnels=sip.tunnels,
                is_phone=lambda extension: store.shop().phone(extension) is not None,
                note=store.evidence.note_phone,
            ),
            test_alerts=alert_news.test,
            emulated=(emulated := _emulated_modems(settings, store, fleet, sip, bus, call_backs)),
            playground=emulated.world,
            is_courier=lambda extension: store.shop().courier(extension) is not None,
        )
        for wire in (api, sip, fleet, emulated):
            await stack.enter_async_context(wire)
        stack.push_async_callback(_last_words, sip)
        for part in [each for each in (switchboard, messages, call_backs) if each is switchboard or not safe.is_on]:
            await stack.enter_async_context(part)
        if await store.accounts.needs_setup():
            log.info("The owner's setup code is in %s.", settings.data_dir / "setup-code")
        _rehearse(store.shop())
        keep_what_was_built()
        ready.set()
        _tell_what_is_less(safe, unreached)
        log.info(
            "simbridge serves %d modems; SIP on %s, API on %s.", len(fleet.modems), sip.addresses, settings.api.bind
        )
        service.tell("READY=1")
        async with asyncio.TaskGroup() as work:
            proofs = {"SIP": lambda: sip_answers(*sip.addresses[0]), "the round of the modems": fleet.goes_round}
            feeding = work.create_task(service.feed_watchdog(proofs))
            missed = MissedWatch(missed=store.missed.open, shop=store.shop, clock=utc_now, publish=bus.publish)
            tidying = [
                work.create_task(each.run())
                for each in watches(
                    settings, clock, bus, store, board, prompts, retention, erasures, missed, regions, load
                )
                if each in (prompts, load) or not safe.is_on
            ]
            await ending.told.wait()
            for task in (feeding, *tidying):
                task.cancel()
        service.stops(anew=ending.is_anew)
        log.info("Stopping: running calls may go on for a moment.")
    return ending.is_anew


async def _last_words(sip: SipServer) -> None:
    """Every call has been ended: its BYE goes out now, and after it the word to the providers that we are gone."""
    async with asyncio.TaskGroup() as words:
        words.create_task(asyncio.sleep(GOODBYE_SECONDS))
        words.create_task(sip.sign_off(within=GOODBYE_SECONDS))


def _emulated_modems(  # noqa: PLR0917  # the composition root gives them in this order, each of its own type
    settings: Settings, store: Store, fleet: ModemFleet, sip: SipServer, bus: EventBus, promises: CallBackDesk
) -> EmulatedModems:
    control = None if settings.emulated.control is None else Path(settings.emulated.control)
    world = Playground(control, shop=store.shop, registrar=lambda: sip.addresses[0])
    return EmulatedModems(settings, kept=store, fleet=fleet, world=world, bus=bus, promises=promises)


def _order_desk(store: Store, outside: Outside) -> ShopOrderDesk:
    return ShopOrderDesk(store.orders, shop=store.shop, ask=shop_asker(outside.ask), clock=utc_now)


def _tell_what_is_less(safe: SafeMode, unreached: UnreachedCustomers) -> None:
    """What does not run, or not as well as it could, and what still stands from before this start."""
    safe.tell()
    unreached.tell()
    if not take_real_time_priority():
        log.info("No right to real-time priority: on a busy machine voices may stutter.")


def _tell(bus: EventBus, *subscribers: Subscriber) -> None:
    for subscriber in subscribers:
        bus.subscribe(subscriber)


def _rehearse(shop: Shop) -> None:
    """Have the numbering plans read, which the first call would wait for."""
    policy = NumberPolicy(shop.numbers)
    for number in ("112", *(line.number for line in shop.lines if line.number)):
        policy.check(number)
