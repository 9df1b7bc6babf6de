"""One try per SIM, through fifty restarts; bindings that outlive the daemon."""

from __future__ import annotations

from datetime import timedelta

from gateway.settings import Settings
from gateway.store.database import open_engine, prepare
from gateway.store.ledger import StoredPinTries
from gateway.store.store import open_store
from gateway.store.writer import Writer
from tests.store.conftest import HandClock
from tests.store.test_writer import READ_ONLY, FailingDisk

SIM = "8970100000000000001"


async def test_a_wrong_pin_is_tried_once_in_fifty_restarts(places: Settings, clock: HandClock) -> None:
    """T-F13."""
    prepare(places)
    tries = 0
    for _ in range(50):
        async with Writer(open_engine(places.database), print) as writer:
            pins = StoredPinTries(writer, gateway_id="here", clock=clock)
            tries += await pins.may_try(SIM, "digest of 1111")
    assert tries == 1


async def test_a_try_that_cannot_be_remembered_is_not_made(places: Settings, clock: HandClock) -> None:
    prepare(places)
    engine = open_engine(places.database)
    disk = FailingDisk(engine, READ_ONLY)
    async with Writer(engine, lambda _event: None) as writer:
        pins = StoredPinTries(writer, gateway_id="g", clock=clock)
        await disk.fail(writer)
        assert not await pins.may_try(SIM, "digest")
        disk.works = True
        assert await pins.may_try(SIM, "digest")


async def test_another_pin_or_sim_is_another_matter(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        pins = store.pin_tries
        assert await pins.may_try(SIM, "wrong")
        assert not await pins.may_try(SIM, "wrong")
        assert await pins.may_try("another", "wrong")
        clock.pass_by(seconds=1)
        assert await pins.may_try(SIM, "right")
        await pins.was_right(SIM)
        assert not await pins.may_try(SIM, "wrong")


async def test_a_right_pin_is_used_at_every_start(places: Settings, clock: HandClock) -> None:
    for _ in range(3):
        async with open_store(places, clock) as store:
            assert await store.pin_tries.may_try(SIM, "right")
            await store.pin_tries.was_right(SIM)


async def test_a_pin_that_stopped_being_right_leaves_the_last_try_to_a_person(
    places: Settings, clock: HandClock
) -> None:
    async with open_store(places, clock) as store:
        assert await store.pin_tries.may_try(SIM, "right")
        await store.pin_tries.was_right(SIM)
        tries = [await store.pin_tries.may_try(SIM, "right") for _ in range(10)]
    assert tries.count(True) == 2


async def test_bindings_outlive_the_daemon(places: Settings, clock: HandClock) -> None:
    later = clock() + timedelta(hours=1)
    async with open_store(places, clock) as store:
        await store.bindings.save("101", "sip:101@10.0.0.5:5060", "10.0.0.5:5060", clock(), "old phone")
        await store.bindings.save("101", "sip:101@10.0.0.5:5060", "10.0.0.5:5061", later, "phone")
        await store.bindings.save("101", "sip:101@10.0.0.6", "10.0.0.6:5060", later, "second phone")
        await store.bindings.save("102", "sip:102@10.0.0.7", "10.0.0.7:5060", clock() + timedelta(minutes=5), "")
        await store.bindings.save("103", "sip:103@10.0.0.8", "10.0.0.8:5060", later, "")
        await store.bindings.remove("103")
        await store.bindings.remove("101", "sip:101@10.0.0.6")
    clock.pass_by(minutes=10)
    async with open_store(places, clock) as store:
        assert await store.bindings.load() == [
            ("101", "sip:101@10.0.0.5:5060", "10.0.0.5:5061", later, "phone"),
        ]
